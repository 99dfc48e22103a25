"""How heads are best shown on contact sheets."""

from __future__ import annotations

import math

from training.synth.cameras import Pose
from training.synth.sheet_hints import SheetHints

from .parameter_spec import FIELDS
from .parameters import HeadParameters

# Where one value of an attribute has to be seen: what the calm person of the rows gets with it.
SHOWN_WITH: dict[str, dict[str, object]] = {
    "hair_volume": {"hair_style": "curly"},
    "hair_length": {"hair_style": "long wavy"},
    "parting": {"hair_style": "side part"},
    "background_second": {"backdrop": "horizon", "backdrop_variant": 0.5},
    "backdrop_variant": {"backdrop": "blurred shapes"},
    "beard_colour": {"beard": "full beard"},
    "beard_length": {"beard": "full beard"},
    "frame_colour": {"glasses": "rectangular", "frame_thickness": 0.9},
    "frame_thickness": {"glasses": "round"},
    "glasses_size": {"glasses": "rectangular"},
    "lens_darkness": {"glasses": "sunglasses"},
    "lipstick": {"lipstick_colour": "red"},
    "lipstick_colour": {"lipstick": 1.0},
    "freckles": {"skin_tone": 0.1},
    "skin_redness": {"skin_tone": 0.15},
}
_WHOLE_HEAD = (
    "weight", "hair_style", "hair_colour", "hair_volume", "hair_length", "parting", "beard_length", "cloth_colour",
    "neckline", "background", "background_second", "backdrop", "backdrop_variant",
    "light_yaw_deg", "light_pitch_deg", "light_strength", "light_fill", "light_warmth",
)  # fmt: skip
CALM = {
    "expression": "neutral", "beard": "none", "glasses": "none", "lipstick": 0.0, "eye_shadow": 0.0, "freckles": 0.0,
    "age": 0.45, "hair_style": "short crop", "hair_colour": "brown", "iris_colour": "blue", "beard_colour": "brown",
    "background": "sky", "cloth_colour": "blue", "lid_openness": 0.6, "skin_tone": 0.3, "backdrop": "plain",
    "gaze_yaw": 0.0, "gaze_pitch": 0.0,
    **{name: getattr(HeadParameters(), name) for name in FIELDS if name.startswith("light_")},
}  # fmt: skip
HINTS = SheetHints(
    calm=CALM,
    shown_with=SHOWN_WITH,
    whole=_WHOLE_HEAD,
    close_up=(1 / 2, 2 / 3),
    turned=("hair_style", "hair_length", "glasses", "beard"),
    side=Pose(math.radians(20.0), 0.0),
    viewed={"glasses": "sunglasses", "beard": "full beard", "expression": "smile"},
)
