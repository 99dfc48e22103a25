"""SynthCars as a domain: everything that the framework asks of it."""

from __future__ import annotations

from training.synth.domain import SynthDomain
from training.synth.learning import Learning
from training.synth.sheet_hints import SheetHints

from .parameters import TABLE
from .populations import POPULATIONS, VIEWS
from .shape import LABELS, build_car
from .words import ATTRIBUTE_VALUES, attributes_of, caption

CARS = SynthDomain(
    name="synthcars",
    version=1,
    table=TABLE,
    populations=POPULATIONS,
    views=VIEWS,
    labels=LABELS,
    build=build_car,
    caption=caption,
    attributes_of=attributes_of,
    attribute_values=ATTRIBUTE_VALUES,
    edits={
        "colour": ("paint", "metallic"),
        "shape": ("body", "length", "height", "roof_slope", "bonnet", "wheel_size"),
        "two_tone": ("two_tone", "second_paint"),
    },
    learning=Learning(size=0.48, box=0.68, rays=(2.3, 3.1), camera_spread_rad=1.8, backdrop_share=0.4),
    hints=SheetHints(
        calm={
            "body": "sedan", "paint": "red", "two_tone": "none", "sign": "none", "metallic": 0.0, "backdrop": "plain",
            "background": "grey", "window_tint": 0.7, "rims": "spokes",
        },
        shown_with={"second_paint": {"two_tone": "roof"}, "background_second": {"backdrop": "gradient"}},
        side=VIEWS.front,
        near=2.35,
        far=3.0,
    ),
)  # fmt: skip
