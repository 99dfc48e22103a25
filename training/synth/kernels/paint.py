"""Shading for domains that bring no kernels of their own: every vertex has its colour and finish.

A point's ``rest`` is its colour in linear light, its ``extra`` roughness, reflectance, softness and metal, its
``tangent`` the coordinates of its grain (0, 0, 0: none), its material the number of its label.
"""

import warp as wp

from .data import Hit, Shaded, Surroundings
from .light import gloss, matte, studio
from .noise import noise3
from .pipeline import Shading
from .traits import TWO_SIDED

_GRAIN = wp.constant(0.42)


@wp.struct
class PaintLook:
    around: Surroundings


@wp.func
def paint_exists(material: int, rest: wp.vec3, extra: wp.vec4, look: PaintLook) -> bool:
    return True


@wp.func
def grain(place: wp.vec3) -> float:
    """1 on average; streaks and tufts where there are coordinates for them."""
    if wp.length_sq(place) == 0.0:
        return 1.0
    return 1.0 + _GRAIN * (0.65 * noise3(place, 31) + 0.35 * noise3(place * 2.7, 32) - 0.5)


@wp.func
def shade_paint(hit: Hit, look: PaintLook) -> Shaded:
    result = Shaded()
    result.label = hit.material
    result.albedo = hit.rest * grain(hit.tangent)
    metal = hit.extra[3]
    body = matte(hit, result.albedo, hit.extra[2]) * (1.0 - 0.35 * metal)
    mirrored = 2.0 * wp.dot(hit.normal, hit.view) * hit.normal - hit.view
    mirror = studio(hit.light, mirrored) * (0.35 + 0.65 * hit.lit) * hit.sky
    bright = result.albedo * (0.55 * metal * mirror)
    clear = hit.extra[1] * mirror
    result.colour = body + gloss(hit, hit.extra[0], hit.extra[1]) + bright + wp.vec3(clear, clear, clear)
    return result


@wp.func
def paint_through(hit: Hit, behind: wp.vec3, look: PaintLook) -> wp.vec3:
    return behind


@wp.func
def paint_lens(look: PaintLook) -> int:
    return 0


_MOST_LABELS = 64
PAINT = Shading(PaintLook, paint_exists, shade_paint, paint_through, paint_lens, (TWO_SIDED,) * _MOST_LABELS)
