"""Hair, beards and brows: fibres after Kajiya and Kay (1989), with Marschner's two highlights (2003)."""

import warp as wp

from training.synth.kernels.data import Hit, Shaded
from training.synth.kernels.light import ambient, wrapped
from training.synth.kernels.noise import noise1, noise2, ramp

from .cutouts import beard_grain, brow_grain
from .data import Look
from .materials import LABEL_BEARD, LABEL_BROWS, LABEL_HAIR


@wp.func
def fibre_diffuse(hit: Hit) -> float:
    """A fibre is lit from all sides but its ends; the surface it lies in still turns away from the light."""
    along = wp.dot(hit.tangent, hit.light.to_key)
    across = wp.sqrt(wp.max(1.0 - along * along, 0.0))
    facing = wp.dot(hit.normal, hit.light.to_key)
    return wp.lerp(wrapped(facing, 0.30), across * wrapped(facing, 0.55), 0.55)


@wp.func
def fibre_highlight(tangent: wp.vec3, half: wp.vec3) -> float:
    """sin¹⁶ of the angle between a fibre and the half vector; its fourth power is the sharper highlight."""
    along = wp.dot(tangent, half)
    sine2 = wp.max(1.0 - along * along, 0.0)
    sine8 = sine2 * sine2 * sine2 * sine2
    return sine8 * sine8


@wp.func
def light_fibres(hit: Hit, albedo: wp.vec3, shine: float, jitter: float) -> wp.vec3:
    """``jitter`` about 0 shifts the highlight from strand to strand."""
    half = wp.normalize(hit.light.to_key + hit.view)
    towards_root = wp.normalize(hit.tangent + hit.normal * (0.14 + 0.30 * jitter))
    towards_tip = wp.normalize(hit.tangent + hit.normal * (0.42 * jitter - 0.16))
    sharp = fibre_highlight(towards_root, half)
    white = 0.085 * sharp * sharp * sharp * sharp
    tinted = albedo * (0.42 * fibre_highlight(towards_tip, half))
    facing = ramp(-0.1, 0.6, wp.dot(hit.normal, hit.light.to_key))
    glint = (wp.vec3(white, white, white) + tinted) * (shine * facing * hit.lit)
    through = wp.lerp(hit.lit, 1.0, 0.30 * wp.max(albedo))  # light hair passes light on from strand to strand
    key = wp.cw_mul(hit.light.key, albedo * (fibre_diffuse(hit) * through) + glint)
    around = ambient(hit.light, hit.normal, wp.lerp(hit.sky, 1.0, 0.25 * wp.max(albedo)))
    grey = 0.36 * around[0] + 0.36 * around[1] + 0.28 * around[2]
    warm = wp.vec3(grey * 1.08, grey, grey * 0.94)  # it mixes what comes from all around, and keeps the red
    purer = albedo / wp.max(wp.max(albedo), 0.001)  # passed on often, light takes the hair's colour more than once
    deep = wp.cw_mul(albedo, wp.vec3(0.6, 0.6, 0.6) + 0.4 * purer)
    return key + wp.cw_mul(deep, warm) * (1.05 + 0.35 * wp.max(albedo))


@wp.func
def hair_albedo(hit: Hit, look: Look) -> wp.vec3:
    """Strands and locks differ a little; roots and what lies deep are darker."""
    strand = hit.rest[0] * look.strands_across
    fine = noise2(strand, hit.rest[1] * look.strands_along, 7) - 0.5
    lock = noise2(strand * 0.22, hit.rest[1] * look.strands_along * 0.5, 21) - 0.5
    root = 0.68 + 0.14 * ramp(0.0, 0.30, hit.rest[1])
    depth = 0.55 + 0.45 * hit.rest[2]
    warm = 1.0 - 0.14 * (lock + 0.5 * fine)
    tone = root * depth * (1.0 + 0.55 * fine + 0.34 * lock)
    return wp.cw_mul(look.hair, wp.vec3(tone * warm, tone, tone / warm))


@wp.func
def shade_hair(hit: Hit, look: Look) -> Shaded:
    jitter = noise1(hit.rest[0] * look.strands_across * 0.7, 33) - 0.5
    result = Shaded()
    result.label = LABEL_HAIR
    result.albedo = hair_albedo(hit, look)
    result.colour = light_fibres(hit, result.albedo, look.hair_shine, jitter)
    return result


@wp.func
def shade_beard(hit: Hit, look: Look) -> Shaded:
    grain = beard_grain(hit.rest)
    tone = (0.55 + 0.45 * hit.extra[3]) * (0.62 + 0.76 * grain)
    result = Shaded()
    result.label = LABEL_BEARD
    result.albedo = look.beard * tone
    result.colour = light_fibres(hit, result.albedo, 0.25, grain - 0.5)
    return result


@wp.func
def shade_brow(hit: Hit, look: Look) -> Shaded:
    tone = 0.68 + 0.64 * brow_grain(hit.rest)
    result = Shaded()
    result.label = LABEL_BROWS
    result.albedo = look.brow * tone
    result.colour = light_fibres(hit, result.albedo, 0.15, 0.0)
    return result
