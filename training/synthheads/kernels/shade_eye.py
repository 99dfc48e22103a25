"""Eyes, teeth, tongue."""

import warp as wp

from training.synth.kernels.data import Hit, Shaded
from training.synth.kernels.light import gloss, matte
from training.synth.kernels.noise import bump, noise2, ramp

from .data import Look
from .materials import LABEL_EYES, LABEL_MOUTH

_IRIS_RAD = wp.constant(0.54)  # seen from the eye's centre; 0.50 in life, but the colour has to be seen
_PUPIL_RAD = wp.constant(0.21)
_WHITE = wp.constant(wp.vec3(0.78, 0.75, 0.72))
_IVORY = wp.constant(wp.vec3(0.92, 0.87, 0.76))
_GUM = wp.constant(wp.vec3(0.47, 0.16, 0.15))
_TONGUE = wp.constant(wp.vec3(0.60, 0.19, 0.18))
_UPPER_GUM_M, _LOWER_GUM_M = wp.constant(-0.0638), wp.constant(-0.0885)  # height on the template's front teeth
_PI = wp.constant(3.14159265)


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
def light_within(z: float) -> float:
    """How much light gets this far into the mouth: 1 behind the lips, almost nothing at the throat."""
    return 0.03 + 0.97 * ramp(0.036, 0.088, z)


@wp.func
def gum_share(place: float, rest: wp.vec3) -> float:
    """1 on the gums, whose line rises over each tooth and follows the arch upwards to the back."""
    between = wp.abs(wp.cos(_PI * place))  # 1 where two teeth meet
    back = wp.clamp((0.100 - rest[2]) / 0.05, 0.0, 1.0)
    upper = _UPPER_GUM_M + 0.0040 * back - 0.0018 * between * between * between
    lower = _LOWER_GUM_M + 0.0130 * back + 0.0014 * between * between * between
    return wp.max(ramp(upper - 0.0003, upper + 0.0005, rest[1]), 1.0 - ramp(lower - 0.0005, lower + 0.0003, rest[1]))


@wp.func
def shade_teeth(hit: Hit) -> Shaded:
    """Ivory by the arch's own normal instead of each tooth's, dark lines between teeth, gums; molars in the dark."""
    arch = wp.vec3(hit.rest[0], 0.0, hit.rest[2] - 0.062)
    inner = wp.dot(arch, hit.view) < 0.0
    if inner:
        arch = -arch
    hit.normal = wp.normalize(wp.normalize(arch) + 0.25 * hit.normal)
    teeth_a_rad = 4.9
    if hit.rest[1] + 0.232 * hit.rest[2] < -0.0548:  # the plane of the bite, as in ``mouth.are_upper``
        teeth_a_rad = 5.7  # the lower front teeth are narrower
    place = wp.atan2(hit.rest[0], hit.rest[2] - 0.062) * teeth_a_rad
    gap = wp.abs(place - wp.floor(place + 0.5))
    within = light_within(hit.rest[2])
    gum = gum_share(place, hit.rest)
    if inner:
        within *= 0.5
        gum = wp.max(gum, 0.9 - 0.9 * ramp(0.066, 0.086, hit.rest[2]))  # of molars little is seen but gums
    ivory = _IVORY * (1.0 - 0.42 * bump(gap, 0.075))
    hit.sky = 0.25 + 0.75 * hit.sky
    hit.lit = 0.40 + 0.60 * hit.lit
    result = Shaded()
    result.label = LABEL_MOUTH
    result.albedo = wp.lerp(ivory, _GUM, gum) * within
    result.colour = matte(hit, result.albedo, 0.3) + gloss(hit, 0.35, 0.03) * (within * within)
    return result


@wp.func
def shade_tongue(hit: Hit) -> Shaded:
    """Moist, with a furrow along its middle; its root lies in the dark."""
    within = light_within(hit.rest[2] + 0.004)
    furrow = bump(hit.rest[0], 0.0022) * ramp(0.086, 0.074, hit.rest[2])
    result = Shaded()
    result.label = LABEL_MOUTH
    hit.sky = wp.max(hit.sky, 0.45)
    hit.lit = 0.35 + 0.65 * hit.lit
    result.albedo = _TONGUE * (within * (1.0 - 0.25 * furrow))
    result.colour = matte(hit, result.albedo, 0.3) + gloss(hit, 0.42, 0.03) * within
    return result
