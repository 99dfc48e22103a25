"""What can truly be said of a head in words: named attributes from parameters, hidden things left out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .attributes import (
    BACKGROUND_COLOURS,
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
from .parameters import Colour, HeadParameters

NONE, HIDDEN, OTHER = "none", "hidden", "other"
_AGES = (("child", 0.15), ("teenager", 0.32), ("young adult", 0.52), ("middle-aged", 0.76), ("old", 1.0))
_SHAPES = (("feminine", 0.3), ("androgynous", 0.7), ("masculine", 1.0))
_TONES = (("pale", 0.2), ("light", 0.42), ("tan", 0.63), ("brown", 0.84), ("dark", 1.0))
_AMOUNTS = (("none", 0.15), ("some", 0.55), ("many", 1.0))
_THICKNESSES = (("thin", 0.3), ("medium", 0.7), ("thick", 1.0))
_VOLUMES = (("flat", 0.25), ("medium", 0.75), ("voluminous", 1.0))
_PARTINGS = (("left", -0.2), ("middle", 0.2), ("right", 1.0))
_VISIBLE = 0.2  # strength below which make-up cannot be seen and an expression is none
_NAMEABLE = 0.5  # strength from which an expression is worth its name
_DARK_LENS = 0.5  # darkness from which a lens hides the eye, in words as in the labels
_HIDING_TONE = 0.63  # skin tone from which freckles cannot be seen
_HIDING_BEARD = 0.6  # length from which a full beard hides the neckline
_UNAMBIGUOUS = 0.75  # a colour has a name if the next anchor is this much farther away
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
    "iris_colour": (*IRIS_COLOURS, OTHER, HIDDEN),
    "expression": (*EXPRESSIONS, OTHER, HIDDEN),
    "beard": BEARDS,
    "beard_colour": (*HAIR_COLOURS, OTHER, NONE),
    "glasses": GLASSES,
    "frame_colour": (*FRAME_COLOURS, OTHER, NONE),
    "lipstick": (*LIPSTICK_COLOURS, OTHER, NONE),
    "eye_shadow": ("yes", NONE, HIDDEN),
    "neckline": (*NECKLINES, HIDDEN),
    "cloth_colour": (*CLOTH_COLOURS, OTHER),
    "background": (*BACKGROUND_COLOURS, OTHER),
}


def attributes_of(p: HeadParameters) -> dict[str, str]:
    """The named truths of a head, one for each key of ``ATTRIBUTE_VALUES`` and always one of its values.

    "none": there is nothing to name (the hair colour of a bald head); "hidden": it cannot be seen (eyes behind dark
    lenses); "other": something between two names.
    """
    return {
        "age": _step(_AGES, p.age),
        "shape": _step(_SHAPES, p.sex),
        "skin_tone": _step(_TONES, p.skin_tone),
        "freckles": _freckles(p),
        **_hair(p),
        **_eyes(p),
        "expression": _expression(p),
        "beard": p.beard,
        "beard_colour": _beard_colour(p),
        "glasses": p.glasses,
        "frame_colour": NONE if p.glasses == "none" else colour_name(p.frame_colour, FRAME_COLOURS),
        "lipstick": NONE if p.lipstick < _VISIBLE else colour_name(p.lipstick_colour, LIPSTICK_COLOURS),
        "neckline": HIDDEN if p.beard == "full beard" and p.beard_length > _HIDING_BEARD else p.neckline,
        "cloth_colour": colour_name(p.cloth_colour, CLOTH_COLOURS),
        "background": colour_name(p.background, BACKGROUND_COLOURS),
    }


def colour_name(colour: Colour, anchors: Mapping[str, Colour]) -> str:
    """The nearest anchor's name, or "other" where two are about as near."""
    distance = np.linalg.norm(np.array(list(anchors.values())) - np.asarray(colour), axis=1)
    nearest, second = np.argsort(distance, kind="stable")[:2]
    return list(anchors)[nearest] if distance[nearest] <= _UNAMBIGUOUS * distance[second] else OTHER


def _step(steps: tuple[tuple[str, float], ...], value: float) -> str:
    return next(name for name, upper in steps if value <= upper)


def _freckles(p: HeadParameters) -> str:
    amount = _step(_AMOUNTS, p.freckles)
    return HIDDEN if amount != NONE and p.skin_tone > _HIDING_TONE else amount


def _hair(p: HeadParameters) -> dict[str, str]:
    bald = p.hair_style == "bald"
    return {
        "hair_style": p.hair_style,
        "hair_colour": NONE if bald else colour_name(p.hair_colour, HAIR_COLOURS),
        "hair_volume": NONE if bald else _step(_VOLUMES, p.hair_volume),
        "parting": _step(_PARTINGS, p.parting) if p.hair_style == "side part" else NONE,
    }


def _eyes(p: HeadParameters) -> dict[str, str]:
    covered = _eyes_covered(p)
    closed = p.expression == "eyes closed" and p.expression_strength >= _VISIBLE
    shadow = "yes" if p.eye_shadow >= _VISIBLE else NONE
    return {
        "brows": HIDDEN if covered else _step(_THICKNESSES, p.brow_thickness),
        "iris_colour": HIDDEN if covered or closed else colour_name(p.iris_colour, IRIS_COLOURS),
        "eye_shadow": HIDDEN if covered else shadow,
    }


def _expression(p: HeadParameters) -> str:
    if p.expression == "neutral" or p.expression_strength < _VISIBLE:
        return "neutral"
    if _eyes_covered(p) and p.expression in _EYES_ONLY:
        return HIDDEN
    return p.expression if p.expression_strength >= _NAMEABLE else OTHER


def _eyes_covered(p: HeadParameters) -> bool:
    return p.glasses == "sunglasses" and p.lens_darkness >= _DARK_LENS


def _beard_colour(p: HeadParameters) -> str:
    if p.beard == "none":
        return NONE
    like_hair = np.linalg.norm(BEARD_DARKNESS * np.asarray(p.hair_colour) - np.asarray(p.beard_colour)) < _SAME_COLOUR
    return colour_name(p.hair_colour if like_hair else p.beard_colour, HAIR_COLOURS)
