"""From triangles to pixels: projections, weights inside triangles, and the order of depths."""

import warp as wp

from .data import Camera

EMPTY = wp.constant(wp.int64(9223372036854775807))
TRIANGLE_BITS = wp.constant(wp.int64(24))
_TRIANGLE_MASK = wp.constant(wp.int64(16777215))
DEPTH_STEPS = wp.constant(1.0e7)  # per world unit
FAR = wp.constant(100.0)
_EDGE = wp.constant(-1.0e-5)  # neighbours overlap by a hair's breadth, so that rounding leaves no cracks


@wp.func
def column(axes: wp.mat33, index: int) -> wp.vec3:
    return wp.vec3(axes[0, index], axes[1, index], axes[2, index])


@wp.func
def doubled_area(a: wp.vec3, b: wp.vec3, c: wp.vec3) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


@wp.func
def barycentric(a: wp.vec3, b: wp.vec3, c: wp.vec3, x: float, y: float, inverse_area: float) -> wp.vec3:
    first = ((b[0] - x) * (c[1] - y) - (b[1] - y) * (c[0] - x)) * inverse_area
    second = ((c[0] - x) * (a[1] - y) - (c[1] - y) * (a[0] - x)) * inverse_area
    return wp.vec3(first, second, 1.0 - first - second)


@wp.func
def perspective_weights(weights: wp.vec3, a: wp.vec3, b: wp.vec3, c: wp.vec3, depth: float) -> wp.vec3:
    """Barycentric weights in space from those on screen; the third coordinates are 1/depth."""
    return wp.vec3(weights[0] * a[2], weights[1] * b[2], weights[2] * c[2]) * depth


@wp.func
def key_triangle(key: wp.int64) -> int:
    return int(key & _TRIANGLE_MASK)


@wp.func
def key_depth(key: wp.int64) -> wp.int64:
    return key >> TRIANGLE_BITS


@wp.func
def pixel_box(a: wp.vec3, b: wp.vec3, c: wp.vec3, size: int) -> wp.vec4i:
    """First and last column and row whose centres a triangle may cover."""
    left = wp.max(0, int(wp.ceil(wp.min(a[0], wp.min(b[0], c[0])) - 0.5)))
    right = wp.min(size - 1, int(wp.floor(wp.max(a[0], wp.max(b[0], c[0])) - 0.5)))
    top = wp.max(0, int(wp.ceil(wp.min(a[1], wp.min(b[1], c[1])) - 0.5)))
    bottom = wp.min(size - 1, int(wp.floor(wp.max(a[1], wp.max(b[1], c[1])) - 0.5)))
    return wp.vec4i(left, right, top, bottom)


@wp.func
def covers(weights: wp.vec3) -> bool:
    return weights[0] >= _EDGE and weights[1] >= _EDGE and weights[2] >= _EDGE


@wp.func
def blend3(values: wp.array(dtype=wp.vec3), corner: wp.vec3i, w: wp.vec3) -> wp.vec3:
    return values[corner[0]] * w[0] + values[corner[1]] * w[1] + values[corner[2]] * w[2]


@wp.func
def blend4(values: wp.array(dtype=wp.vec4), corner: wp.vec3i, w: wp.vec3) -> wp.vec4:
    return values[corner[0]] * w[0] + values[corner[1]] * w[1] + values[corner[2]] * w[2]


@wp.kernel
def project(position: wp.array(dtype=wp.vec3), camera: Camera, screen: wp.array(dtype=wp.vec3)):
    """Vertices to samples: x, y and 1/depth."""
    i = wp.tid()
    offset = position[i] - camera.position
    inverse = 1.0 / wp.dot(column(camera.axes, 2), offset)
    scale = camera.focal * inverse
    x = wp.dot(column(camera.axes, 0), offset) * scale
    y = wp.dot(column(camera.axes, 1), offset) * scale
    screen[i] = wp.vec3((x + 0.5) * float(camera.size), (y + 0.5) * float(camera.size), inverse)
