"""What one car is: every parameter of the domain, with its range."""

from __future__ import annotations

from dataclasses import dataclass

from training.synth.parameters import SURROUNDINGS_RULES, SurroundingsParameters
from training.synth.rules import ChoiceRule, Colour, ColourRule, ParameterTable

BODIES = ("sedan", "hatchback", "SUV", "pickup", "van", "sports car")
TWO_TONES = ("none", "roof", "lower half")
RIMS = ("spokes", "disc")
SIGNS = ("none", "taxi")
PAINTS = {
    "white": (0.92, 0.92, 0.91),
    "black": (0.05, 0.05, 0.055),
    "grey": (0.52, 0.53, 0.55),
    "red": (0.74, 0.07, 0.07),
    "orange": (0.92, 0.42, 0.05),
    "yellow": (0.94, 0.78, 0.10),
    "green": (0.09, 0.42, 0.18),
    "blue": (0.08, 0.22, 0.66),
    "purple": (0.38, 0.14, 0.52),
    "brown": (0.33, 0.20, 0.12),
}


@dataclass(frozen=True)
class CarParameters(SurroundingsParameters):
    """Colours are sRGB, 0..1; numbers without a comment are 0..1 of what such bodies have."""

    body: str = "sedan"
    length: float = 0.5
    height: float = 0.5
    roof_slope: float = 0.5  # 0 the roof goes far back .. 1 it falls early
    bonnet: float = 0.5  # 0 low .. 1 high
    paint: Colour = (0.74, 0.07, 0.07)
    metallic: float = 0.0  # 0 solid .. 1 it mirrors in its own colour
    two_tone: str = "none"  # what has the second colour
    second_paint: Colour = (0.92, 0.92, 0.91)
    window_tint: float = 0.7  # 0 clear .. 1 black
    wheel_size: float = 0.5
    rims: str = "spokes"
    rim_tone: float = 0.8  # 0 black .. 1 silver
    lamps: float = 0.5  # 0 round .. 1 slim
    sign: str = "none"


TABLE = ParameterTable(
    CarParameters,
    {
        **SURROUNDINGS_RULES,
        "body": ChoiceRule(BODIES),
        "two_tone": ChoiceRule(TWO_TONES),
        "rims": ChoiceRule(RIMS),
        "sign": ChoiceRule(SIGNS),
        "paint": ColourRule(PAINTS),
        "second_paint": ColourRule(PAINTS),
    },
    noun="car",
    example="body=van",
)
