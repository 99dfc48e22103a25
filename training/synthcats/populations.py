"""Populations: who is drawn how often. ``INDEPENDENT`` draws every attribute for itself; in ``BREEDS`` fur, ears and
muzzle go with the colour, as breeds have them."""

from __future__ import annotations

import math

from training.synth.blocks import Block, NumberBlock, choice_block, colour_block
from training.synth.cameras import Views
from training.synth.conditions import Conditions
from training.synth.distributions import Mixture, Triangular, Uniform
from training.synth.parameters import surroundings_blocks
from training.synth.population import Population
from training.synth.truths import colour_name

from .parameters import FURS, PATTERNS, TABLE
from .shape import RIG

_YAW_RAD, _PITCH_RAD = math.radians(50.0), math.radians(25.0)
VIEWS = Views(RIG, (-_YAW_RAD, _YAW_RAD), (-_PITCH_RAD, _PITCH_RAD))
_SHORT_OR_LONG = Mixture(0.5, Uniform(0.0, 0.25), Uniform(0.65, 1.0))


def _blocks(pattern: Block, colour: Block, ears: Block, length, muzzle) -> tuple[Block, ...]:
    return (
        pattern,
        colour,
        NumberBlock("pattern_variant", Uniform()),
        NumberBlock("fur_length", length),
        ears,
        NumberBlock("ear_size", Uniform()),
        NumberBlock("ear_spread", Triangular()),
        NumberBlock("head_width", Uniform()),
        NumberBlock("muzzle", muzzle),
        NumberBlock("eye_size", Uniform()),
        NumberBlock("eye_opening", Mixture(0.2, Uniform(0.05, 0.5), Uniform(0.6, 1.0))),
        NumberBlock("pupil", Uniform()),
        colour_block(TABLE, "iris_colour", lightness=0.02),
        NumberBlock("whiskers", Uniform()),
        *surroundings_blocks(TABLE),
    )


INDEPENDENT = Population(
    "independent",
    TABLE,
    VIEWS,
    _blocks(
        choice_block(TABLE, "pattern"),
        colour_block(TABLE, "fur_colour", lightness=0.02),
        choice_block(TABLE, "ears", upright=0.75),
        _SHORT_OR_LONG,
        Uniform(),
    ),
    rotation_seed=20281,
)
_CONDITIONS = Conditions(
    {
        "pale": lambda known: colour_name(known["fur_colour"], FURS) in ("white", "cream"),
        "grey": lambda known: colour_name(known["fur_colour"], FURS) == "grey",
        **{name: (lambda known, name=name: known["pattern"] == name) for name in PATTERNS},
    },
    {"fur_colour": dict.fromkeys(FURS, 1.0), "ears": {"upright": 0.95, "folded": 0.05}},
    (
        ("points", "fur_colour", {"cream": 30.0}),
        ("tuxedo", "fur_colour", {"black": 30.0}),
        ("tabby", "fur_colour", {"orange": 8.0, "brown": 8.0, "grey": 4.0}),
        ("grey", "ears", {"folded": 20.0}),
    ),
    {
        "fur_length": (("points", Uniform(0.0, 0.2)), ("pale", Uniform(0.7, 1.0)), ("", _SHORT_OR_LONG)),
        "muzzle": (("points", Uniform(0.7, 1.0)), ("pale", Uniform(0.0, 0.2)), ("", Triangular())),
    },
    TABLE,
)
BREEDS = Population(
    "breeds",
    TABLE,
    VIEWS,
    _blocks(
        choice_block(TABLE, "pattern"),
        colour_block(TABLE, "fur_colour", lightness=0.02, choice=_CONDITIONS.choice_for("fur_colour")),
        _CONDITIONS.chosen("ears"),
        _CONDITIONS.law_for("fur_length"),
        _CONDITIONS.law_for("muzzle"),
    ),
    rotation_seed=20282,
)
POPULATIONS = {population.name: population for population in (INDEPENDENT, BREEDS)}
