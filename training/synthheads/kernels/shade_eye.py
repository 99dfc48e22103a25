"""Eyes, teeth, tongue."""

import warp as wp

from .data import Hit, Look, Shaded
from .light import gloss, matte
from .materials import LABEL_EYES, LABEL_MOUTH
from .noise import bump, noise2, ramp

_IRIS_RAD = wp.constant(0.54)  # seen from the eye's centre; 0.50 in life, but the colour has to be seen
_PUPIL_RAD = wp.constant(0.21)
_WHITE = wp.constant(wp.vec3(0.78, 0.75, 0.72))
_IVORY = wp.constant(wp.vec3(0.92, 0.87, 0.76))
_GUM = wp.constant(wp.vec3(0.42, 0.12, 0.11))
_TONGUE = wp.constant(wp.vec3(0.42, 0.12, 0.11))


@wp.func
def iris_colour(angle: float, direction: wp.vec3, look: Look) -> wp.vec3:
    """Fibres, a lighter ring round the pupil, a dark rim; brighter opposite the light, as a lens does."""
    around = wp.atan2(direction[1], direction[0])
    fibres = 0.75 + 0.5 * noise2(around * 9.0, angle * 5.0, 8)
    ring = 1.0 + 0.5 * bump(angle - 0.30, 0.10)
    glow = 1.0 + 0.35 * wp.clamp(-direction[1] * 2.0, -0.6, 1.0)
    grey = wp.vec3(0.3, 0.3, 0.3) * (look.iris[0] + look.iris[1] + look.iris[2])
    iris = wp.lerp(look.iris, grey, 0.12) * (0.88 * fibres * ring * glow)
    return iris * (1.0 - 0.80 * ramp(0.74 * _IRIS_RAD, _IRIS_RAD, angle))


@wp.func
def eye_colour(hit: Hit, look: Look) -> wp.vec3:
    direction = wp.normalize(wp.vec3(hit.extra[0], hit.extra[1], hit.extra[2]))
    angle = wp.acos(wp.clamp(direction[2], -1.0, 1.0))
    corner = ramp(0.55, 0.95, wp.abs(direction[0]))
    white = wp.cw_mul(_WHITE, wp.vec3(1.0, 1.0 - 0.22 * corner, 1.0 - 0.22 * corner))
    colour = wp.lerp(iris_colour(angle, direction, look), white, ramp(_IRIS_RAD * 0.96, _IRIS_RAD * 1.08, angle))
    colour = wp.lerp(wp.vec3(0.004, 0.004, 0.004), colour, ramp(_PUPIL_RAD * 0.9, _PUPIL_RAD * 1.1, angle))
    lid_shade = 0.40 + 0.60 * (1.0 - ramp(0.0, 0.42, direction[1]))
    return colour * lid_shade


@wp.func
def shade_eye(hit: Hit, look: Look) -> Shaded:
    """The eyeball with its catch light."""
    hit.sky = 0.55 + 0.45 * hit.sky
    hit.lit = 0.35 + 0.65 * hit.lit
    half = wp.normalize(wp.normalize(hit.light.to_key + wp.vec3(0.15, 0.0, 0.5)) + hit.view)
    catch_light = wp.pow(wp.max(wp.dot(hit.normal, half), 0.0), 160.0)
    result = Shaded()
    result.label = LABEL_EYES
    result.albedo = eye_colour(hit, look)
    result.colour = matte(hit, result.albedo, 0.25) + gloss(hit, 0.20, 0.03)
    result.colour += wp.vec3(0.9, 0.9, 0.9) * catch_light
    return result


@wp.func
def shade_teeth(hit: Hit) -> Shaded:
    """A smooth band of ivory: the arch's own normal instead of each tooth's."""
    arch = wp.vec3(hit.rest[0], 0.0, hit.rest[2] - 0.062)
    hit.normal = wp.normalize(wp.normalize(arch) + 0.25 * hit.normal)
    angle = wp.atan2(arch[0], arch[2])
    place = angle * 7.0
    gap = wp.abs(place - wp.floor(place) - 0.0)
    gap = wp.min(gap, 1.0 - gap)
    depth = 0.12 + 0.88 * ramp(0.064, 0.088, hit.rest[2])
    colour = _IVORY * (1.0 - 0.28 * bump(gap, 0.09)) * depth
    gum = wp.max(ramp(-0.0585, -0.0560, hit.rest[1]), 1.0 - ramp(-0.0935, -0.0905, hit.rest[1]))
    hit.sky = 0.25 + 0.75 * hit.sky
    hit.lit = 0.40 + 0.60 * hit.lit
    result = Shaded()
    result.label = LABEL_MOUTH
    result.albedo = wp.lerp(colour, _GUM, gum)
    result.colour = matte(hit, result.albedo, 0.3) + gloss(hit, 0.35, 0.03) * depth
    return result


@wp.func
def shade_tongue(hit: Hit) -> Shaded:
    result = Shaded()
    result.label = LABEL_MOUTH
    hit.sky = wp.max(hit.sky, 0.35)
    hit.lit = wp.max(hit.lit, 0.2)
    result.albedo = _TONGUE * ramp(0.0, 0.08, hit.rest[2])
    result.colour = matte(hit, result.albedo, 0.3) + gloss(hit, 0.4, 0.03)
    return result
