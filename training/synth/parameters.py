"""Parameters that every domain has: what is behind its things, and the light. Colours are sRGB, 0..1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .blocks import Block, NumberBlock, choice_block, colour_block
from .distributions import Uniform
from .looks import BACKDROPS, BACKGROUND_COLOURS
from .rules import ChoiceRule, Colour, ColourRule, NumberRule, ParameterTable


@dataclass(frozen=True, kw_only=True)
class SurroundingsParameters:
    """The defaults are a studio's."""

    backdrop: str = "plain"
    background: Colour = (0.55, 0.55, 0.57)
    background_second: Colour = (0.15, 0.15, 0.16)  # of gradients and of blurred shapes
    backdrop_variant: float = 0.0  # which way a gradient goes, where shapes are
    light_yaw_deg: float = -32.9  # where the key light stands: negative is the viewer's left
    light_pitch_deg: float = 36.5  # above the middle
    light_strength: float = 0.5  # of the key light
    light_fill: float = 0.5  # of all other light
    light_warmth: float = 0.0  # -1 cool .. 1 warm


SURROUNDINGS_RULES: Mapping[str, Any] = {
    "backdrop": ChoiceRule(BACKDROPS),
    "background": ColourRule(BACKGROUND_COLOURS),
    "background_second": ColourRule(BACKGROUND_COLOURS),
    "light_yaw_deg": NumberRule(-90.0, 90.0),
    "light_pitch_deg": NumberRule(-20.0, 80.0),
    "light_warmth": NumberRule(-1.0, 1.0),
}


def surroundings_blocks(table: ParameterTable) -> tuple[Block, ...]:
    """Every backdrop, mostly plain ones, and every light, each for itself."""
    return (
        choice_block(table, "backdrop", plain=0.7),
        colour_block(table, "background", lightness=0.03, circle=True),
        colour_block(table, "background_second", lightness=0.03, circle=True),
        NumberBlock("backdrop_variant", Uniform()),
        NumberBlock("light_yaw_deg", Uniform(-60.0, 60.0)),
        NumberBlock("light_pitch_deg", Uniform(15.0, 65.0)),
        NumberBlock("light_strength", Uniform(0.35, 0.7)),
        NumberBlock("light_fill", Uniform(0.4, 0.8)),
        NumberBlock("light_warmth", Uniform(-0.5, 0.5)),
    )
