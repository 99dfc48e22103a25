"""SynthCats as a domain: everything that the framework asks of it."""

from __future__ import annotations

import math

from training.synth.cameras import Pose
from training.synth.domain import SynthDomain
from training.synth.sheet_hints import SheetHints

from .parameters import TABLE
from .populations import POPULATIONS, VIEWS
from .shape import LABELS, build_cat
from .words import ATTRIBUTE_VALUES, attributes_of, caption

CATS = SynthDomain(
    name="synthcats",
    version=1,
    table=TABLE,
    populations=POPULATIONS,
    views=VIEWS,
    labels=LABELS,
    build=build_cat,
    caption=caption,
    attributes_of=attributes_of,
    attribute_values=ATTRIBUTE_VALUES,
    hints=SheetHints(
        calm={
            "pattern": "solid", "fur_colour": "orange", "fur_length": 0.1, "ears": "upright", "iris_colour": "green",
            "eye_opening": 0.85, "backdrop": "plain", "background": "grey",
        },
        shown_with={
            "background_second": {"backdrop": "gradient"}, "pattern_variant": {"pattern": "calico"},
        },
        side=Pose(math.radians(25.0), 0.0),
        near=2.45,
        far=2.95,
    ),
)  # fmt: skip
