"""Where the camera stands: evenly around the face, or mostly in front of it, as in photographs."""

from __future__ import annotations

import math

import numpy as np

from sat3d.camera import CameraRig
from training.synth.cameras import Pose, Views, make_poses

from .actions import ACTION_NAMES
from .parameters import HeadParameters

RIG = CameraRig(radius=2.7, pivot=(0.0, 0.0, 0.10))  # the sphere that all cameras stand on
YAW_LIMIT_RAD = math.radians(50.0)
PITCH_LIMIT_RAD = math.radians(25.0)
VIEWS = Views(RIG, (-YAW_LIMIT_RAD, YAW_LIMIT_RAD), (-PITCH_LIMIT_RAD, PITCH_LIMIT_RAD))
_PORTRAIT_YAW_RAD, _PORTRAIT_PITCH_RAD = math.radians(18.0), math.radians(7.0)  # standard deviations
_SMILING_SHARE = 0.6  # of these, for a broad smile: who smiles looks into the camera
_SMILES = [ACTION_NAMES.index(name) for name in ("smile_left", "smile_right")]


def draw_portrait_poses(stream: np.random.Generator, views: int, p: HeadParameters) -> tuple[Pose, ...]:
    """Normally spread about the front; the more a face smiles, the nearer to it."""
    smile = float(np.mean([p.actions[i] for i in _SMILES]))
    share = 1 - (1 - _SMILING_SHARE) * smile
    yaw = stream.standard_normal(views) * _PORTRAIT_YAW_RAD * share
    pitch = stream.standard_normal(views) * _PORTRAIT_PITCH_RAD
    return make_poses(yaw.clip(-YAW_LIMIT_RAD, YAW_LIMIT_RAD), pitch.clip(-PITCH_LIMIT_RAD, PITCH_LIMIT_RAD))
