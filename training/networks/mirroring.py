"""What a mirrored picture shows: whatever has a side has the other one."""

from __future__ import annotations

import numpy as np

from .targets import CATEGORIES, NUMBER_SIZES, UNKNOWN, number_columns

_NEGATED = ("yaw_rad", "gaze_yaw", "light_yaw_deg", "parting_place")  # what a mirrored picture shows the other way
_OTHER_SIDE = {"left": "right", "right": "left"}


def mirrored_targets(classes: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``classes [N, categories]`` and ``numbers [N, numbers]`` of pictures -> those of the mirrored pictures."""
    mirrored = [_MIRRORED_VALUES[name][classes[:, column]] for column, name in enumerate(CATEGORIES)]
    return np.stack(mirrored, 1), numbers[:, _MIRRORED_COLUMNS] * _MIRRORED_SIGNS


def _other_side(name: str) -> str:
    stem, _, side = name.rpartition("_")
    return f"{stem}_{_OTHER_SIDE[side]}" if side in _OTHER_SIDE else name


def _mirrored_values(values: tuple[str, ...]) -> np.ndarray:
    """[values + 1]: class -> class of the mirrored picture; the last is that of UNKNOWN, which is -1."""
    return np.array([*(values.index(_OTHER_SIDE.get(value, value)) for value in values), UNKNOWN])


_MIRRORED_VALUES = {name: _mirrored_values(values) for name, values in CATEGORIES.items()}
_COLUMNS = number_columns()
_MIRRORED_COLUMNS = np.concatenate([np.r_[_COLUMNS[_other_side(name)]] for name in _COLUMNS])
_MIRRORED_SIGNS = np.concatenate(
    [np.full(size, -1 if name in _NEGATED else 1, np.float32) for name, size in NUMBER_SIZES.items()]
)
