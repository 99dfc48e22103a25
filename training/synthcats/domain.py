"""SynthCats as a domain: everything that the framework asks of it."""

from __future__ import annotations

import math

from training.synth.cameras import Pose
from training.synth.domain import SynthDomain
from training.synth.learning import Learning, Place
from training.synth.sheet_hints import SheetHints

from .parameters import TABLE
from .populations import POPULATIONS, VIEWS
from .shape import LABELS, build_cat
from .words import ATTRIBUTE_VALUES, attributes_of, caption

# Eyes, and the nose with the mouth below it.
_PLACES = (
    Place((0.068, 0.008, 0.145), 3.0, (0.028, 0.024)),
    Place((-0.068, 0.008, 0.145), 3.0, (0.028, 0.024)),
    Place((0.0, -0.068, 0.170), 2.0, (0.030, 0.024)),
)
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
    edits={
        "fur_colour": ("fur_colour",),
        "fur_pattern": ("pattern", "pattern_variant"),
        "fur_length": ("fur_length",),
        "ears": ("ears", "ear_size", "ear_spread"),
        "eyes": ("iris_colour", "eye_opening", "eye_size", "pupil"),
    },
    learning=Learning(
        size=0.36, box=0.76, rays=(2.3, 3.1), plane_warp=0.25, magnified=0.6, whole_above=0.0,
        backdrop_share=0.6, places=_PLACES,
    ),
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
