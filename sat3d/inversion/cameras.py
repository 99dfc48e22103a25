"""Labels of cameras with a roll, and back to angles; angles over the frames of a video, smoothed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ..camera import CameraRig, look_angles, make_label, split_label
from ..errors import ShapeError

_REACH = 3  # standard deviations


def rolled_label(rig: CameraRig, angles: Tensor, roll_rad: float = 0.0) -> Tensor:
    """``angles [2]`` (yaw, pitch), radians -> ``[1, 25]``, differentiable; ``roll``: about the line of sight, positive
    where the head tilts counter-clockwise in the picture."""
    if not roll_rad:
        return rig.label(angles[0], angles[1])
    return rolled_labels(rig, angles[None], angles.detach().new_full((1,), roll_rad))


def rolled_labels(rig: CameraRig, angles: Tensor, roll_rad: Tensor) -> Tensor:
    """The same of V cameras: ``angles [V, 2]``, ``roll_rad [V]`` -> ``[V, 25]``."""
    pose, intrinsic = split_label(rig.label(angles[:, 0], angles[:, 1]))
    c, s = roll_rad.to(pose).cos(), roll_rad.to(pose).sin()
    turn = torch.eye(4, dtype=pose.dtype, device=pose.device).repeat(len(pose), 1, 1)
    turn[:, 0, 0], turn[:, 0, 1], turn[:, 1, 0], turn[:, 1, 1] = c, -s, s, c
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


def smooth(angles: Tensor, sigma_frames: float, cuts: Sequence[int] = ()) -> Tensor:
    """``angles [T, K]``, radians -> ``[T, K]``, averaged with a Gaussian of ``sigma_frames``; 0 leaves them alone.

    ``cuts``: frames that begin a new shot, across which nothing is averaged. At a shot's ends the angles go on point
    symmetrically, so that steady motion stays what it is.

    Raises:
        ShapeError: not such angles, NaN or infinite; a sigma below 0.
    """
    if angles.ndim != 2 or not torch.isfinite(angles).all() or not (math.isfinite(sigma_frames) and sigma_frames >= 0):
        raise ShapeError("These angles cannot be smoothed", (tuple(angles.shape), sigma_frames),
                         "[T, K] finite numbers, sigma from 0", "check frames and smoothing")  # fmt: skip
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(angles)}), len(angles)]
    parts = [_smooth_shot(angles[a:b], sigma_frames) for a, b in pairwise(edges)]
    return torch.cat(parts) if len(angles) else angles.clone()


def _smooth_shot(angles: Tensor, sigma: float) -> Tensor:
    reach = min(math.ceil(_REACH * sigma), len(angles) - 1)
    if reach < 1:
        return angles.clone()
    before = 2 * angles[:1] - angles[1 : reach + 1].flip(0)
    after = 2 * angles[-1:] - angles[-reach - 1 : -1].flip(0)
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float64) / sigma) ** 2)
    windows = torch.cat([before, angles, after]).double().unfold(0, 2 * reach + 1, 1)  # [T, K, taps]
    return (windows @ (taps / taps.sum())).to(angles)
