"""Light on surfaces, and light to pixels. A white surface that faces a studio's key light comes out just below 1."""

import warp as wp

from .data import Hit, Light

_PI = wp.constant(3.14159265)
_COMPRESS_FROM = wp.constant(0.76)
_TOE = wp.constant(0.20)  # cosine: half the width of the soft end


@wp.func
def ambient(light: Light, normal: wp.vec3, sky: float) -> wp.vec3:
    """Light from everywhere but the key: sky, ground, a soft fill from the other side, a rim from behind."""
    around = wp.lerp(light.ground, light.sky, 0.5 + 0.5 * normal[1])
    fill = light.fill * wp.max(wp.dot(normal, light.to_fill) * 0.8 + 0.2, 0.0)
    rim = light.rim * wp.max(wp.dot(normal, light.to_rim), 0.0)
    return (around + fill + rim) * sky


@wp.func
def wrapped(cosine: float, wrap: float) -> float:
    """Diffuse light that reaches round the terminator by ``wrap``."""
    return wp.max((cosine + wrap) / (1.0 + wrap), 0.0)


@wp.func
def wrapped_softly(cosine: float, wrap: float) -> float:
    """``wrapped`` whose end beyond the terminator is no edge."""
    toe = wp.clamp(cosine + wrap + _TOE, 0.0, 2.0 * _TOE)
    return (toe * toe / (4.0 * _TOE) + wp.max(cosine + wrap - _TOE, 0.0)) / (1.0 + wrap)


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
    key = highlight(hit.normal, hit.view, hit.light.to_key, roughness, reflectance) * hit.lit
    fill = highlight(hit.normal, hit.view, hit.light.to_fill, roughness, reflectance) * hit.sky
    edge = fresnel(wp.dot(hit.normal, hit.view), reflectance) * (1.0 - roughness) * (1.0 - roughness) * hit.sky
    return hit.light.key * key + hit.light.fill * fill + hit.light.sky * (edge * 0.5)


@wp.func
def matte(hit: Hit, albedo: wp.vec3, wrap: float) -> wp.vec3:
    """Plain diffuse reflection of all lights."""
    key = hit.light.key * (wrapped(wp.dot(hit.normal, hit.light.to_key), wrap) * hit.lit)
    return wp.cw_mul(albedo, key + ambient(hit.light, hit.normal, hit.sky))


@wp.func
def studio(light: Light, direction: wp.vec3) -> float:
    """Brightness of what glossy things mirror: a soft box where the key light stands, a bright upper half."""
    box = wp.clamp(wp.dot(direction, light.to_key), 0.0, 1.0)
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
