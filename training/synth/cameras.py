"""Where the cameras of a domain stand, and how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sat3d.camera import CameraRig

CAMERA_STREAM = 1


@dataclass(frozen=True)
class Pose:
    """Yaw to the right and pitch downward, radians, both 0 from the front."""

    yaw_rad: float
    pitch_rad: float


FRONT = Pose(0.0, 0.0)


@dataclass(frozen=True)
class Views:
    """The sphere that all cameras stand on, and from where to where they do, radians; ``front``: the one view that
    shows most, which codes and encoders begin with."""

    rig: CameraRig
    yaw_rad: tuple[float, float]
    pitch_rad: tuple[float, float]
    front: Pose = FRONT

    @property
    def all_round(self) -> bool:
        """Whether things are seen from behind."""
        return self.yaw_rad[1] - self.yaw_rad[0] > np.pi + 0.1

    def draw_wide(self, stream: np.random.Generator, views: int) -> tuple[Pose, ...]:
        """Uniform in yaw and pitch, each stratified; the one nearest to the front in yaw comes first."""
        yaw, pitch = ((stream.permutation(views) + stream.random(views)) / views * 2 - 1 for _ in range(2))
        yaw, pitch = _spread(yaw, self.yaw_rad), _spread(pitch, self.pitch_rad)
        front = int(np.argmin(np.abs(yaw - self.front.yaw_rad)))
        yaw[[0, front]] = yaw[[front, 0]]
        return make_poses(yaw, pitch)


def _spread(unit: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """-1..1 to low..high."""
    low, high = limits
    return (low + high) / 2 + unit * ((high - low) / 2)


def make_poses(yaw_rad: np.ndarray, pitch_rad: np.ndarray) -> tuple[Pose, ...]:
    return tuple(Pose(round(y, 6), round(p, 6)) for y, p in zip(yaw_rad.tolist(), pitch_rad.tolist(), strict=True))
