"""The camera of the host's 3D viewers (LOAD3D_CAMERA) as a direction to look at a head from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..sat3d.camera import look_angles, look_at_pose
from ..sat3d.errors import ShapeError

_NEAREST, _FARTHEST = 8.0, 0.125  # zoom
_AWAY = 2.7  # of a camera that is written
_FOCAL = [16, 20]  # places of the focal lengths in a camera label


@dataclass(frozen=True)
class View:
    """From where a head is seen, 0 from straight ahead, and how much nearer than usual."""

    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    zoom: float = 1.0

    def zoomed(self, cameras: Tensor) -> Tensor:
        """Camera labels ``[V, 25]`` whose pictures show the head larger by ``zoom``."""
        cameras = cameras.clone()
        cameras[:, _FOCAL] *= self.zoom
        return cameras


def read_view(camera: Mapping[str, Any] | None, front: View | None = None) -> View:
    """``front`` (None: straight ahead) where nothing is connected, or a viewer that has not been opened yet.

    The viewers' axes are those of an exported mesh: y up, the face looks to +z. How far they are away means nothing,
    since they scale every model to their stage.

    Raises:
        ShapeError: not a camera, or one that stands where it looks.
    """
    if not camera:
        return front or View()
    try:
        place, target = ([float(camera[end][axis]) for axis in "xyz"] for end in ("position", "target"))
        zoom = float(camera.get("zoom", 1.0))
        away = torch.tensor(place, dtype=torch.float64) - torch.tensor(target, dtype=torch.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise _no_camera(repr(error)) from error
    if not torch.isfinite(away).all() or away.norm() == 0 or not (math.isfinite(zoom) and zoom > 0):
        raise _no_camera(f"position {place}, target {target}, zoom {zoom:g}")
    yaw, pitch = look_angles(away)
    return View(float(yaw), float(pitch), min(max(zoom, _FARTHEST), _NEAREST))


def write_view(view: View) -> dict[str, Any]:
    """What a viewer gives that looks from there; :func:`read_view` reads the same view from it."""
    yaw, pitch = (torch.tensor([angle], dtype=torch.float64) for angle in (view.yaw_rad, view.pitch_rad))
    place = look_at_pose(yaw, pitch, _AWAY, (0.0, 0.0, 0.0))[0, :3, 3]
    return {
        "position": dict(zip("xyz", place.tolist(), strict=True)),
        "target": dict.fromkeys("xyz", 0.0),
        "zoom": view.zoom,
        "cameraType": "perspective",
    }


def _no_camera(got: str) -> ShapeError:
    return ShapeError("This is no camera of a 3D viewer", got, "position and target with x, y, z",
                      "connect camera_info of the host's 3D nodes")  # fmt: skip
