"""The shading's uniform parameters, from a head's parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from training.synth.light import linear, surroundings
from training.synth.rules import Colour

from .attributes import BEARDS, NECKLINES, SKIN_TONES
from .kernels.data import Look
from .parameters import HeadParameters

if TYPE_CHECKING:
    from .hair.look import HairLook

CLEAR_LENS_DARKNESS = 0.04
_WRINKLES_FROM_AGE = 0.55
_WARM_TINT = np.array([0.030, 0.004, -0.030])  # sRGB at skin_warmth 1
_RED_TINT = np.array([0.020, -0.022, -0.014])  # sRGB at skin_redness 1
_CLEAR_LENS, _DARK_LENS = (0.45, 0.50, 0.52), (0.035, 0.035, 0.04)
_LIP_OF_SKIN, _LIP_BLOOD = np.array([0.64, 0.50, 0.51]), np.array([0.155, 0.080, 0.085])
_BROW_SHADE = 0.70  # brows are darker than the hair


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
    look.around = surroundings(p)


def _shaded(colour: Colour, share: float) -> Colour:
    return tuple(share * channel for channel in colour)
