"""Triangles to pixels: the nearest triangle of each sample, and depth maps for shadows."""
# ruff: noqa: UP018, SIM109

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
def has_cutout(material: int) -> bool:
    return material >= CLOTH and material <= BROW


@wp.func
def is_closed(material: int) -> bool:
    """Surfaces whose back is never seen."""
    return material == SKIN or material == EYE or material == BEARD or material == BROW


@wp.func
def first_pixel(a: float, b: float, c: float) -> int:
    return wp.max(0, int(wp.ceil(wp.min(a, wp.min(b, c)) - 0.5)))


@wp.func
def last_pixel(a: float, b: float, c: float, size: int) -> int:
    return wp.min(size - 1, int(wp.floor(wp.max(a, wp.max(b, c)) - 0.5)))


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
    material = geometry.material[t]
    a, b, c = screen[corner[0]], screen[corner[1]], screen[corner[2]]
    x0, x1 = first_pixel(a[0], b[0], c[0]), last_pixel(a[0], b[0], c[0], size)
    y0, y1 = first_pixel(a[1], b[1], c[1]), last_pixel(a[1], b[1], c[1], size)
    if x0 > x1 or y0 > y1:
        return
    area = doubled_area(a, b, c)
    if wp.abs(area) < 1.0e-9 or (area > 0.0 and is_closed(material)):
        return
    inverse_area = 1.0 / area
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            w = barycentric(a, b, c, float(x) + 0.5, float(y) + 0.5, inverse_area)
            if w[0] >= _EDGE and w[1] >= _EDGE and w[2] >= _EDGE:
                depth = 1.0 / (w[0] * a[2] + w[1] * b[2] + w[2] * c[2])
                key = (wp.int64(depth * _DEPTH_STEPS) << _TRIANGLE_BITS) | wp.int64(t)
                if key < nearest[y * size + x]:
                    seen = bool(True)
                    if has_cutout(material):
                        w = perspective_weights(w, a, b, c, depth)
                        rest = blend3(geometry.rest, corner, w)
                        seen = exists(material, rest, blend4(geometry.extra, corner, w), look)
                    if seen:
                        wp.atomic_min(nearest, y * size + x, key)


@wp.func
def blend3(values: wp.array(dtype=wp.vec3), corner: wp.vec3i, w: wp.vec3) -> wp.vec3:
    return values[corner[0]] * w[0] + values[corner[1]] * w[1] + values[corner[2]] * w[2]


@wp.func
def blend4(values: wp.array(dtype=wp.vec4), corner: wp.vec3i, w: wp.vec3) -> wp.vec4:
    return values[corner[0]] * w[0] + values[corner[1]] * w[1] + values[corner[2]] * w[2]
