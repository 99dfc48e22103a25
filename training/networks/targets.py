"""What the attribute reader learns of a head: named values, numbers and the person, with hidden things left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sat3d.animation.channels import ACTION_PREFIX
from sat3d.networks.reader_config import TWO_LOOKS, ZOOM, ReaderConfig
from training.synth.looks import BACKDROPS
from training.synth.truths import HIDDEN, OTHER
from training.synthheads.actions import ACTION_NAMES
from training.synthheads.attributes import SHAPE_NAMES
from training.synthheads.labels import ATTRIBUTE_VALUES, attributes_of
from training.synthheads.parameters import HeadParameters
from training.synthheads.visibility import visible_parameters

UNKNOWN = -1  # the class of what is hidden or between two names
_READ_AS_NUMBERS = (
    "age", "shape", "skin_tone", "freckles", "hair_volume", "brows", "brow_pose", "lids",
    "beard_length", "frame_thickness", "glasses_size", "lenses",
)  # fmt: skip
CATEGORIES: dict[str, tuple[str, ...]] = {
    name: tuple(value for value in values if value not in (OTHER, HIDDEN))
    for name, values in ATTRIBUTE_VALUES.items()
    if name not in _READ_AS_NUMBERS
}
# What is a pixel or two in a picture, or rare in faces, is found late or never while all else is learned beside it,
# unless it counts for more than its share.
_ACTION_WEIGHT = 2.0
_HARD_TO_FIND = {
    "gaze_yaw": 14.0, "gaze_pitch": 24.0, "mouth_left": 16.0, "mouth_right": 16.0, "cheeks_puffed": 10.0,
    "lips_pressed": 8.0, "pucker": 6.0, "funnel": 6.0, "mouth_stretched": 6.0, "chin_up": 6.0, "nose_wrinkled": 6.0,
}  # fmt: skip


@dataclass(frozen=True)
class Number:
    """A continuous attribute: the parameter's name, how many numbers it has, what it counts in training.

    ``action``: whose strength it is, if the parameter is that of all actions. ``backdrops``: those that it can be read
    from. Beyond that, it can be seen where :func:`visible_parameters` says so.
    """

    parameter: str
    size: int = 1
    weight: float = 1.0
    action: str | None = None
    backdrops: tuple[str, ...] = BACKDROPS

    def values(self, p: HeadParameters, visible: frozenset[str]) -> list[float]:
        """NaN where it cannot be seen."""
        if (self.action or self.parameter) not in visible or p.backdrop not in self.backdrops:
            return [math.nan] * self.size
        value = getattr(p, self.parameter)
        return np.ravel(value if self.action is None else value[ACTION_NAMES.index(self.action)]).tolist()


# A gradient goes either way round, so its two colours cannot be told apart.
_ONE_WAY = tuple(name for name in BACKDROPS if name != "gradient")

NUMBERS: dict[str, Number] = {
    **{name: Number(name) for name in ("age", "sex", "weight", "skin_tone", "skin_warmth", "skin_redness", "freckles")},
    **{name: Number(name) for name in ("hair_volume", "hair_length")},
    "parting_place": Number("parting"),
    **{name: Number(name) for name in ("lid_openness", "brow_thickness", "brow_arch")},
    **{
        f"{ACTION_PREFIX}{name}": Number("actions", 1, _HARD_TO_FIND.get(name, _ACTION_WEIGHT), name)
        for name in ACTION_NAMES
    },
    **{name: Number(name, weight=_HARD_TO_FIND[name]) for name in ("gaze_yaw", "gaze_pitch")},
    **{name: Number(name) for name in ("beard_length", "frame_thickness", "glasses_size")},
    "lens_darkness": Number("lens_darkness", weight=0.5),
    "lipstick_amount": Number("lipstick"),
    "eye_shadow_amount": Number("eye_shadow"),
    "hair_rgb": Number("hair_colour", 3),
    "iris_rgb": Number("iris_colour", 3, 4.0),
    "beard_rgb": Number("beard_colour", 3),
    "frame_rgb": Number("frame_colour", 3),
    "lipstick_rgb": Number("lipstick_colour", 3),
    "cloth_rgb": Number("cloth_colour", 3),
    "background_rgb": Number("background", 3, backdrops=_ONE_WAY),
    "background_second_rgb": Number("background_second", 3, backdrops=_ONE_WAY),
    "horizon_height": Number("backdrop_variant", 1, 0.5, backdrops=("horizon",)),
    **{name: Number(name) for name in ("light_yaw_deg", "light_pitch_deg", "light_strength", "light_fill")},
    "light_warmth_amount": Number("light_warmth"),
    "ancestry": Number("ancestry", 3),
    "shape": Number("shape", len(SHAPE_NAMES), 3.0),
}
POSE = ("yaw_rad", "pitch_rad")
NUMBER_SIZES: dict[str, int] = {**{name: number.size for name, number in NUMBERS.items()}, **dict.fromkeys(POSE, 1)}
NUMBER_WEIGHTS = {**{name: number.weight for name, number in NUMBERS.items()}, "yaw_rad": 2.0, "pitch_rad": 1.0}
ACTIONS = tuple(name for name in NUMBERS if name.startswith(ACTION_PREFIX))
PERSON = ("shape", "sex", "age", "weight", "ancestry")


# The reader that ships, and another of which it knows nothing, which only judges.
_SIZES: dict[str, dict[str, object]] = {
    "first": {
        "architecture": ZOOM, "input_px": 128, "source_px": 256, "face_zoom": 1.2, "hidden": 192,
        "close_levels": 3, "close_width": 64, "close_depth": 1, "close_squeezed": 12, "told": 256,
    },
    "second": {
        "architecture": TWO_LOOKS, "input_px": 128, "source_px": 256, "widths": (16, 32, 64, 128),
        "depths": (0, 1, 1, 0), "attention_blocks": 3, "squeezed": 16, "hidden": 192,
    },
}  # fmt: skip
READERS = tuple(_SIZES)


def reader_config(reader: str = "first") -> ReaderConfig:
    """What a reader says, the same for all, and the sizes of one of ``READERS``."""
    return ReaderConfig(tuple(CATEGORIES.items()), tuple(NUMBER_SIZES.items()), **_SIZES[reader])


def shared_categories(config: ReaderConfig) -> dict[str, tuple[str, ...]]:
    """The categories that a reader knows as they are now; an older one lacks some."""
    return {name: values for name, values in config.categories if CATEGORIES.get(name) == values}


def number_columns(sizes: Mapping[str, int] = NUMBER_SIZES) -> dict[str, slice]:
    """Name of a number -> its columns among all numbers."""
    ends = np.cumsum(list(sizes.values())).tolist()
    return {name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)}


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
    truths, visible = attributes_of(p), visible_parameters(p)
    classes = [_class_of(values, truths[name]) for name, values in CATEGORIES.items()]
    numbers: list[float] = []
    for number in NUMBERS.values():
        numbers += number.values(p, visible)
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
