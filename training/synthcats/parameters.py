"""What one cat's head is: every parameter of the domain, with its range."""

from __future__ import annotations

from dataclasses import dataclass

from training.synth.parameters import SURROUNDINGS_RULES, SurroundingsParameters
from training.synth.rules import ChoiceRule, Colour, ColourRule, ParameterTable

PATTERNS = ("solid", "tabby", "tuxedo", "calico", "points")
EARS = ("upright", "folded")
FURS = {
    "black": (0.07, 0.065, 0.07),
    "white": (0.93, 0.92, 0.90),
    "grey": (0.44, 0.47, 0.51),
    "orange": (0.84, 0.42, 0.13),
    "brown": (0.36, 0.23, 0.14),
    "cream": (0.89, 0.77, 0.58),
}
IRISES = {
    "green": (0.32, 0.60, 0.20),
    "yellow": (0.88, 0.74, 0.12),
    "blue": (0.22, 0.48, 0.88),
    "copper": (0.78, 0.36, 0.06),
}


@dataclass(frozen=True)
class CatParameters(SurroundingsParameters):
    """Colours are sRGB, 0..1; numbers without a comment are 0..1 of what cats have."""

    fur_colour: Colour = (0.84, 0.42, 0.13)  # of a calico none is seen
    pattern: str = "tabby"
    pattern_variant: float = 0.5  # where patches and stripes are
    fur_length: float = 0.2  # 0 short .. 1 long
    ears: str = "upright"
    ear_size: float = 0.5
    ear_spread: float = 0.5  # 0 close together .. 1 far apart
    head_width: float = 0.5
    muzzle: float = 0.5  # 0 flat .. 1 long
    eye_size: float = 0.5
    eye_opening: float = 0.8  # 0 nearly closed .. 1 wide open
    pupil: float = 0.3  # 0 a slit .. 1 round
    iris_colour: Colour = (0.32, 0.60, 0.20)
    whiskers: float = 0.6  # their length


TABLE = ParameterTable(
    CatParameters,
    {
        **SURROUNDINGS_RULES,
        "pattern": ChoiceRule(PATTERNS),
        "ears": ChoiceRule(EARS),
        "fur_colour": ColourRule(FURS),
        "iris_colour": ColourRule(IRISES),
    },
    noun="cat",
    example="pattern=calico",
)
