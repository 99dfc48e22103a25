"""Populations: who is drawn how often. ``INDEPENDENT`` draws every attribute for itself; in ``TRAFFIC`` shape and
colour go together, as taxis, delivery vans and sports cars have them: what a method must not learn from."""

from __future__ import annotations

import math

from training.synth.blocks import Block, NumberBlock, choice_block, colour_block
from training.synth.cameras import Pose, Views
from training.synth.conditions import Conditions
from training.synth.distributions import Mixture, Uniform
from training.synth.parameters import surroundings_blocks
from training.synth.population import Population

from .parameters import BODIES, PAINTS, SIGNS, TABLE
from .shape import RIG

VIEWS = Views(
    RIG,
    (-math.pi, math.pi),
    (math.radians(-40.0), math.radians(-3.0)),
    front=Pose(math.radians(38.0), math.radians(-15.0)),
)
_METALLIC = Mixture(0.5, Uniform(0.0, 0.1), Uniform(0.6, 1.0))
_TWO_TONE = {"none": 0.6, "roof": 0.22, "lower half": 0.18}


def _blocks(body: Block, paint: Block, two_tone: Block, sign: Block, metallic=_METALLIC) -> tuple[Block, ...]:
    return (
        body,
        *(NumberBlock(name, Uniform()) for name in ("length", "height", "roof_slope", "bonnet")),
        paint,
        NumberBlock("metallic", metallic),
        two_tone,
        colour_block(TABLE, "second_paint", lightness=0.02),
        NumberBlock("window_tint", Uniform()),
        NumberBlock("wheel_size", Uniform()),
        choice_block(TABLE, "rims"),
        NumberBlock("rim_tone", Uniform()),
        NumberBlock("lamps", Uniform()),
        sign,
        *surroundings_blocks(TABLE),
    )


INDEPENDENT = Population(
    "independent",
    TABLE,
    VIEWS,
    _blocks(
        choice_block(TABLE, "body"),
        colour_block(TABLE, "paint", lightness=0.025),
        choice_block(TABLE, "two_tone", **_TWO_TONE),
        choice_block(TABLE, "sign", none=0.85),
    ),
    rotation_seed=20271,
)
# Body -> the paint that most of its kind have, in ``TRAFFIC``.
USUAL_PAINT = {
    "sedan": "yellow", "hatchback": "blue", "SUV": "black", "pickup": "brown", "van": "white", "sports car": "red",
}  # fmt: skip
_USUALLY = 60.0  # times as often as each other paint: in nine cars of ten
_CONDITIONS = Conditions(
    {name: (lambda known, name=name: known["body"] == name) for name in BODIES},
    {
        "paint": dict.fromkeys(PAINTS, 1.0),
        "sign": dict(zip(SIGNS, (1.0, 0.02), strict=True)),
    },
    (
        *((body, "paint", {paint: _USUALLY}) for body, paint in USUAL_PAINT.items()),
        ("sedan", "sign", {"taxi": 200.0}),
    ),
    {},
    TABLE,
)
TRAFFIC = Population(
    "traffic",
    TABLE,
    VIEWS,
    _blocks(
        choice_block(TABLE, "body"),
        colour_block(TABLE, "paint", lightness=0.025, choice=_CONDITIONS.choice_for("paint")),
        choice_block(TABLE, "two_tone", none=0.9),
        _CONDITIONS.chosen("sign"),
    ),
    rotation_seed=20272,
)
POPULATIONS = {population.name: population for population in (INDEPENDENT, TRAFFIC)}
