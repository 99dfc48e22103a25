"""Light on surfaces, and light to pixels. A white surface that faces the key light comes out just below 1."""

import warp as wp

from .data import Hit

KEY_LIGHT = wp.constant(wp.vec3(0.96, 0.92, 0.87))
_SKY = wp.constant(wp.vec3(0.27, 0.29, 0.32))
_GROUND = wp.constant(wp.vec3(0.15, 0.125, 0.11))
_FILL = wp.constant(wp.vec3(0.12, 0.13, 0.145))
_RIM = wp.constant(wp.vec3(0.20, 0.21, 0.23))
KEY_DIRECTION = (-0.43624, 0.59487, 0.67418)  # to the light: from the viewer's left, above and in front
TO_KEY = wp.constant(wp.vec3(*KEY_DIRECTION))
_TO_FILL = wp.constant(wp.normalize(wp.vec3(0.80, 0.10, 0.60)))
_TO_RIM = wp.constant(wp.normalize(wp.vec3(0.55, 0.45, -0.70)))
_PI = wp.constant(3.14159265)
_COMPRESS_FROM = wp.constant(0.76)


@wp.func
def ambient(normal: wp.vec3, sky: float) -> wp.vec3:
    """Light from everywhere but the key: sky, ground, a soft fill from the right, a rim from behind."""
    around = wp.lerp(_GROUND, _SKY, 0.5 + 0.5 * normal[1])
    fill = _FILL * wp.max(wp.dot(normal, _TO_FILL) * 0.8 + 0.2, 0.0)
    rim = _RIM * wp.max(wp.dot(normal, _TO_RIM), 0.0)
    return (around + fill + rim) * sky


@wp.func
def wrapped(cosine: float, wrap: float) -> float:
    """Diffuse light that reaches round the terminator by ``wrap``."""
    return wp.max((cosine + wrap) / (1.0 + wrap), 0.0)


@wp.func
def microfacets(cosine: float, roughness: float) -> float:
    """GGX distribution of the half vector's cosine."""
    alpha = roughness * roughness
    below = cosine * cosine * (alpha * alpha - 1.0) + 1.0
    return alpha * alpha / (_PI * below * below)


@wp.func
def fresnel(cosine: float, reflectance: float) -> float:
    t = 1.0 - wp.clamp(cosine, 0.0, 1.0)
    return reflectance + (1.0 - reflectance) * t * t * t * t * t


@wp.func
def highlight(normal: wp.vec3, view: wp.vec3, light: wp.vec3, roughness: float, reflectance: float) -> float:
    """Specular reflection of one light, already times the cosine to it."""
    half = wp.normalize(light + view)
    peak = microfacets(wp.max(wp.dot(normal, half), 0.0), roughness)
    return wp.min(peak, 12.0) * fresnel(wp.dot(view, half), reflectance) * wp.max(wp.dot(normal, light), 0.0)


@wp.func
def gloss(hit: Hit, roughness: float, reflectance: float) -> wp.vec3:
    """Highlights of the key and the fill, and the sky at grazing angles."""
    key = highlight(hit.normal, hit.view, TO_KEY, roughness, reflectance) * hit.lit
    fill = highlight(hit.normal, hit.view, _TO_FILL, roughness, reflectance) * hit.sky
    edge = fresnel(wp.dot(hit.normal, hit.view), reflectance) * (1.0 - roughness) * (1.0 - roughness) * hit.sky
    return KEY_LIGHT * key + _FILL * fill + _SKY * (edge * 0.5)


@wp.func
def matte(hit: Hit, albedo: wp.vec3, wrap: float) -> wp.vec3:
    """Plain diffuse reflection of all lights."""
    key = KEY_LIGHT * (wrapped(wp.dot(hit.normal, TO_KEY), wrap) * hit.lit)
    return wp.cw_mul(albedo, key + ambient(hit.normal, hit.sky))


@wp.func
def studio(direction: wp.vec3) -> float:
    """Brightness of what glossy things mirror: a soft box at the upper left, a bright upper half."""
    box = wp.clamp(wp.dot(direction, TO_KEY), 0.0, 1.0)
    horizon = wp.clamp(direction[1] * 1.6 + 0.4, 0.0, 1.0)
    return 0.35 * horizon + 1.4 * wp.pow(box, 18.0)


@wp.func
def encode(linear: float) -> float:
    """The sRGB curve."""
    if linear <= 0.0031308:
        return 12.92 * wp.max(linear, 0.0)
    return 1.055 * wp.pow(wp.min(linear, 1.0), 0.4166667) - 0.055


@wp.func
def to_display(colour: wp.vec3) -> wp.vec3:
    """Linear light to sRGB 0..1. Colours below 0.76 stay as they are; brighter ones are compressed towards white."""
    peak = wp.max(colour)
    if peak > _COMPRESS_FROM:
        room = 1.0 - _COMPRESS_FROM
        compressed = 1.0 - room * room / (peak + room - _COMPRESS_FROM)
        whiter = 1.0 - 1.0 / (0.15 * (peak - compressed) + 1.0)
        colour = wp.lerp(colour * (compressed / peak), wp.vec3(compressed, compressed, compressed), whiter)
    return wp.vec3(encode(colour[0]), encode(colour[1]), encode(colour[2]))
