"""Light and what is behind a thing, as the kernels want them, from parameters that every domain has."""

from __future__ import annotations

from typing import Any

import numpy as np
import warp as wp

from .kernels.data import Light, Surroundings
from .looks import BACKDROPS


def linear(colour) -> wp.vec3:
    """sRGB 0..1 to linear light."""
    colour = np.clip(np.asarray(colour, np.float64), 0.0, 1.0)
    return wp.vec3(*np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4))


def surroundings(p: Any) -> Surroundings:
    """``p`` has the parameters of :class:`.parameters.SurroundingsParameters`."""
    around = Surroundings()
    around.backdrop, around.backdrop_variant = BACKDROPS.index(p.backdrop), p.backdrop_variant
    around.background, around.background_second = linear(p.background), linear(p.background_second)
    around.light = make_light(p)
    return around


# A studio's lights, linear; what a thing's light changes is how strong and how warm each is.
_KEY, _FILL, _RIM = np.array([0.96, 0.92, 0.87]), np.array([0.12, 0.13, 0.145]), np.array([0.20, 0.21, 0.23])
_SKY, _GROUND = np.array([0.27, 0.29, 0.32]), np.array([0.15, 0.125, 0.11])
_WARMER_KEY, _WARMER_REST = np.array([0.16, 0.0, -0.24]), np.array([-0.05, 0.0, 0.09])


def make_light(p: Any) -> Light:
    """Key, fill, rim and surroundings; fill and rim stand on the side where the key is not."""
    yaw, pitch = np.radians(p.light_yaw_deg), np.radians(p.light_pitch_deg)
    to_key = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    opposite = float(np.clip(-to_key[0] / 0.436, -1.0, 1.0))
    key = _KEY * (1 + p.light_warmth * _WARMER_KEY) * (0.35 + 1.3 * p.light_strength)
    rest = (1 + p.light_warmth * _WARMER_REST) * (0.4 + 1.2 * p.light_fill)
    light = Light()
    light.to_key, light.key = wp.vec3(*to_key.tolist()), wp.vec3(*key.tolist())
    light.to_fill, light.to_rim = _unit(0.80 * opposite, 0.10, 0.60), _unit(0.55 * opposite, 0.45, -0.70)
    for name, colour in (("fill", _FILL), ("rim", _RIM), ("sky", _SKY), ("ground", _GROUND)):
        setattr(light, name, wp.vec3(*(colour * rest).tolist()))
    return light


def _unit(*direction: float) -> wp.vec3:
    return wp.normalize(wp.vec3(*direction))
