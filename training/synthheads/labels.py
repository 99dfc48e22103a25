"""What can truly be said of a head in words: named attributes from parameters, hidden things left out."""

from __future__ import annotations

import numpy as np

from training.synth.looks import BACKDROPS, BACKGROUND_COLOURS
from training.synth.truths import HIDDEN, NONE, OTHER, colour_name, step

from .actions import ACTION_NAMES, expression_of
from .attributes import (
    BEARDS,
    CLOTH_COLOURS,
    EXPRESSIONS,
    FRAME_COLOURS,
    GLASSES,
    HAIR_COLOURS,
    HAIR_STYLES,
    IRIS_COLOURS,
    NECKLINES,
)
from .blocks import BEARD_DARKNESS
from .parameter_spec import LIPSTICK_COLOURS
from .parameters import HeadParameters

_AGES = (("child", 0.15), ("teenager", 0.32), ("young adult", 0.52), ("middle-aged", 0.76), ("old", 1.0))
_SHAPES = (("feminine", 0.3), ("androgynous", 0.7), ("masculine", 1.0))
_TONES = (("pale", 0.2), ("light", 0.42), ("tan", 0.63), ("brown", 0.84), ("dark", 1.0))
_AMOUNTS = (("none", 0.15), ("some", 0.55), ("many", 1.0))
_THICKNESSES = (("thin", 0.3), ("medium", 0.7), ("thick", 1.0))
_VOLUMES = (("flat", 0.25), ("medium", 0.75), ("voluminous", 1.0))
_LENGTHS = (("short", 0.3), ("medium", 0.7), ("long", 1.0))
_SIZES = (("small", 0.3), ("medium", 0.7), ("large", 1.0))
_PARTINGS = (("left", -0.2), ("middle", 0.2), ("right", 1.0))
_MOUTHS = (("closed", 0.14), ("slightly open", 0.5), ("wide open", 1.0))
_LIGHTS_DEG = (("left", -20.0), ("front", 20.0), ("right", 90.0))
_WARMTHS = (("cool", -0.35), ("neutral", 0.35), ("warm", 1.0))
_NARROW, _WIDE = 0.5, 0.5  # strength from which lids are called so
_OPEN = 0.4  # openness at rest from which eyes are plainly open
_RAISED = 0.5  # the same of brows, up or down
_LOOKING_ASIDE = 0.35  # of the largest gaze
_CLOSED = 0.7  # strength from which closed lids hide the eye
_VISIBLE = 0.2  # strength below which make-up cannot be seen
_DARK_LENS = 0.5  # darkness from which a lens hides the eye, in words as in the labels
_HIDING_TONE = 0.63  # skin tone from which freckles cannot be seen
_HIDING_BEARD = 0.6  # length from which a full beard hides the neckline
_SAME_COLOUR = 0.04  # sRGB distance
_EYES_ONLY = ("wink", "eyes closed")  # what dark lenses hide of the expressions

