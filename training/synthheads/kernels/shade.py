"""Samples to colours: what each ray sees, and the mean of a pixel's samples."""

import warp as wp

from .backdrop import shade_backdrop
from .data import Camera, Geometry, Hit, Look, Shaded, Sunlight
from .light import to_display
from .materials import (
    BEARD,
    BROW,
    CLOTH,
    EYE,
    HAIR,
    LABEL_GLASSES,
    SKIN,
    TEETH,
    TONGUE,
)  # fmt: skip
from .raster import (
    EMPTY,
    barycentric,
    blend3,
    blend4,
    doubled_area,
    key_depth,
    key_triangle,
    perspective_weights,
)  # fmt: skip
from .samples import Samples
from .shade_eye import shade_eye, shade_teeth, shade_tongue
from .shade_hair import shade_beard, shade_brow, shade_hair
from .shade_skin import shade_skin
from .shade_worn import DARK_FROM, shade_cloth, shade_frame, through_lens
from .shadow import lit_share
from .styles import styled, styled_backdrop


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
    hit.position = blend3(geometry.position, corner, w)
    hit.normal = wp.normalize(blend3(geometry.normal, corner, w))
    hit.tangent = blend3(geometry.tangent, corner, w)
    hit.rest = blend3(geometry.rest, corner, w)
    hit.extra = blend4(geometry.extra, corner, w)
    hit.sky = geometry.sky[corner[0]] * w[0] + geometry.sky[corner[1]] * w[1] + geometry.sky[corner[2]] * w[2]
    hit.view = wp.normalize(eye - hit.position)
    if hit.material > EYE and wp.dot(hit.normal, hit.view) < 0.0:
        hit.normal = -hit.normal
    if hit.material == HAIR or hit.material == BEARD or hit.material == BROW:
        hit.tangent = wp.normalize(hit.tangent)
    return hit


@wp.func
def shade_hit(hit: Hit, look: Look) -> Shaded:
    """The branch of each material."""
    if hit.material == SKIN:
        return shade_skin(hit, look)
    if hit.material == HAIR:
        return shade_hair(hit, look)
    if hit.material == BEARD:
        return shade_beard(hit, look)
    if hit.material == BROW:
        return shade_brow(hit, look)
    if hit.material == CLOTH:
        return shade_cloth(hit, look)
    if hit.material == EYE:
        return shade_eye(hit, look)
    if hit.material == TEETH:
        return shade_teeth(hit)
    if hit.material == TONGUE:
        return shade_tongue(hit)
    return shade_frame(hit, look)


@wp.kernel
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
    shaded = shade_backdrop(x / float(camera.size), y / float(camera.size), look)
    shaded.colour = styled_backdrop(shaded.colour, look)
    if key != EMPTY:
        hit = hit_at(key, x, y, geometry, screen, camera.position)
        hit.light = look.light
        hit.lit = lit_share(sun, hit.position, hit.normal)
        shaded = shade_hit(hit, look)
        shaded.colour = styled(shaded, hit, look, x / float(camera.size), y / float(camera.size))
        samples.distance[i] = wp.length(camera.position - hit.position)
        samples.normal[i] = hit.normal
    samples.behind[i] = wp.uint8(shaded.label)
    if lens_key != EMPTY and key_depth(lens_key) < key_depth(key):
        lens = hit_at(lens_key, x, y, geometry, screen, camera.position)
        shaded.colour = through_lens(lens, shaded.colour, look)
        if look.lens_darkness >= DARK_FROM:
            shaded.label = LABEL_GLASSES
            samples.distance[i] = wp.length(camera.position - lens.position)
            samples.normal[i] = lens.normal
    samples.label[i] = wp.uint8(shaded.label)
    samples.colour[i] = to_display(shaded.colour)
