"""The shading's uniform parameters, from a head's parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import warp as wp

from .attributes import BACKDROPS, BEARDS, NECKLINES, SKIN_TONES
from .kernels.data import Light, Look
from .parameters import Colour, HeadParameters

if TYPE_CHECKING:
    from .hair.look import HairLook

CLEAR_LENS_DARKNESS = 0.04
_WRINKLES_FROM_AGE = 0.55
_WARM_TINT = np.array([0.030, 0.004, -0.030])  # sRGB at skin_warmth 1
_RED_TINT = np.array([0.020, -0.022, -0.014])  # sRGB at skin_redness 1
_CLEAR_LENS, _DARK_LENS = (0.45, 0.50, 0.52), (0.035, 0.035, 0.04)
_LIP_OF_SKIN, _LIP_BLOOD = np.array([0.64, 0.50, 0.51]), np.array([0.155, 0.080, 0.085])
_BROW_SHADE = 0.70  # brows are darker than the hair


def linear(colour) -> wp.vec3:
    """sRGB 0..1 to linear light."""
    colour = np.clip(np.asarray(colour, np.float64), 0.0, 1.0)
    return wp.vec3(*np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4))


def skin_colour(p: HeadParameters) -> np.ndarray:
    """sRGB [3] of the bare skin: its place on the ramp of tones, warmed and flushed."""
    knots = np.array(SKIN_TONES)
    place = np.linspace(0, 1, len(knots))
    tone = np.array([np.interp(p.skin_tone, place, knots[:, channel]) for channel in range(3)])
    return np.clip(tone + (p.skin_warmth * _WARM_TINT + p.skin_redness * _RED_TINT) * (0.4 + 0.6 * tone[0]), 0.03, 1.0)


def lip_colour(p: HeadParameters) -> np.ndarray:
    """sRGB [3]: natural lips, covered by lipstick."""
    natural = skin_colour(p) * _LIP_OF_SKIN + _LIP_BLOOD
    return natural + 0.92 * p.lipstick * (np.array(p.lipstick_colour) - natural)


def make_look(p: HeadParameters, hair: HairLook) -> Look:
    """Everything that is the same for all of a head's points."""
    look = Look()
    for set_part in (_set_skin, _set_face_hair, _set_surroundings):
        set_part(look, p)
    look.hair, look.hair_shine, look.scalp_tint = linear(p.hair_colour), hair.shine, hair.scalp_tint
    look.strands_across, look.strands_along = hair.strand_frequency_across, hair.strand_frequency_along
    look.tip_raggedness = hair.tip_raggedness
    return look


def _set_skin(look: Look, p: HeadParameters) -> None:
    look.skin, look.skin_redness, look.freckles = linear(skin_colour(p)), p.skin_redness, p.freckles
    look.wrinkles = max(0.0, (p.age - _WRINKLES_FROM_AGE) / (1.0 - _WRINKLES_FROM_AGE))
    look.lip, look.lipstick, look.eye_shadow = linear(lip_colour(p)), p.lipstick, p.eye_shadow
    look.iris = linear(p.iris_colour)


def _set_face_hair(look: Look, p: HeadParameters) -> None:
    look.brow = linear(_shaded(p.hair_colour, _BROW_SHADE))
    look.brow_thickness, look.brow_arch = p.brow_thickness, p.brow_arch
    look.beard, look.beard_style = linear(p.beard_colour), BEARDS.index(p.beard)
    look.stubble = 0.62 + 0.33 * p.beard_length if p.beard == "stubble" else 0.0


def _set_surroundings(look: Look, p: HeadParameters) -> None:
    dark = p.glasses == "sunglasses"
    look.cloth, look.neckline = linear(p.cloth_colour), NECKLINES.index(p.neckline)
    look.frame, look.lens = linear(p.frame_colour), linear(_DARK_LENS if dark else _CLEAR_LENS)
    look.lens_darkness = p.lens_darkness if dark else CLEAR_LENS_DARKNESS
    look.backdrop, look.backdrop_variant = BACKDROPS.index(p.backdrop), p.backdrop_variant
    look.background, look.background_second = linear(p.background), linear(p.background_second)
    look.light = make_light(p)


# A studio's lights, linear; what a head's light changes is how strong and how warm each is.
_KEY, _FILL, _RIM = np.array([0.96, 0.92, 0.87]), np.array([0.12, 0.13, 0.145]), np.array([0.20, 0.21, 0.23])
_SKY, _GROUND = np.array([0.27, 0.29, 0.32]), np.array([0.15, 0.125, 0.11])
_WARMER_KEY, _WARMER_REST = np.array([0.16, 0.0, -0.24]), np.array([-0.05, 0.0, 0.09])


def make_light(p: HeadParameters) -> Light:
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


def _shaded(colour: Colour, share: float) -> Colour:
    return tuple(share * channel for channel in colour)