ATTRIBUTE_VALUES: dict[str, tuple[str, ...]] = {
    "age": tuple(name for name, _ in _AGES),
    "shape": tuple(name for name, _ in _SHAPES),
    "skin_tone": tuple(name for name, _ in _TONES),
    "freckles": (*(name for name, _ in _AMOUNTS), HIDDEN),
    "hair_style": HAIR_STYLES,
    "hair_colour": (*HAIR_COLOURS, OTHER, NONE),
    "hair_volume": (*(name for name, _ in _VOLUMES), NONE),
    "parting": (*(name for name, _ in _PARTINGS), NONE),
    "brows": (*(name for name, _ in _THICKNESSES), HIDDEN),
    "brow_pose": ("raised", "level", "lowered", OTHER, HIDDEN),
    "lids": ("closed", "narrow", "open", "wide", OTHER, HIDDEN),
    "iris_colour": (*IRIS_COLOURS, OTHER, HIDDEN),
    "expression": (*EXPRESSIONS, OTHER, HIDDEN),
    "mouth": tuple(name for name, _ in _MOUTHS),
    "gaze": ("ahead", "left", "right", "up", "down", HIDDEN),
    "beard": BEARDS,
    "beard_colour": (*HAIR_COLOURS, OTHER, NONE),
    "beard_length": (*(name for name, _ in _LENGTHS), NONE),
    "glasses": GLASSES,
    "frame_colour": (*FRAME_COLOURS, OTHER, NONE),
    "frame_thickness": (*(name for name, _ in _THICKNESSES), NONE),
    "glasses_size": (*(name for name, _ in _SIZES), NONE),
    "lenses": ("clear", "dark", OTHER, NONE),
    "lipstick": (*LIPSTICK_COLOURS, OTHER, NONE),
    "eye_shadow": ("yes", NONE, HIDDEN),
    "neckline": (*NECKLINES, HIDDEN),
    "cloth_colour": (*CLOTH_COLOURS, OTHER),
    "background": (*BACKGROUND_COLOURS, OTHER),
    "backdrop": BACKDROPS,
    "light": tuple(name for name, _ in _LIGHTS_DEG),
    "light_warmth": tuple(name for name, _ in _WARMTHS),
}


def attributes_of(p: HeadParameters) -> dict[str, str]:
    """The named truths of a head, one for each key of ``ATTRIBUTE_VALUES`` and always one of its values.

    "none": there is nothing to name (the hair colour of a bald head); "hidden": it cannot be seen (eyes behind dark
    lenses); "other": something between two names.
    """
    return {
        "age": step(_AGES, p.age),
        "shape": step(_SHAPES, p.sex),
        "skin_tone": step(_TONES, p.skin_tone),
        "freckles": _freckles(p),
        **_hair(p),
        **_eyes(p),
        "expression": _expression(p),
        "mouth": step(_MOUTHS, _mouth_opening(p)),
        "beard": p.beard,
        "beard_colour": _beard_colour(p),
        "beard_length": _beard_length(p),
        **_glasses(p),
        "lipstick": NONE if p.lipstick < _VISIBLE else colour_name(p.lipstick_colour, LIPSTICK_COLOURS),
        "neckline": HIDDEN if p.beard == "full beard" and p.beard_length > _HIDING_BEARD else p.neckline,
        "cloth_colour": colour_name(p.cloth_colour, CLOTH_COLOURS),
        "background": _background(p),
        "backdrop": p.backdrop,
        "light": step(_LIGHTS_DEG, p.light_yaw_deg),
        "light_warmth": step(_WARMTHS, p.light_warmth),
    }


def _glasses(p: HeadParameters) -> dict[str, str]:
    if p.glasses == "none":
        return {"glasses": NONE, **dict.fromkeys(("frame_colour", "frame_thickness", "glasses_size", "lenses"), NONE)}
    return {
        "glasses": p.glasses,
        "frame_colour": colour_name(p.frame_colour, FRAME_COLOURS),
        "frame_thickness": step(_THICKNESSES, p.frame_thickness),
        "glasses_size": step(_SIZES, p.glasses_size),
        "lenses": _lenses(p),
    }


def _lenses(p: HeadParameters) -> str:
    if p.glasses != "sunglasses":
        return "clear"
    return "dark" if p.lens_darkness >= _DARK_LENS else OTHER


def action(p: HeadParameters, name: str) -> float:
    """The strength of one facial action, 0..1."""
    return p.actions[ACTION_NAMES.index(name)]


def _freckles(p: HeadParameters) -> str:
    amount = step(_AMOUNTS, p.freckles)
    return HIDDEN if amount != NONE and p.skin_tone > _HIDING_TONE else amount


def _hair(p: HeadParameters) -> dict[str, str]:
    bald = p.hair_style == "bald"
    return {
        "hair_style": p.hair_style,
        "hair_colour": NONE if bald else colour_name(p.hair_colour, HAIR_COLOURS),
        "hair_volume": NONE if bald else step(_VOLUMES, p.hair_volume),
        "parting": step(_PARTINGS, p.parting) if p.hair_style == "side part" else NONE,
    }


