"""Populations: who is drawn how often. Each is a list of blocks that turn a latent from N(0, I) into a head and back.

``INDEPENDENT`` draws every attribute for itself, for networks that must not learn that beards mean broad chins.
``PHOTOGRAPHS`` draws people as photo collections have them: its laws depend on sex, age, ancestry and skin. ``FIRST``
is what the first built-in generator was trained on: it draws named expressions alone, in a studio's light.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from training.synth.blocks import Block, Known, NumberBlock
from training.synth.blocks import choice_block as any_choice_block
from training.synth.blocks import colour_block as any_colour_block
from training.synth.conditions import Conditions
from training.synth.distributions import Bell, Law, Mixture, OftenZero, Signed, Triangular, TruncatedNormal, Uniform
from training.synth.population import Population, population_named

from .action_block import ActionsBlock, NamedExpressionBlock
from .attributes import EXPRESSIONS
from .blocks import AncestryBlock, ShapeBlock, beard_colour_block
from .cameras import VIEWS, draw_portrait_poses
from .parameter_spec import TABLE

_NATURAL_COLOURS = ("black", "brown", "auburn", "ginger", "blond", "platinum", "grey")


choice_block, colour_block = partial(any_choice_block, TABLE), partial(any_colour_block, TABLE)


def _expressions(**chances: float) -> tuple[float, ...]:
    """Chances of the named expressions, ``_`` for spaces and hyphens."""
    named = {name.replace(" ", "_").replace("-", "_"): name for name in EXPRESSIONS}
    found = {named[key]: chance for key, chance in chances.items()}
    return tuple(found[name] for name in EXPRESSIONS)


_GLASSES_AND_MAKE_UP: tuple[Block, ...] = (
    colour_block("frame_colour", lightness=0.03, circle=True),
    NumberBlock("frame_thickness", Uniform()),
    NumberBlock("glasses_size", Uniform()),
    NumberBlock("lens_darkness", Uniform(0.85, 1.0)),
)
_CLOTHES: tuple[Block, ...] = (colour_block("cloth_colour", lightness=0.03, circle=True), choice_block("neckline"))
_IDENTITY: tuple[Block, ...] = (
    ShapeBlock(TruncatedNormal(0.3, 0.9)),
    NumberBlock("sex", Uniform()),
    NumberBlock("age", Uniform()),
    NumberBlock("weight", Triangular()),
    AncestryBlock(spread=1.8),
    NumberBlock("skin_tone", Uniform()),
    NumberBlock("skin_warmth", Triangular(-1.0, 1.0)),
    NumberBlock("skin_redness", Triangular(-1.0, 1.0)),
    NumberBlock("freckles", OftenZero(0.6, Uniform(0.2, 1.0))),
    choice_block("hair_style", bald=0.045, balding=0.045),
    colour_block("hair_colour", lightness=0.032, warmth=0.024),
    NumberBlock("hair_volume", Uniform()),
    NumberBlock("hair_length", Uniform()),
    NumberBlock("parting", Uniform(-1.0, 1.0)),
    colour_block("iris_colour", lightness=0.03, warmth=0.02),
    NumberBlock("lid_openness", Triangular()),
    NumberBlock("brow_thickness", Uniform()),
    NumberBlock("brow_arch", Uniform()),
)
_WORN: tuple[Block, ...] = (
    choice_block("beard", none=0.35),
    beard_colour_block(_NATURAL_COLOURS, OftenZero(0.7, Uniform(0.2, 1.0))),
    NumberBlock("beard_length", Uniform()),
    choice_block("glasses", none=0.34),
    *_GLASSES_AND_MAKE_UP,
    NumberBlock("lipstick", OftenZero(0.5, Uniform(0.4, 1.0))),
    colour_block("lipstick_colour", lightness=0.03, circle=True),
    NumberBlock("eye_shadow", OftenZero(0.6, Uniform(0.3, 1.0))),
    *_CLOTHES,
)
_GAZE: tuple[Block, ...] = (NumberBlock("gaze_yaw", Signed(0.5)), NumberBlock("gaze_pitch", Signed(0.65)))
_LIGHT: tuple[Block, ...] = (
    NumberBlock("light_yaw_deg", Uniform(-70.0, 70.0)),
    NumberBlock("light_pitch_deg", Uniform(0.0, 65.0)),
    NumberBlock("light_strength", Uniform(0.2, 0.8)),
    NumberBlock("light_fill", Uniform(0.25, 0.85)),
    NumberBlock("light_warmth", Uniform(-1.0, 1.0)),
)
_BACKDROP: tuple[Block, ...] = (
    choice_block("backdrop", plain=0.3),
    colour_block("background", lightness=0.03, circle=True),
    colour_block("background_second", lightness=0.03, circle=True),
    NumberBlock("backdrop_variant", Uniform()),
)
_EVEN_EXPRESSIONS = _expressions(
    neutral=0.105, smile=0.055, open_mouth_smile=0.055, frown=0.055, surprise=0.055,
    angry=0.055, sad=0.055, pucker=0.055, wink=0.055, eyes_closed=0.055,
)  # fmt: skip

INDEPENDENT = Population(
    "independent",
    TABLE,
    VIEWS,
    (*_IDENTITY, ActionsBlock(_EVEN_EXPRESSIONS), *_GAZE, *_WORN, *_BACKDROP, *_LIGHT),
    rotation_seed=20261,
)
FIRST = Population(
    "first",
    TABLE,
    VIEWS,
    (*_IDENTITY, NamedExpressionBlock(0.16), *_WORN, colour_block("background", lightness=0.03, circle=True)),
    rotation_seed=20250,
)

# What the laws of photographs depend on.
CONDITIONS = {
    "feminine": lambda known: known["sex"] < 0.5,
    "masculine": lambda known: known["sex"] >= 0.5,
    "child": lambda known: known["age"] < 0.16,
    "young": lambda known: known["age"] < 0.32,
    "grown-up": lambda known: known["age"] >= 0.32,
    "middle-aged": lambda known: 0.52 <= known["age"] < 0.76,
    "old": lambda known: known["age"] >= 0.76,
    "african": lambda known: known["ancestry"][0] >= 0.5,
    "asian": lambda known: known["ancestry"][1] >= 0.5,
    "pale": lambda known: known["skin_tone"] < 0.2,
    "dark": lambda known: known["skin_tone"] >= 0.6,
}
# Attribute -> chances of its values, before conditions; they are scaled to the sum 1.
CHANCES: dict[str, dict[str, float]] = {
    "hair_style": {
        "bald": 0.02, "buzz cut": 0.06, "short crop": 0.16, "side part": 0.12, "quiff": 0.05, "mohawk": 0.012,
        "afro": 0.015, "curly": 0.07, "bob": 0.10, "long straight": 0.13, "long wavy": 0.13, "bun": 0.06,
        "ponytail": 0.07, "balding": 0.025,
    },
    "hair_colour": {
        "black": 0.26, "brown": 0.34, "auburn": 0.07, "ginger": 0.05, "blond": 0.18, "platinum": 0.03,
        "grey": 0.03, "blue": 0.012, "pink": 0.016, "green": 0.012,
    },
    "iris_colour": {"brown": 0.34, "dark": 0.16, "amber": 0.10, "green": 0.12, "blue": 0.18, "grey": 0.10},
    "beard": {
        "none": 0.50, "stubble": 0.15, "moustache": 0.08, "goatee": 0.07, "chin beard": 0.04, "full beard": 0.16,
    },
    "glasses": {"none": 0.66, "round": 0.11, "rectangular": 0.14, "sunglasses": 0.09},
    "neckline": {"crew neck": 0.5, "v-neck": 0.3, "turtleneck": 0.2},
    "backdrop": {"plain": 0.2, "gradient": 0.25, "blurred shapes": 0.28, "blurred lights": 0.12, "horizon": 0.15},
}  # fmt: skip
# (condition, attribute, factors on the chances of its values)
FACTORS: tuple[tuple[str, str, dict[str, float]], ...] = (
    (
        "feminine",
        "hair_style",
        {
            "bald": 0.05,
            "buzz cut": 0.1,
            "short crop": 0.12,
            "side part": 0.15,
            "quiff": 0.1,
            "mohawk": 0.5,
            "balding": 0.02,
        },
    ),
    (
        "masculine",
        "hair_style",
        {
            "bob": 0.04,
            "long straight": 0.12,
            "long wavy": 0.12,
            "bun": 0.15,
            "ponytail": 0.1,
            "bald": 1.6,
        },
    ),
    ("child", "hair_style", {"bald": 0.05, "balding": 0.01, "mohawk": 0.5}),
    ("young", "hair_style", {"balding": 0.05, "bald": 0.3}),
    ("middle-aged", "hair_style", {"balding": 4.0, "bald": 3.0, "mohawk": 0.3}),
    ("old", "hair_style", {"balding": 9.0, "bald": 6.0, "mohawk": 0.1, "quiff": 0.4, "long straight": 0.5}),
    ("african", "hair_style", {"afro": 12.0, "curly": 2.5, "buzz cut": 2.0, "long straight": 0.4, "side part": 0.3}),
    ("asian", "hair_style", {"afro": 0.1, "curly": 0.3, "long straight": 1.8}),
    ("child", "hair_colour", {"grey": 0.01, "platinum": 0.5, "blue": 0.2, "green": 0.2}),
    ("young", "hair_colour", {"grey": 0.05}),
    ("middle-aged", "hair_colour", {"grey": 6.0, "pink": 0.3, "green": 0.3, "blue": 0.3}),
    ("old", "hair_colour", {"grey": 40.0, "platinum": 16.0, "pink": 0.3, "green": 0.3, "blue": 0.3}),
    ("pale", "hair_colour", {"black": 0.4, "blond": 1.6, "ginger": 2.0}),
    ("dark", "hair_colour", {"black": 3.0, "blond": 0.06, "ginger": 0.05, "auburn": 0.4, "platinum": 0.5}),
    ("asian", "hair_colour", {"black": 3.0, "blond": 0.1, "ginger": 0.1}),
    ("pale", "iris_colour", {"dark": 0.3, "blue": 2.0}),
    ("dark", "iris_colour", {"dark": 4.0, "blue": 0.06, "green": 0.1, "grey": 0.15}),
    ("asian", "iris_colour", {"dark": 3.0, "blue": 0.1, "green": 0.2}),
    ("feminine", "beard", {"stubble": 0.01, "moustache": 0.01, "goatee": 0.01, "chin beard": 0.01, "full beard": 0.01}),
    ("young", "beard", {"stubble": 0.1, "moustache": 0.1, "goatee": 0.05, "chin beard": 0.05, "full beard": 0.02}),
    ("old", "beard", {"moustache": 1.8, "full beard": 1.6, "stubble": 0.6}),
    ("child", "glasses", {"round": 0.4, "rectangular": 0.3, "sunglasses": 0.2}),
    ("middle-aged", "glasses", {"round": 1.6, "rectangular": 2.0}),
    ("old", "glasses", {"round": 3.0, "rectangular": 4.0, "sunglasses": 0.6}),
    ("feminine", "neckline", {"v-neck": 1.6, "crew neck": 0.8}),
)
# Attribute -> (condition, law) in order; the first condition that holds counts.
LAWS: dict[str, tuple[tuple[str, Law], ...]] = {
    "freckles": (("pale", OftenZero(0.6, Uniform(0.2, 1.0))), ("", OftenZero(0.92, Uniform(0.2, 1.0)))),
    "skin_tone": (("african", Bell(0.82, 0.12)), ("asian", Bell(0.36, 0.13)), ("", Bell(0.20, 0.14))),
    "brow_thickness": (("feminine", Bell(0.34, 0.20)), ("", Bell(0.66, 0.20))),
    "lipstick": (
        ("child", OftenZero(0.98, Uniform(0.4, 1.0))),
        ("feminine", OftenZero(0.40, Uniform(0.4, 1.0))),
        ("", OftenZero(0.99, Uniform(0.4, 1.0))),
    ),
    "eye_shadow": (
        ("child", OftenZero(0.985, Uniform(0.3, 1.0))),
        ("feminine", OftenZero(0.50, Uniform(0.3, 1.0))),
        ("", OftenZero(0.99, Uniform(0.3, 1.0))),
    ),
}
# Middles of local shapes: (masculine, feminine)
SHAPE_MIDDLES = {
    "chin-width-incr": (0.28, -0.22), "chin-prominent-incr": (0.2, -0.15), "chin-bones-incr": (0.25, -0.2),
    "neck-scale-horiz-incr": (0.25, -0.2), "mouth-upperlip-volume-incr": (-0.12, 0.18),
    "mouth-lowerlip-volume-incr": (-0.12, 0.18), "forehead-nubian-incr": (-0.1, 0.1),
    "nose-scale-horiz-incr": (0.1, -0.1),
}  # fmt: skip


_CONDITIONAL = Conditions(CONDITIONS, CHANCES, FACTORS, LAWS, TABLE)
_law_for, _choice_for, _chosen = _CONDITIONAL.law_for, _CONDITIONAL.choice_for, _CONDITIONAL.chosen


def _shape_middles(known: Known) -> Mapping[str, float]:
    side = 0 if CONDITIONS["masculine"](known) else 1
    return {name: middles[side] for name, middles in SHAPE_MIDDLES.items()}


_FREQUENT_EXPRESSIONS = _expressions(
    neutral=0.17, smile=0.17, open_mouth_smile=0.12, frown=0.02, surprise=0.03,
    angry=0.015, sad=0.015, pucker=0.02, wink=0.02, eyes_closed=0.02,
)  # fmt: skip
PHOTOGRAPHS = Population(
    "photographs",
    TABLE,
    VIEWS,
    (
        NumberBlock("sex", Mixture(0.5, Bell(0.15, 0.12, 0.0, 0.45), Bell(0.85, 0.12, 0.55, 1.0))),
        NumberBlock("age", Bell(0.45, 0.24)),
        NumberBlock("weight", Triangular()),
        AncestryBlock(spread=3.5),
        ShapeBlock(TruncatedNormal(0.3, 0.9), _shape_middles),
        NumberBlock("skin_tone", _law_for("skin_tone")),
        NumberBlock("skin_warmth", Triangular(-1.0, 1.0)),
        NumberBlock("skin_redness", Triangular(-1.0, 1.0)),
        NumberBlock("freckles", _law_for("freckles")),
        _chosen("hair_style"),
        colour_block("hair_colour", lightness=0.032, warmth=0.024, choice=_choice_for("hair_colour")),
        NumberBlock("hair_volume", Uniform()),
        NumberBlock("hair_length", Uniform()),
        NumberBlock("parting", Uniform(-1.0, 1.0)),
        colour_block("iris_colour", lightness=0.03, warmth=0.02, choice=_choice_for("iris_colour")),
        NumberBlock("lid_openness", Triangular()),
        NumberBlock("brow_thickness", _law_for("brow_thickness")),
        NumberBlock("brow_arch", Uniform()),
        ActionsBlock(_FREQUENT_EXPRESSIONS, Signed(0.3, 0.15)),
        NumberBlock("gaze_yaw", Signed(0.65)),
        NumberBlock("gaze_pitch", Signed(0.8)),
        _chosen("beard"),
        beard_colour_block(_NATURAL_COLOURS, OftenZero(0.9, Uniform(0.2, 1.0))),
        NumberBlock("beard_length", Uniform()),
        _chosen("glasses"),
        *_GLASSES_AND_MAKE_UP,
        NumberBlock("lipstick", _law_for("lipstick")),
        colour_block("lipstick_colour", lightness=0.03, circle=True),
        NumberBlock("eye_shadow", _law_for("eye_shadow")),
        colour_block("cloth_colour", lightness=0.03, circle=True),
        _chosen("neckline"),
        _chosen("backdrop"),
        colour_block("background", lightness=0.03, circle=True),
        colour_block("background_second", lightness=0.03, circle=True),
        NumberBlock("backdrop_variant", Uniform()),
        NumberBlock("light_yaw_deg", Bell(-10.0, 35.0, -75.0, 75.0)),
        NumberBlock("light_pitch_deg", Bell(34.0, 16.0, 0.0, 70.0)),
        NumberBlock("light_strength", Bell(0.5, 0.15)),
        NumberBlock("light_fill", Bell(0.55, 0.15)),
        NumberBlock("light_warmth", Bell(0.1, 0.4, -1.0, 1.0)),
    ),
    rotation_seed=20262,
    draw_own_poses=draw_portrait_poses,
)
POPULATIONS = {population.name: population for population in (INDEPENDENT, PHOTOGRAPHS, FIRST)}


def find_population(name: str) -> Population:
    """
    Raises:
        ConfigError: there is no such population.
    """
    return population_named(POPULATIONS, name)
