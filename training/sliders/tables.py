"""Which values become sliders of which group: of our reader, of the photo networks, and of phrases for CLIP.

A new slider is one entry here. Values without a group get no slider, but are watched: no slider may change them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch

from sat3d.networks.reader_config import ReaderConfig
from training.synthheads.attributes import SHAPE_NAMES

from ..networks.targets import ACTION_PREFIX, POSE

WATCHED = ""
_UNITS = {"_deg": "°", "_rad": "rad"}
_COLOURS = ("red", "green", "blue")

# Numbers of a reader by what they are called; the first pattern that fits counts, what fits none is watched.
READER_NUMBERS: tuple[tuple[str, str], ...] = (
    ("shape", "shape"), ("weight", "shape"), ("brow_*", "shape"), ("age", "age"), ("sex", "sex"),
    ("skin_*", "skin"), ("freckles", "skin"), ("iris_rgb", "eyes"), ("lid_openness", "eyes"),
    ("hair_*", "hair"), ("parting_place", "hair"), ("beard_*", "beard"),
    ("frame_*", "glasses"), ("glasses_*", "glasses"), ("lens_*", "glasses"),
    ("lipstick_*", "make-up"), ("eye_shadow_*", "make-up"),
    (f"{ACTION_PREFIX}*", "expression"), ("gaze_*", "gaze"), ("light_*", "light"),
)  # fmt: skip


@dataclass(frozen=True)
class Contrast:
    """How far a reader is from one value of a category towards all others, or towards one: 0..1."""

    name: str
    group: str
    category: str
    low: str
    high: str = ""  # "": any other


READER_CONTRASTS = (
    Contrast("beard", "beard", "beard", "none"),
    Contrast("glasses", "glasses", "glasses", "none"),
    Contrast("sunglasses", "glasses", "glasses", "none", "sunglasses"),
)
# Of readers that know no actions, but names of expressions.
EXPRESSION_CATEGORY, NEUTRAL = "expression", "neutral"


def contrasts_of(config: ReaderConfig) -> list[Contrast]:
    """Those that the reader can tell."""
    known = dict(config.categories)
    wanted = list(READER_CONTRASTS)
    if not any(name.startswith(ACTION_PREFIX) for name, _ in config.numbers):
        values = known.get(EXPRESSION_CATEGORY, ())
        named = [(value.replace("-", " ").replace(" ", "_"), value) for value in values if value != NEUTRAL]
        wanted += [Contrast(name, "expression", EXPRESSION_CATEGORY, NEUTRAL, value) for name, value in named]
    return [
        each
        for each in wanted
        if each.low in known.get(each.category, ()) and (not each.high or each.high in known[each.category])
    ]


def group_of_number(name: str) -> str | None:
    """The group of a reader's number, WATCHED, or None: it is no matter of the styles."""
    if name in POSE:
        return None
    return next((group for pattern, group in READER_NUMBERS if fnmatch(name, pattern)), WATCHED)


def names_of_number(name: str, size: int) -> list[str]:
    """What the parts of a number are called."""
    name = name.removeprefix(ACTION_PREFIX)
    if size == 1:
        return [name]
    if name == "shape" and size == len(SHAPE_NAMES):
        return [part.removesuffix("-incr").replace("-", "_") for part in SHAPE_NAMES]
    if name.endswith("_rgb"):
        return [f"{name.removesuffix('_rgb')}_{colour}" for colour in _COLOURS[:size]]
    return [f"{name}_{i + 1}" for i in range(size)]


def unit_of(name: str) -> str:
    return next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")


def group_of_blendshape(name: str) -> str | None:
    """None: the rest position, which is no movement."""
    return None if name.startswith("_") else "gaze" if name.startswith("eyeLook") else "expression"


# Shape by points of a face (of the 478, see sat3d/faces): (one distance, or several added up) over another.
Pair = tuple[int, int]
FACE_RATIOS: dict[str, tuple[tuple[Pair, ...], Pair]] = {
    "face_width": (((234, 454),), (10, 152)),
    "jaw_width": (((172, 397),), (234, 454)),
    "chin_length": (((17, 152),), (10, 152)),
    "forehead_height": (((10, 168),), (10, 152)),
    "eye_distance": (((133, 362),), (33, 263)),
    "nose_length": (((168, 2),), (10, 152)),
    "nose_width": (((98, 327),), (234, 454)),
    "mouth_width": (((61, 291),), (234, 454)),
    "lip_height": (((0, 13), (14, 17)), (10, 152)),
    "brow_height": (((105, 159), (334, 386)), (10, 152)),
}


@dataclass(frozen=True)
class Phrases:
    """Both ends of a slider for an image-text model."""

    name: str
    group: str
    low: str
    high: str


PHRASES = (
    Phrases("age", "age", "the face of a young person", "the face of an old person"),
    Phrases("sex", "sex", "the face of a woman", "the face of a man"),
    Phrases("skin_tone", "skin", "a face with pale skin", "a face with dark skin"),
    Phrases("hair_length", "hair", "a person with short hair", "a person with long hair"),
    Phrases("hair_darkness", "hair", "a person with blond hair", "a person with black hair"),
    Phrases("curls", "hair", "a person with straight hair", "a person with curly hair"),
    Phrases("beard", "beard", "a face with no beard", "a face with a full beard"),
    Phrases("glasses", "glasses", "a face without glasses", "a face with glasses"),
    Phrases("lipstick", "make-up", "a face without lipstick", "a face with red lipstick"),
    Phrases("smile", "expression", "a face with a neutral expression", "a face with a smile"),
)
