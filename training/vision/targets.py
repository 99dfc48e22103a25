"""What the attribute reader learns of a head: named values, numbers and the person, with hidden things left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sat3d.reader import ReaderConfig
from training.synthheads.attributes import SHAPE_NAMES
from training.synthheads.labels import ATTRIBUTE_VALUES, HIDDEN, NONE, OTHER, attributes_of
from training.synthheads.parameters import HeadParameters

NUMBER_WEIGHTS = {"shape": 3.0, "yaw_rad": 2.0, "iris_rgb": 4.0}  # the others 1; the numbers of one name share it
UNKNOWN = -1  # the class of what is hidden or between two names
_READ_AS_NUMBERS = ("age", "shape", "skin_tone", "freckles", "hair_volume", "brows")
CATEGORIES: dict[str, tuple[str, ...]] = {
    name: tuple(value for value in values if value not in (OTHER, HIDDEN))
    for name, values in ATTRIBUTE_VALUES.items()
    if name not in _READ_AS_NUMBERS
}
CATEGORY_WEIGHTS = {  # the others 1
    "hair_style": 1.5,
    "expression": 3.0,
    "beard": 2.0,
    "glasses": 2.0,
    "iris_colour": 4.0,
}
_FACE_ZOOM = 2.2

Truths = dict[str, str]
Visible = Callable[[HeadParameters, Truths], bool]


@dataclass(frozen=True)
class Number:
    """A continuous attribute: the parameter's name, how many numbers it has, when it can be seen at all."""

    parameter: str
    size: int = 1
    visible: Visible = lambda p, truths: True


def _hair(p: HeadParameters, truths: Truths) -> bool:
    return p.hair_style != "bald"


def _iris(p: HeadParameters, truths: Truths) -> bool:
    return truths["iris_colour"] != HIDDEN


def _brows(p: HeadParameters, truths: Truths) -> bool:
    return truths["brows"] != HIDDEN


def _beard(p: HeadParameters, truths: Truths) -> bool:
    return p.beard != NONE


def _glasses(p: HeadParameters, truths: Truths) -> bool:
    return p.glasses != NONE


NUMBERS: dict[str, Number] = {
    **{name: Number(name) for name in ("age", "sex", "weight", "skin_tone", "skin_warmth", "skin_redness", "freckles")},
    "hair_volume": Number("hair_volume", 1, _hair),
    "hair_length": Number("hair_length", 1, _hair),
    "lid_openness": Number("lid_openness", 1, _iris),
    "brow_thickness": Number("brow_thickness", 1, _brows),
    "brow_arch": Number("brow_arch", 1, _brows),
    "expression_strength": Number("expression_strength", 1, lambda p, truths: p.expression != "neutral"),
    "beard_length": Number("beard_length", 1, _beard),
    "frame_thickness": Number("frame_thickness", 1, _glasses),
    "glasses_size": Number("glasses_size", 1, _glasses),
    "lipstick_amount": Number("lipstick"),
    "eye_shadow_amount": Number("eye_shadow", 1, _brows),
    "hair_rgb": Number("hair_colour", 3, _hair),
    "iris_rgb": Number("iris_colour", 3, _iris),
    "beard_rgb": Number("beard_colour", 3, _beard),
    "frame_rgb": Number("frame_colour", 3, _glasses),
    "lipstick_rgb": Number("lipstick_colour", 3, lambda p, truths: truths["lipstick"] != NONE),
    "cloth_rgb": Number("cloth_colour", 3),
    "background_rgb": Number("background", 3),
    "ancestry": Number("ancestry", 3),
    "shape": Number("shape", len(SHAPE_NAMES)),
}
POSE = ("yaw_rad", "pitch_rad")
PERSON = ("shape", "sex", "age", "weight", "ancestry")


def reader_config() -> ReaderConfig:
    """The reader's outputs, and a closer look at the face; its other sizes are the defaults."""
    numbers = [(name, number.size) for name, number in NUMBERS.items()]
    numbers += [(name, 1) for name in POSE]
    return ReaderConfig(tuple(CATEGORIES.items()), tuple(numbers), face_zoom=_FACE_ZOOM)


@dataclass
class ReaderTargets:
    """N views: ``classes`` [N, categories] int64 with UNKNOWN, ``numbers`` [N, numbers] float32, NaN where nothing is
    seen, ``persons`` [N, P] float32: the parameters of the person, each of about unit spread."""

    classes: np.ndarray
    numbers: np.ndarray
    persons: np.ndarray


def targets_of(parameters: Sequence[HeadParameters], yaw_rad: np.ndarray, pitch_rad: np.ndarray) -> ReaderTargets:
    """One row a view; views of the same head share their ``HeadParameters``."""
    rows = {id(p): _rows(p) for p in parameters}  # by identity: hashing a head costs more than its targets
    classes, numbers, persons = (np.stack(part) for part in zip(*(rows[id(p)] for p in parameters), strict=True))
    pose = np.stack([yaw_rad, pitch_rad], 1).astype(np.float32)
    return ReaderTargets(classes, np.concatenate([numbers, pose], 1), persons)


def _rows(p: HeadParameters) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truths = attributes_of(p)
    classes = [_class_of(values, truths[name]) for name, values in CATEGORIES.items()]
    numbers: list[float] = []
    for number in NUMBERS.values():
        value = np.ravel(getattr(p, number.parameter)).tolist()
        numbers += value if number.visible(p, truths) else [math.nan] * number.size
    return np.array(classes, np.int64), np.array(numbers, np.float32), person_vector(p)


def _class_of(values: tuple[str, ...], value: str) -> int:
    return values.index(value) if value in values else UNKNOWN


# Centre and spread of each parameter of a person in the sampler's population.
_PERSON_SCALE = {
    "shape": (0, 0.3),
    "sex": (0.5, 0.29),
    "age": (0.5, 0.29),
    "weight": (0.5, 0.2),
    "ancestry": (1 / 3, 0.28),
}


def person_vector(p: HeadParameters) -> np.ndarray:
    """[P] float32: what makes a person, without hair, beard, glasses, colours and expression."""
    parts = [(np.ravel(getattr(p, name)) - _PERSON_SCALE[name][0]) / _PERSON_SCALE[name][1] for name in PERSON]
    return np.concatenate(parts).astype(np.float32)


PERSON_SIZE = len(person_vector(HeadParameters()))


def mirrored_targets(classes: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The targets of the mirrored picture: the other yaw, the parting on the other side."""
    classes, numbers = classes.copy(), numbers.copy()
    parting = CATEGORIES["parting"]
    column = list(CATEGORIES).index("parting")
    left, right = parting.index("left"), parting.index("right")
    before = classes[:, column].copy()
    classes[before == left, column], classes[before == right, column] = right, left
    numbers[:, -len(POSE)] *= -1
    return classes, numbers
