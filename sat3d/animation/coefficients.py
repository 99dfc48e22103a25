"""Motions of other programs: arrays such as FLAME's coefficients, made into named movements by a user's map file.

The map is JSON. Each movement, and each angle, is a sum of terms: a column of an array of the file times a number::

    {"schema": "sat3d-motion-map/1", "fps": 25,
     "channels": {"jawOpen": {"terms": {"jaw_pose[0]": 2.5}},
                  "mouthSmileLeft": {"bias": -0.1, "terms": {"expression[0]": 0.2, "expression[3]": -0.1}}},
     "angles": {"yaw_rad": {"terms": {"global_pose[1]": -1}}}}

Angles: ``yaw_rad``, ``pitch_rad``, ``roll_rad`` of the camera about the head, ``gaze_yaw_rad``, ``gaze_pitch_rad``.
What is not named is 0. Whose coefficients mean what is a matter of their model, which is why nothing is assumed here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import FileError, Sat3dError
from ..files.reading import read_bytes
from .motion import MOST_CHANNELS, Motion
from .motion_files import MOST_BYTES, numbers, read_arrays, read_object, refusal

MAP_SCHEMA = "sat3d-motion-map/1"
ANGLES = ("gaze_yaw_rad", "gaze_pitch_rad", "yaw_rad", "pitch_rad", "roll_rad")
_WANTED = "coefficients of a face over time, as .npz or .json arrays"
_MOST_MAP_BYTES = 1 << 22
_TERM = re.compile(r"([^\[\]]{1,64})\[(\d{1,6})\]")
_LARGEST = 1e6
Rule = tuple[float, dict[tuple[str, int], float]]  # a bias, and the weights of columns of arrays


def load_coefficients(path: str | os.PathLike, map_path: str | os.PathLike) -> Motion:
    """The motion that a map makes of another program's arrays ``[T, C]`` (or ``[T, A, B]``, counted row by row).

    Raises:
        FileError: a file that is missing, damaged or of another kind; a column that it does not have.
    """
    path, map_path = Path(path), Path(map_path)
    rules = _rules_of(read_object(read_bytes(map_path, "a map of coefficients", _MOST_MAP_BYTES), map_path.name),
                      map_path.name)  # fmt: skip
    data = read_bytes(path, _WANTED, MOST_BYTES)
    arrays = _Arrays(read_arrays(data, path.name) if data[:2] == b"PK" else read_object(data, path.name), path.name)
    channels = {name: arrays.sum(rule) for name, rule in rules.channels.items()}
    frames = max((len(column) for column in channels.values()), default=1)
    angles = {name: arrays.sum(rule) for name, rule in rules.angles.items()}
    gaze_yaw, gaze_pitch, *pose = (angles.get(name, torch.zeros(1)).expand(frames) for name in ANGLES)
    values = torch.stack([column.expand(frames) for column in channels.values()], 1)
    try:
        return Motion(tuple(channels), values, torch.stack([gaze_yaw, gaze_pitch], 1), torch.stack(pose, 1),
                      rules.fps, name=path.stem)  # fmt: skip
    except Sat3dError as error:
        raise refusal(path.name, error) from error


class _Arrays:
    """The columns of a file, each array read once."""

    def __init__(self, contents: Mapping[str, Any], name: str):
        self.contents, self.name = contents, name
        self.read: dict[str, Tensor] = {}
        self.frames = 0

    def sum(self, rule: Rule) -> Tensor:
        """``[T]``, or ``[1]`` of a rule without terms."""
        bias, terms = rule
        total = torch.full((1,), bias)
        for (array, column), weight in terms.items():
            total = total + weight * self.column(array, column)
        return total

    def column(self, array: str, column: int) -> Tensor:
        if array not in self.read:
            if array not in self.contents:
                known = ", ".join(list(self.contents)[:8])
                raise _no_column(self.name, f"no array {array!r}, but {known}")
            self.read[array] = numbers(self.contents[array], self.name, array)
        found = self.read[array]
        self.frames = self.frames or len(found)
        if column >= found.shape[1] or len(found) != self.frames:
            raise _no_column(self.name, f"{array} is {list(found.shape)}, of {self.frames} frames")
        return found[:, column]


def _no_column(name: str, got: str) -> FileError:
    return FileError("The file has no such coefficients", f"{name}: {got}", "the arrays and columns that the map names",
                     "choose another file, or correct the map")  # fmt: skip


@dataclass(frozen=True)
class _Rules:
    """A map: the rules of its channels and angles, each a bias and the weights of columns."""

    fps: float
    channels: dict[str, Rule]
    angles: dict[str, Rule]


def _rules_of(contents: Mapping[str, Any], name: str) -> _Rules:
    channels, angles, fps = contents.get("channels"), contents.get("angles", {}), contents.get("fps")
    if contents.get("schema") != MAP_SCHEMA or not isinstance(channels, dict) or not isinstance(angles, dict):
        raise _no_map(name, "the schema, the channels or the angles")
    if not 0 < len(channels) <= MOST_CHANNELS or not set(angles) <= set(ANGLES):
        raise _no_map(name, f"{len(channels)} channels, angles {', '.join(angles)}")
    rules = ({key: _rule_of(rule, name) for key, rule in part.items()} for part in (channels, angles))
    return _Rules(_number(fps, name), *rules)


def _rule_of(rule: object, name: str) -> Rule:
    if not isinstance(rule, dict) or not isinstance(rule.get("terms", {}), dict):
        raise _no_map(name, rule)
    terms: dict[tuple[str, int], float] = {}
    for text, weight in rule.get("terms", {}).items():
        found = _TERM.fullmatch(text)
        if found is None:
            raise _no_map(name, text)
        terms[found[1], int(found[2])] = _number(weight, name)
    return _number(rule.get("bias", 0.0), name), terms


def _number(value: object, name: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= _LARGEST:
        raise _no_map(name, value)
    return float(value)


def _no_map(name: str, got: object) -> FileError:
    return FileError("The map of coefficients is not usable", f"{name}: {got}",
                     f"JSON of schema {MAP_SCHEMA}: fps, channels and angles, each with bias and terms such as "
                     '"expression[0]": 0.2', "correct the map")  # fmt: skip
