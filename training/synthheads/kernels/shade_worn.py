"""Clothes, frames of glasses and lenses."""

import warp as wp

from training.synth.kernels.data import Hit, Shaded
from training.synth.kernels.light import gloss, matte, studio
from training.synth.kernels.noise import noise3, ramp

from .cutouts import cloth_edge
from .data import Look
from .materials import LABEL_CLOTH, LABEL_GLASSES

_COLLAR_M = wp.constant(0.009)
_THREADS_PER_M = wp.constant(300.0)
DARK_FROM = wp.constant(0.5)  # lenses darker than this hide the eyes: they are what is seen


@wp.func
def shade_cloth(hit: Hit, look: Look) -> Shaded:
    """A weave, soft folds, and a rim of ribbing along the neck."""
    inside = cloth_edge(hit.rest, look.neckline)
    weave = wp.sin(hit.rest[0] * _THREADS_PER_M * 6.283) * wp.sin((hit.rest[1] + hit.rest[2]) * _THREADS_PER_M * 6.283)
    tone = 1.0 + 0.05 * weave + 0.14 * (noise3(hit.rest * 45.0, 3) - 0.5)
    seam = ramp(_COLLAR_M - 0.0012, _COLLAR_M, inside) * (1.0 - ramp(_COLLAR_M + 0.0006, _COLLAR_M + 0.002, inside))
    rim = 1.0 - ramp(_COLLAR_M - 0.0004, _COLLAR_M + 0.0004, inside)
    ribs = 0.86 + 0.06 * wp.sin(wp.atan2(hit.rest[0], hit.rest[2] + 0.045) * 160.0)
    tone = tone * wp.lerp(1.0, ribs, rim) * (1.0 - 0.30 * seam)
    result = Shaded()
    result.label = LABEL_CLOTH
    result.albedo = look.cloth * tone
    result.colour = matte(hit, result.albedo, 0.10) + gloss(hit, 0.75, 0.015)
    return result


@wp.func
def mirrored(hit: Hit) -> wp.vec3:
    return 2.0 * wp.dot(hit.normal, hit.view) * hit.normal - hit.view


@wp.func
def shade_frame(hit: Hit, look: Look) -> Shaded:
    result = Shaded()
    result.label = LABEL_GLASSES
    mirror = 0.10 * studio(look.around.light, mirrored(hit)) * (0.3 + 0.7 * hit.lit)
    result.albedo = look.frame
    result.colour = matte(hit, look.frame, 0.0) + gloss(hit, 0.28, 0.05) + wp.vec3(mirror, mirror, mirror)
    return result


@wp.func
def through_lens(hit: Hit, behind: wp.vec3, look: Look) -> wp.vec3:
    """What a lens lets through, its own tint (darker above), and the studio in it."""
    darkness = look.lens_darkness
    if darkness >= DARK_FROM:
        darkness = wp.clamp(darkness - 0.07 + 0.09 * ramp(-0.05, 0.03, hit.position[1]), 0.0, 1.0)
    edge = 1.0 - wp.max(wp.dot(hit.normal, hit.view), 0.0)
    strength = 0.016 + 0.06 * look.lens_darkness + 0.4 * edge * edge * edge * edge
    mirror = studio(look.around.light, mirrored(hit)) * strength
    return behind * (1.0 - darkness) + look.lens * darkness + wp.vec3(0.92, 0.97, 1.05) * mirror


@wp.func
def lens_label(look: Look) -> int:
    """What is seen where a lens is: dark glasses, or 0 for what is behind clear ones."""
    if look.lens_darkness >= DARK_FROM:
        return LABEL_GLASSES
    return 0
