"""Where the camera stands: evenly around the face, or mostly in front of it, as in photographs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sat3d.camera import CameraRig

from .actions import ACTION_NAMES
from .parameters import HeadParameters

RIG = CameraRig(radius=2.7, pivot=(0.0, 0.0, 0.10))  # the sphere that all cameras stand on
YAW_LIMIT_RAD = math.radians(50.0)
PITCH_LIMIT_RAD = math.radians(25.0)
CAMERA_STREAM = 1
_PORTRAIT_YAW_RAD, _PORTRAIT_PITCH_RAD = math.radians(18.0), math.radians(7.0)  # standard deviations
_SMILING_SHARE = 0.6  # of these, for a broad smile: who smiles looks into the camera
_SMILES = [ACTION_NAMES.index(name) for name in ("smile_left", "smile_right")]


@dataclass(frozen=True)
class Pose:
    """Yaw to the right and pitch downward, radians, both 0 from the front."""

    yaw_rad: float
    pitch_rad: float


def draw_wide_poses(stream: np.random.Generator, views: int) -> tuple[Pose, ...]:
    """Yaw ±50° and pitch ±25°, uniform, each stratified; the most frontal comes first."""
    yaw, pitch = ((stream.permutation(views) + stream.random(views)) / views * 2 - 1 for _ in range(2))
    front = int(np.argmin(np.abs(yaw)))
    yaw[[0, front]] = yaw[[front, 0]]
    return _poses(yaw * YAW_LIMIT_RAD, pitch * PITCH_LIMIT_RAD)


def draw_portrait_poses(stream: np.random.Generator, views: int, p: HeadParameters) -> tuple[Pose, ...]:
    """Normally spread about the front; the more a face smiles, the nearer to it."""
    smile = float(np.mean([p.actions[i] for i in _SMILES]))
    share = 1 - (1 - _SMILING_SHARE) * smile
    yaw = stream.standard_normal(views) * _PORTRAIT_YAW_RAD * share
    pitch = stream.standard_normal(views) * _PORTRAIT_PITCH_RAD
    return _poses(yaw.clip(-YAW_LIMIT_RAD, YAW_LIMIT_RAD), pitch.clip(-PITCH_LIMIT_RAD, PITCH_LIMIT_RAD))


def _poses(yaw_rad: np.ndarray, pitch_rad: np.ndarray) -> tuple[Pose, ...]:
    return tuple(Pose(round(y, 6), round(p, 6)) for y, p in zip(yaw_rad.tolist(), pitch_rad.tolist(), strict=True))
