"""Triangles to pixels: the nearest triangle of each sample, and depth maps for shadows."""

import warp as wp

from .cutouts import exists
from .data import Camera, Geometry, Look
from .materials import BEARD, BROW, CLOTH, EYE, SKIN

EMPTY = wp.constant(wp.int64(9223372036854775807))
_TRIANGLE_BITS = wp.constant(wp.int64(24))
_TRIANGLE_MASK = wp.constant(wp.int64(16777215))
_DEPTH_STEPS = wp.constant(1.0e7)  # per world unit
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
    return key >> _TRIANGLE_BITS


@wp.func
def is_closed(material: int) -> bool:
    """Surfaces whose back is never seen."""
    return material == SKIN or material == EYE or material == BEARD or material == BROW


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


@wp.func
def point_exists(geometry: Geometry, look: Look, triangle: int, weights: wp.vec3) -> bool:
    """Whether a triangle has something at a point, or is cut out there."""
    material = geometry.material[triangle]
    if material < CLOTH or material > BROW:
        return True
    corner = geometry.triangles[triangle]
    return exists(material, blend3(geometry.rest, corner, weights), blend4(geometry.extra, corner, weights), look)


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


@wp.kernel
def find_nearest(
    geometry: Geometry,
    look: Look,
    screen: wp.array(dtype=wp.vec3),
    size: int,
    first: int,
    nearest: wp.array(dtype=wp.int64),
):
    """Each triangle from number ``first`` on: depth and number into ``nearest`` [size²] where it is in front."""
    t = first + wp.tid()
    corner = geometry.triangles[t]
    a, b, c = screen[corner[0]], screen[corner[1]], screen[corner[2]]
    box = pixel_box(a, b, c, size)
    area = doubled_area(a, b, c)
    if box[0] > box[1] or box[2] > box[3] or wp.abs(area) < 1.0e-9:
        return
    if area > 0.0 and is_closed(geometry.material[t]):
        return
    inverse_area = 1.0 / area
    for y in range(box[2], box[3] + 1):
        for x in range(box[0], box[1] + 1):
            w = barycentric(a, b, c, float(x) + 0.5, float(y) + 0.5, inverse_area)
            if covers(w):
                depth = 1.0 / (w[0] * a[2] + w[1] * b[2] + w[2] * c[2])
                key = (wp.int64(depth * _DEPTH_STEPS) << _TRIANGLE_BITS) | wp.int64(t)
                if key < nearest[y * size + x]:
                    if point_exists(geometry, look, t, perspective_weights(w, a, b, c, depth)):
                        wp.atomic_min(nearest, y * size + x, key)