def _eyes(p: HeadParameters) -> dict[str, str]:
    covered = _eyes_covered(p)
    closed = min(action(p, "lid_closed_left"), action(p, "lid_closed_right")) >= _CLOSED
    shadow = "yes" if p.eye_shadow >= _VISIBLE else NONE
    return {
        "brows": HIDDEN if covered else step(_THICKNESSES, p.brow_thickness),
        "brow_pose": HIDDEN if covered else _brow_pose(p),
        "lids": HIDDEN if covered else _lids(p),
        "iris_colour": HIDDEN if covered or closed else colour_name(p.iris_colour, IRIS_COLOURS),
        "eye_shadow": HIDDEN if covered else shadow,
        "gaze": HIDDEN if covered or closed else _gaze(p),
    }


def _brow_pose(p: HeadParameters) -> str:
    """Of both eyebrows, where they do the same."""
    up, down = (_both(p, f"brow_{way}") for way in ("outer_up", "down"))
    if min(up) >= _RAISED > max(down):
        return "raised"
    if min(down) >= _RAISED > max(up):
        return "lowered"
    return "level" if max(*up, *down, action(p, "brows_inner_up")) < _RAISED / 2 else OTHER


def _lids(p: HeadParameters) -> str:
    """Of both eyes, where they do the same."""
    closed, wide = (_both(p, f"lid_{way}") for way in ("closed", "wide"))
    if min(closed) >= _CLOSED:
        return "closed"
    if max(closed) >= _CLOSED:
        return OTHER  # a wink
    if min(wide) >= _WIDE and max(closed) < _NARROW / 2:
        return "wide"
    if min(closed) >= _NARROW:
        return "narrow"
    return "open" if max(*closed, *wide) < _NARROW / 2 and p.lid_openness >= _OPEN else OTHER


def _both(p: HeadParameters, name: str) -> tuple[float, float]:
    return action(p, f"{name}_left"), action(p, f"{name}_right")


def _gaze(p: HeadParameters) -> str:
    """Left and right as the viewer sees them."""
    if max(abs(p.gaze_yaw), abs(p.gaze_pitch)) < _LOOKING_ASIDE:
        return "ahead"
    if abs(p.gaze_yaw) >= abs(p.gaze_pitch):
        return "left" if p.gaze_yaw < 0 else "right"
    return "down" if p.gaze_pitch < 0 else "up"


def _expression(p: HeadParameters) -> str:
    name, _ = expression_of(p.actions)
    if name is None:
        return OTHER
    return HIDDEN if _eyes_covered(p) and name in _EYES_ONLY else name


def _mouth_opening(p: HeadParameters) -> float:
    """0..1: by the jaw, and by lips that are drawn apart."""
    lips = max(action(p, "upper_lip_up"), action(p, "lower_lip_down"), action(p, "funnel"))
    return min(1.0, action(p, "jaw_open") + 0.3 * lips)


def _eyes_covered(p: HeadParameters) -> bool:
    return p.glasses == "sunglasses" and p.lens_darkness >= _DARK_LENS


def _background(p: HeadParameters) -> str:
    """The colour of what is behind the head, where one can be named."""
    first, second = (colour_name(colour, BACKGROUND_COLOURS) for colour in (p.background, p.background_second))
    return OTHER if p.backdrop in ("gradient", "horizon") and first != second else first


def _beard_length(p: HeadParameters) -> str:
    if p.beard == "none":
        return NONE
    return "short" if p.beard == "stubble" else step(_LENGTHS, p.beard_length)


def _beard_colour(p: HeadParameters) -> str:
    if p.beard == "none":
        return NONE
    like_hair = np.linalg.norm(BEARD_DARKNESS * np.asarray(p.hair_colour) - np.asarray(p.beard_colour)) < _SAME_COLOUR
    return colour_name(p.hair_colour if like_hair else p.beard_colour, HAIR_COLOURS)
