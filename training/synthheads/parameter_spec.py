"""What each parameter of a head may be."""

from __future__ import annotations

from training.synth.looks import BACKDROPS, BACKGROUND_COLOURS
from training.synth.rules import ChoiceRule, ColourRule, NumberRule, ParameterTable, SharesRule, Shorthand, VectorRule

from .actions import ACTION_NAMES, actions_of
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
    SHAPE_NAMES,
)
from .parameters import HeadParameters

LIPSTICK_COLOURS = {
    "red": (0.70, 0.10, 0.18),
    "pink": (0.88, 0.40, 0.55),
    "coral": (0.90, 0.42, 0.32),
    "plum": (0.40, 0.10, 0.26),
    "brown": (0.48, 0.25, 0.19),
}
_SIGNED = NumberRule(-1.0, 1.0)
_SPECIAL = {
    "shape": VectorRule(SHAPE_NAMES, -1.0, 1.0),
    "actions": VectorRule(ACTION_NAMES, 0.0, 1.0),
    "gaze_yaw": _SIGNED,
    "gaze_pitch": _SIGNED,
    "ancestry": SharesRule(),
    "skin_warmth": _SIGNED,
    "skin_redness": _SIGNED,
    "parting": _SIGNED,
    "hair_style": ChoiceRule(HAIR_STYLES),
    "beard": ChoiceRule(BEARDS),
    "glasses": ChoiceRule(GLASSES),
    "neckline": ChoiceRule(NECKLINES),
    "hair_colour": ColourRule(HAIR_COLOURS),
    "beard_colour": ColourRule(HAIR_COLOURS),
    "iris_colour": ColourRule(IRIS_COLOURS),
    "frame_colour": ColourRule(FRAME_COLOURS),
    "lipstick_colour": ColourRule(LIPSTICK_COLOURS),
    "cloth_colour": ColourRule(CLOTH_COLOURS),
    "backdrop": ChoiceRule(BACKDROPS),
    "background": ColourRule(BACKGROUND_COLOURS),
    "background_second": ColourRule(BACKGROUND_COLOURS),
    "light_yaw_deg": NumberRule(-90.0, 90.0),
    "light_pitch_deg": NumberRule(-20.0, 80.0),
    "light_warmth": _SIGNED,
}
EXPRESSION = "expression"  # not a parameter: a name for a point among the actions
TABLE = ParameterTable(
    HeadParameters,
    _SPECIAL,
    noun="head",
    example="hair_style=afro",
    named={"shape": SHAPE_NAMES, "actions": ACTION_NAMES},
    shorthands={EXPRESSION: Shorthand("actions", ChoiceRule(EXPRESSIONS), actions_of)},
)
FIELDS, rule_of, change, parse_settings = TABLE.fields, TABLE.rule_of, TABLE.change, TABLE.parse_settings
