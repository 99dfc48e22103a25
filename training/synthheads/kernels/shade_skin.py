"""Skin: its colour by region, what is painted or grows on it, and light that travels a little way below it."""

import warp as wp

from training.synth.kernels.data import Hit, Shaded
from training.synth.kernels.light import ambient, gloss, matte, wrapped_softly
from training.synth.kernels.noise import bump, cell_hash, noise3, ramp

from .cutouts import beard_mask
from .data import Look
from .materials import LABEL_BEARD, LABEL_EARS, LABEL_HAIR, LABEL_MOUTH, LABEL_NECK, LABEL_NOSE, LABEL_SKIN
from .skin_marks import freckles, wrinkles

_STUBBLE = wp.constant(1)  # number of the style whose area stubble grows in
STUBBLE_LABEL_FROM = wp.constant(0.35)  # share of stubble from which skin is labelled beard
_CAVITY = wp.constant(wp.vec3(0.085, 0.012, 0.012))
_LID_EDGE_M = wp.constant(0.0046)  # from the lid's inner margin, where ``extra`` measures, to the edge that is seen
_CREASE_M = wp.constant(0.0100)  # of the fold, from that margin
_LASH = wp.constant(wp.vec3(0.012, 0.009, 0.008))
_SHADOW_PAINT = wp.constant(wp.vec3(0.20, 0.07, 0.16))


@wp.func
def redness(rest: wp.vec3, ear: float) -> float:
    """Where blood shows: cheeks, tip of the nose, ears, chin."""
    x, y, z = wp.abs(rest[0]), rest[1], rest[2]
    cheeks = bump(wp.length(wp.vec2(x - 0.043, (y + 0.040) * 1.15)), 0.020) * ramp(0.03, 0.06, z)
    nose = bump(wp.length(wp.vec2(x, y + 0.044)), 0.014) * ramp(0.085, 0.100, z)
    chin = bump(wp.length(wp.vec2(x, y + 0.104)), 0.014) * ramp(0.06, 0.08, z)
    return 0.55 * cheeks + 0.60 * nose + 0.55 * ear + 0.20 * chin


@wp.func
def eye_socket(rest: wp.vec3) -> float:
    across, up = wp.abs(rest[0]) - 0.031, rest[1] + 0.007
    return wp.exp(-(across * across / 0.00038 + up * up / 0.00015)) * ramp(0.05, 0.07, rest[2])


@wp.func
def upper_lid(rest: wp.vec3) -> float:
    across, up = wp.abs(rest[0]) - 0.033, rest[1] - 0.0015
    return wp.exp(-(across * across / 0.00034 + up * up / 0.00006)) * ramp(0.05, 0.07, rest[2])


@wp.func
def lid_crease(hit: Hit) -> float:
    """The fold over the upper lid, 0..1; it fades towards both corners."""
    upper = ramp(-0.006, -0.001, hit.rest[1])
    across = bump(wp.abs(hit.rest[0]) - 0.033, 0.012)
    return upper * across * bump(hit.extra[1] - _CREASE_M, 0.0011)


@wp.func
def bare_skin(hit: Hit, look: Look) -> wp.vec3:
    """The skin's own colour, before hair, paint and lips."""
    patches = noise3(hit.rest * 85.0, 1) - 0.5
    skin = look.skin * (1.0 + 0.07 * patches)
    flush = redness(hit.rest, hit.extra[2]) * (1.0 + 0.6 * look.skin_redness) + 0.10 * patches
    flush = flush + 0.12 * look.skin_redness
    skin = wp.vec3(skin[0] * (1.0 + 0.05 * flush), skin[1] * (1.0 - 0.26 * flush), skin[2] * (1.0 - 0.22 * flush))
    hollow = eye_socket(hit.rest)
    skin = wp.cw_mul(skin, wp.vec3(1.0 - 0.20 * hollow, 1.0 - 0.24 * hollow, 1.0 - 0.18 * hollow))
    crease = lid_crease(hit)
    skin = wp.cw_mul(skin, wp.vec3(1.0 - 0.34 * crease, 1.0 - 0.44 * crease, 1.0 - 0.44 * crease))
    if look.freckles > 0.0:
        brown = look.freckles * freckles(hit.rest)
        skin = wp.cw_mul(skin, wp.vec3(1.0 - 0.36 * brown, 1.0 - 0.56 * brown, 1.0 - 0.66 * brown))
    if look.wrinkles > 0.0:
        deep = look.wrinkles * wrinkles(hit.rest)
        skin = wp.cw_mul(skin, wp.vec3(1.0 - 0.40 * deep, 1.0 - 0.50 * deep, 1.0 - 0.50 * deep))
    return skin


@wp.func
def stubble_share(rest: wp.vec3, lip: float, look: Look) -> float:
    """How much of the skin stubble hides, 0..1: even, with a fine grain."""
    area = beard_mask(rest, _STUBBLE, lip)
    grain = 0.80 + 0.40 * noise3(rest * 700.0, 6)
    return look.stubble * area * grain


@wp.func
def lashes(hit: Hit, look: Look) -> float:
    """A dark line along the edges of the lids, strong above and faint below."""
    upper = ramp(-0.010, -0.006, hit.rest[1])
    corner = ramp(0.007, 0.014, wp.abs(wp.abs(hit.rest[0]) - 0.031))  # there the lids' margin lies less deep
    edge = _LID_EDGE_M + 0.0008 * look.eye_shadow - 0.0010 * corner
    line = (0.30 + 0.62 * upper) * (1.0 - ramp(edge, edge + 0.0012, hit.extra[1]))
    return line * ramp(0.0012, 0.0028, hit.extra[1])  # what a wide lid bares inside of them is moist skin


