"""Labels of cameras that a photo may have been taken with, and back from a label to angles."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..camera import CameraRig, look_angles, make_label, split_label


def rolled_label(rig: CameraRig, angles: Tensor, roll_rad: float = 0.0) -> Tensor:
    """``angles [2]`` (yaw, pitch), radians -> ``[1, 25]``, differentiable; ``roll``: about the line of sight, positive
    where the head tilts counter-clockwise in the picture."""
    label = rig.label(angles[0], angles[1])
    if not roll_rad:
        return label
    pose, intrinsic = split_label(label)
    c, s = math.cos(roll_rad), math.sin(roll_rad)
    turn = pose.new_tensor([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    return make_label(pose @ turn, intrinsic)


def angles_of(pose: Tensor) -> tuple[float, float, float]:
    """``[4, 4]`` cam2world -> yaw, pitch, roll in radians; the inverse of :func:`rolled_label` on the rig's sphere.

    Where the camera looks past the pivot, yaw and pitch are those of its position.
    """
    yaw, pitch = map(float, look_angles(pose[:3, 3]))
    forward = pose[:3, 2]
    level = torch.linalg.cross(forward, torch.tensor([0.0, 1.0, 0.0], dtype=pose.dtype, device=pose.device))
    level = level / level.norm().clamp_min(1e-8)
    down = torch.linalg.cross(forward, level)
    right = pose[:3, 0]
    return yaw, pitch, math.atan2(float(right @ down), float(right @ level))
