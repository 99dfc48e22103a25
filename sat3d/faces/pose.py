"""How a head is turned, from its 478 points: the canonical face laid onto them, from weak to full perspective.

The lower lip and the chin move with speech and are left out. The network's depth, which belongs to a distant camera, is
used beside x and y: without it noses and foreheads of other proportions tip the head.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

_LOWEST_CM = -3.2  # y of the canonical face: what is above moves little with speech
_DEPTH = 1.15  # the network makes faces too flat: measured on renderings with known cameras


@dataclass(frozen=True)
class WeakPose:
    """points = scale · (face @ rotation.T) + shift: ``rotation [3, 3]`` from the face's axes to those of the picture
    (x right, y down, z away), ``scale`` in pixels per centimetre, ``shift [3]`` in pixels."""

    rotation: Tensor
    scale: float
    shift: Tensor

    def seen(self, face: Tensor) -> Tensor:
        """``[N, 3]`` in centimetres of the canonical face -> pixels ``[N, 2]``."""
        return (self.scale * face.double() @ self.rotation.T + self.shift)[:, :2]

    def upright(self, points: Tensor) -> Tensor:
        """The way back, of points ``[N, 3]`` as the landmark network tells them -> ``[N, 3]`` centimetres: turn, place
        and size taken out."""
        deep = points.double() * points.new_tensor([1, 1, _DEPTH]).double()
        return (deep - self.shift) / self.scale @ self.rotation


def weak_pose(points: Tensor, canonical: Tensor) -> WeakPose:
    """``points [478, 3]`` and ``canonical [468, 3]`` -> the similarity between them by least squares, in closed form
    (Umeyama 1991)."""
    face, seen = _rigid(points, canonical)
    face_middle, seen_middle = face.mean(0), seen.mean(0)
    face, seen = face - face_middle, seen - seen_middle
    left, size, right = torch.linalg.svd(seen.T @ face)
    mirror = torch.ones(3, dtype=torch.float64)
    mirror[2] = torch.sign(torch.det(left @ right))
    rotation = left * mirror @ right
    scale = float((size * mirror).sum() / face.square().sum())
    return WeakPose(rotation, scale, seen_middle - scale * rotation @ face_middle)


def full_pose(points: Tensor, canonical: Tensor, focal: float) -> tuple[Tensor, Tensor, float]:
    """``points [478, 3]`` in sides of the picture, seen by a camera of this focal length -> ``rotation [3, 3]`` from
    the face's axes to the camera's, where the face's origin is ``[3]`` in centimetres, and the rms error in sides.

    Perspective-n-point by least squares, from the weak perspective on.
    """
    from scipy.optimize import least_squares  # takes a while to import
    from scipy.spatial.transform import Rotation

    face, seen = (part.numpy() for part in _rigid(points, canonical))
    start = weak_pose(points, canonical)
    turn = start.rotation.numpy()
    away = focal / start.scale
    middle = (start.shift[:2].numpy() - 0.5) / start.scale
    depth = seen[:, 2] - seen[:, 2].mean()

    def error(x: np.ndarray) -> np.ndarray:
        turned = face @ (Rotation.from_rotvec(x[:3]).as_matrix() @ turn).T
        placed = turned + x[3:]
        across = focal * placed[:, :2] / placed[:, 2:] + 0.5 - seen[:, :2]
        along = focal / x[5] * (turned[:, 2] - turned[:, 2].mean()) - depth
        return np.concatenate([across.ravel(), along])

    found = least_squares(error, np.array([0, 0, 0, *middle, away]), method="lm", x_scale=[1, 1, 1, away, away, away])
    rotation = Rotation.from_rotvec(found.x[:3]).as_matrix() @ turn
    residual = float(np.sqrt(np.square(found.fun[: 2 * len(face)]).mean()))
    return torch.from_numpy(rotation), torch.from_numpy(found.x[3:].copy()), residual


def _rigid(points: Tensor, canonical: Tensor) -> tuple[Tensor, Tensor]:
    """What keeps its shape, of the canonical face and of the points, in double precision; depth as faces have it."""
    kept = canonical[:, 1] > _LOWEST_CM
    seen = points[: len(canonical)][kept].double().cpu()
    return canonical[kept].double().cpu(), seen * seen.new_tensor([1, 1, _DEPTH])