@wp.func
def painted(skin: wp.vec3, hit: Hit, look: Look) -> wp.vec3:
    """Eye shadow and lips."""
    shadow = wp.cw_mul(_SHADOW_PAINT, wp.vec3(0.4, 0.4, 0.4) + look.skin)
    skin = wp.lerp(skin, shadow, 0.88 * look.eye_shadow * upper_lid(hit.rest))
    lips = look.lip * (0.92 + 0.16 * noise3(hit.rest * 260.0, 4))
    return wp.lerp(skin, lips, ramp(0.2, 0.75, hit.extra[0]))


@wp.func
def below_beard(skin: Shaded, hit: Hit, look: Look) -> Shaded:
    """Stubble, or the roots of a longer beard."""
    if look.stubble > 0.0:
        share = stubble_share(hit.rest, hit.extra[0], look)
        skin.colour = wp.lerp(skin.colour, look.beard * 0.34 + skin.colour * 0.14, wp.min(share, 1.0))
        if share > STUBBLE_LABEL_FROM:
            skin.label = LABEL_BEARD
    elif look.beard_style > _STUBBLE:
        share = beard_mask(hit.rest, look.beard_style, hit.extra[0])
        skin.colour = wp.lerp(skin.colour, look.beard * 0.6, 0.80 * share)
        if share > 0.5:
            skin.label = LABEL_BEARD
    return skin


@wp.func
def coloured_skin(hit: Hit, look: Look) -> Shaded:
    """Albedo and label of the skin with everything on it."""
    skin = Shaded()
    skin.label = LABEL_SKIN
    if hit.extra[0] > 0.475:
        skin.label = LABEL_MOUTH
    skin.colour = painted(bare_skin(hit, look), hit, look)
    skin = below_beard(skin, hit, look)
    roots = look.scalp_tint * hit.tangent[0]
    if roots > 0.0:
        share = wp.min(roots * (0.88 + 0.24 * noise3(hit.rest * 900.0, 9)), 1.0)
        skin.colour = wp.lerp(skin.colour, look.hair * 0.62, share)
        if hit.tangent[0] > 0.5:
            skin.label = LABEL_HAIR  # a parting is a part of the hair
    skin.colour = wp.lerp(skin.colour, _LASH, lashes(hit, look))
    return skin


@wp.func
def face_region(hit: Hit) -> int:
    """Nose, ears and neck by their place on the template."""
    x, y, z = wp.abs(hit.rest[0]), hit.rest[1], hit.rest[2]
    if hit.extra[2] > 0.5:
        return LABEL_EARS
    if y > -0.054 and y < 0.004 and z > 0.085 and x < 0.0106 - 0.144 * wp.min(y + 0.005, 0.0) and x < 0.019:
        return LABEL_NOSE
    jaw = -0.055 - 0.068 * wp.clamp((z + 0.010) / 0.085, 0.0, 1.0)  # from below the ear to the chin
    if y < jaw:
        return LABEL_NECK
    return LABEL_SKIN


@wp.func
def scattered(hit: Hit, albedo: wp.vec3) -> wp.vec3:
    """Diffuse light that travels below the surface: red goes farthest, so shadows end in a warm seam."""
    cosine = wp.dot(hit.normal, hit.light.to_key)
    red = wrapped_softly(cosine, 0.30) * hit.lit * (1.35 - 0.35 * hit.lit)
    green = wrapped_softly(cosine, 0.22) * hit.lit
    blue = wrapped_softly(cosine, 0.19) * hit.lit * (0.92 + 0.08 * hit.lit)
    key = wp.cw_mul(hit.light.key, wp.vec3(red, green, blue))
    around = ambient(hit.light, hit.normal, hit.sky)
    warmer = wp.vec3(1.0 + 0.22 * (1.0 - hit.sky), 1.0, 1.0 - 0.08 * (1.0 - hit.sky))  # light between folds of skin
    return wp.cw_mul(albedo, key + wp.cw_mul(around, warmer))


@wp.func
def shade_cavity(hit: Hit) -> Shaded:
    """The inside of the mouth: cheeks and palate, black at the throat."""
    result = Shaded()
    result.label = LABEL_MOUTH
    hit.sky = wp.max(hit.sky, 0.4)
    hit.lit = 0.3 + 0.7 * hit.lit
    result.albedo = _CAVITY * (0.16 + 1.2 * ramp(0.040, 0.095, hit.rest[2]))
    result.colour = matte(hit, result.albedo, 0.6)
    return result


@wp.func
def shade_skin(hit: Hit, look: Look) -> Shaded:
    if hit.extra[3] > 0.5:
        return shade_cavity(hit)
    result = coloured_skin(hit, look)
    moist = wp.float32(0.0)
    if result.label == LABEL_MOUTH:
        moist = 1.0
    elif result.label == LABEL_SKIN:
        result.label = face_region(hit)
    pores = 0.06 * (cell_hash(int(hit.rest[0] * 2500.0), int(hit.rest[1] * 2500.0), 3) - 0.5)
    shine = gloss(hit, 0.50 - 0.14 * moist + pores, 0.026 + 0.014 * moist)
    hairless = 1.0 - 0.7 * wp.clamp(look.scalp_tint * hit.tangent[0], 0.0, 1.0)
    result.albedo = result.colour
    result.colour = scattered(hit, result.albedo) + shine * hairless
    return result
