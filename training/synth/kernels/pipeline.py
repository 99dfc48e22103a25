"""The kernels that depend on a domain's shading: the nearest triangles, depth maps, and what each ray sees."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import warp as wp

from .backdrop import shade_backdrop
from .data import Camera, Geometry, Hit, Sunlight
from .light import to_display
from .raster import (
    DEPTH_STEPS,
    EMPTY,
    TRIANGLE_BITS,
    barycentric,
    blend3,
    blend4,
    covers,
    doubled_area,
    key_depth,
    key_triangle,
    perspective_weights,
    pixel_box,
)  # fmt: skip
from .samples import Samples
from .shadow import lit_share
from .styles import styled, styled_backdrop
from .traits import CLOSED as _CLOSED
from .traits import CUT as _CUT
from .traits import FIBRES as _FIBRES
from .traits import NO_SHADE as _NO_SHADE
from .traits import NO_SHADOW as _NO_SHADOW
from .traits import STRANDS as _STRANDS
from .traits import TWO_SIDED as _TWO_SIDED

CLOSED, CUT, FIBRES, STRANDS = (wp.constant(bit) for bit in (_CLOSED, _CUT, _FIBRES, _STRANDS))
NO_SHADE, NO_SHADOW, TWO_SIDED = (wp.constant(bit) for bit in (_NO_SHADE, _NO_SHADOW, _TWO_SIDED))


@dataclass(frozen=True, eq=False)
class Shading:
    """How a domain's materials look: Warp functions, and what is the same for a whole thing.

    ``look``: a ``wp.struct`` with a field ``around`` (:class:`.data.Surroundings`); ``exists(material, rest, extra,
    look) -> bool``: whether a point of a material with the trait CUT is there; ``shade(hit, look) -> Shaded``;
    ``through(hit, behind, look) -> colour`` and ``lens_label(look) -> int``: what a lens lets through, and its label
    where it is what is seen (0: where one sees what is behind it). ``traits``: bits of :mod:`.traits`, by material.
    """

    look: type
    exists: Callable
    shade: Callable
    through: Callable
    lens_label: Callable
    traits: tuple[int, ...]


@dataclass(frozen=True)
class Kernels:
    find_nearest: wp.Kernel
    find_shadow_depth: wp.Kernel
    find_depth_range: wp.Kernel
    shade_samples: wp.Kernel


@wp.func
def hit_at(key: wp.int64, x: float, y: float, geometry: Geometry, screen: wp.array(dtype=wp.vec3), eye: wp.vec3) -> Hit:
    """Everything at the place of a triangle that a sample sees, but its shadow."""
    triangle = key_triangle(key)
    corner = geometry.triangles[triangle]
    a, b, c = screen[corner[0]], screen[corner[1]], screen[corner[2]]
    w = barycentric(a, b, c, x, y, 1.0 / doubled_area(a, b, c))
    w = perspective_weights(w, a, b, c, 1.0 / (w[0] * a[2] + w[1] * b[2] + w[2] * c[2]))
    hit = Hit()
    hit.material = geometry.material[triangle]
    hit.traits = geometry.traits[triangle]
    hit.position = blend3(geometry.position, corner, w)
    hit.normal = wp.normalize(blend3(geometry.normal, corner, w))
    hit.tangent = blend3(geometry.tangent, corner, w)
    hit.rest = blend3(geometry.rest, corner, w)
    hit.extra = blend4(geometry.extra, corner, w)
    hit.sky = geometry.sky[corner[0]] * w[0] + geometry.sky[corner[1]] * w[1] + geometry.sky[corner[2]] * w[2]
    hit.view = wp.normalize(eye - hit.position)
    if hit.traits & TWO_SIDED != 0 and wp.dot(hit.normal, hit.view) < 0.0:
        hit.normal = -hit.normal
    if hit.traits & FIBRES != 0:
        hit.tangent = wp.normalize(hit.tangent)
    return hit


@cache
def make_kernels(shading: Shading) -> Kernels:
    """The kernels of one way of shading."""
    find_nearest, find_shadow_depth, find_depth_range = _finders(shading.look, shading.exists)
    return Kernels(find_nearest, find_shadow_depth, find_depth_range, _shader(shading))


def _finders(Look: type, exists: Callable) -> tuple[wp.Kernel, wp.Kernel, wp.Kernel]:
    @wp.func
    def point_exists(geometry: Geometry, look: Look, triangle: int, weights: wp.vec3) -> bool:
        """Whether a triangle has something at a point, or is cut out there."""
        if geometry.traits[triangle] & CUT == 0:
            return True
        corner = geometry.triangles[triangle]
        rest, extra = blend3(geometry.rest, corner, weights), blend4(geometry.extra, corner, weights)
        return exists(geometry.material[triangle], rest, extra, look)

    @wp.kernel(module="unique")
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
        if area > 0.0 and geometry.traits[t] & CLOSED != 0:
            return
        inverse_area = 1.0 / area
        for y in range(box[2], box[3] + 1):
            for x in range(box[0], box[1] + 1):
                w = barycentric(a, b, c, float(x) + 0.5, float(y) + 0.5, inverse_area)
                if covers(w):
                    depth = 1.0 / (w[0] * a[2] + w[1] * b[2] + w[2] * c[2])
                    key = (wp.int64(depth * DEPTH_STEPS) << TRIANGLE_BITS) | wp.int64(t)
                    if key < nearest[y * size + x]:
                        if point_exists(geometry, look, t, perspective_weights(w, a, b, c, depth)):
                            wp.atomic_min(nearest, y * size + x, key)

    @wp.kernel(module="unique")
    def find_shadow_depth(
        geometry: Geometry, look: Look, screen: wp.array(dtype=wp.vec3), size: int, depth: wp.array(dtype=float)
    ):
        """The nearest surface to the light in each texel, cut-outs respected."""
        t = wp.tid()
        corner = geometry.triangles[t]
        a, b, c = screen[corner[0]], screen[corner[1]], screen[corner[2]]
        box = pixel_box(a, b, c, size)
        area = doubled_area(a, b, c)
        if box[0] > box[1] or box[2] > box[3] or wp.abs(area) < 1.0e-9 or geometry.traits[t] & NO_SHADOW != 0:
            return
        inverse_area = 1.0 / area
        for y in range(box[2], box[3] + 1):
            for x in range(box[0], box[1] + 1):
                w = barycentric(a, b, c, float(x) + 0.5, float(y) + 0.5, inverse_area)
                if covers(w):
                    z = w[0] * a[2] + w[1] * b[2] + w[2] * c[2]
                    if z < depth[y * size + x]:
                        if point_exists(geometry, look, t, w):
                            wp.atomic_min(depth, y * size + x, z)

    @wp.kernel(module="unique")
    def find_depth_range(
        geometry: Geometry,
        look: Look,
        screen: wp.array(dtype=wp.vec3),
        size: int,
        near: wp.array(dtype=float),
        far: wp.array(dtype=float),
    ):
        """The first and the last surface along each ray: maps for two opposite directions at once."""
        t = wp.tid()
        corner = geometry.triangles[t]
        a, b, c = screen[corner[0]], screen[corner[1]], screen[corner[2]]
        box = pixel_box(a, b, c, size)
        area = doubled_area(a, b, c)
        if box[0] > box[1] or box[2] > box[3] or wp.abs(area) < 1.0e-9 or geometry.traits[t] & NO_SHADE != 0:
            return
        if not point_exists(geometry, look, t, wp.vec3(1.0, 1.0, 1.0) / 3.0):  # near enough for maps this small
            return
        inverse_area = 1.0 / area
        for y in range(box[2], box[3] + 1):
            for x in range(box[0], box[1] + 1):
                w = barycentric(a, b, c, float(x) + 0.5, float(y) + 0.5, inverse_area)
                if covers(w):
                    z = w[0] * a[2] + w[1] * b[2] + w[2] * c[2]
                    wp.atomic_min(near, y * size + x, z)
                    wp.atomic_max(far, y * size + x, z)

    return find_nearest, find_shadow_depth, find_depth_range


def _shader(shading: Shading) -> wp.Kernel:
    Look, shade, through, lens_label = shading.look, shading.shade, shading.through, shading.lens_label

    @wp.kernel(module="unique")
    def shade_samples(
        geometry: Geometry,
        look: Look,
        camera: Camera,
        sun: Sunlight,
        screen: wp.array(dtype=wp.vec3),
        samples: Samples,
    ):
        """Fills ``samples`` from its ``nearest`` and ``lens``."""
        i = wp.tid()
        x, y = float(i % camera.size) + 0.5, float(i / camera.size) + 0.5
        key, lens_key = samples.nearest[i], samples.lens[i]
        samples.distance[i] = 0.0
        samples.normal[i] = wp.vec3(0.0, 0.0, 0.0)
        shaded = shade_backdrop(x / float(camera.size), y / float(camera.size), look.around)
        shaded.colour = styled_backdrop(shaded.colour, look.around.style)
        if key != EMPTY:
            hit = hit_at(key, x, y, geometry, screen, camera.position)
            hit.light = look.around.light
            hit.lit = lit_share(sun, hit.position, hit.normal)
            shaded = shade(hit, look)
            strands = hit.traits & STRANDS != 0
            across, down = x / float(camera.size), y / float(camera.size)
            shaded.colour = styled(shaded, hit, look.around.style, strands, across, down)
            samples.distance[i] = wp.length(camera.position - hit.position)
            samples.normal[i] = hit.normal
        samples.behind[i] = wp.uint8(shaded.label)
        if lens_key != EMPTY and key_depth(lens_key) < key_depth(key):
            lens = hit_at(lens_key, x, y, geometry, screen, camera.position)
            shaded.colour = through(lens, shaded.colour, look)
            label = lens_label(look)
            if label != 0:
                shaded.label = label
                samples.distance[i] = wp.length(camera.position - lens.position)
                samples.normal[i] = lens.normal
        samples.label[i] = wp.uint8(shaded.label)
        samples.colour[i] = to_display(shaded.colour)

    return shade_samples
