"""The camera of a photo from points of the face, the 478 that are found or five: perspective-n-point by least squares.

The five standard points stand in the generator's world as 0.27 · p + (0, 0.006, 0.161); the camera has the generator's
focal length, and its distance is set to that of the generator's sphere in the end. By five points the pitch hangs on
where exactly the nose ends: of real people, whose proportions differ, they say less than what cameras are likely
(``spread``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..camera import CameraRig, intrinsics, make_label
from ..errors import ShapeError
from ..faces.networks import face_networks_on
from ..faces.pose import full_pose
from .align import STANDARD_POINTS
from .cameras import angles_of
from .face_points import check_landmarks
from .frames import PUBLISHED, Frame
from .parameters import Start

_SCALE, _OFFSET = 0.27, (0.0, 0.006, 0.161)
_FRONTAL = np.diag([1.0, -1.0, -1.0])  # world to camera, whose y points down and whose z points away
_LIKELY_RAD = (0.2, 0.6, 0.2)  # spread of pitch, yaw and roll of portraits
REAL_PEOPLE = 0.015  # spread of real people's points, in sides of the picture
_LARGEST_RESIDUAL = 0.1  # of the picture's side: beyond, these are not points of a face


@dataclass(frozen=True)
class PhotoPose:
    """``label [1, 25]``: the camera with its roll; angles in radians; ``residual``: rms error, in sides."""

    label: Tensor
    yaw_rad: float
    pitch_rad: float
    roll_rad: float
    residual: float

    @property
    def start(self) -> Start:
        """To begin an inversion with."""
        return Start(None, self.yaw_rad, self.pitch_rad, self.roll_rad)


def world_points() -> Tensor:
    """``[5, 3]``: the standard face in the world of generators trained on FFHQ-EG3D crops, double precision."""
    return _SCALE * torch.tensor(STANDARD_POINTS, dtype=torch.float64) + torch.tensor(_OFFSET, dtype=torch.float64)


def camera_of_face(points: Tensor, size: float, frame: Frame = PUBLISHED) -> PhotoPose:
    """``points [478, 3]`` of a face (:class:`sat3d.faces.finding.Face`) in pixels of a crop of ``size`` a side, as
    ``frame``'s pictures show heads -> the camera.

    Raises:
        ShapeError: points that no view of a face has.
    """
    rotation, origin, residual = full_pose(points.double() / size, face_networks_on("cpu").canonical, frame.rig.focal)
    _check_residual(residual)
    face_to_camera = torch.eye(4, dtype=torch.float64)
    face_to_camera[:3, :3], face_to_camera[:3, 3] = rotation, origin
    pose = frame.to_world() @ torch.linalg.inv(face_to_camera)
    pose[:3, :3] /= frame.scale  # a rotation again: lengths of the camera's axes were in centimetres
    return _photo_pose(pose, frame.rig, residual)


def camera_of(
    landmarks: Tensor,
    size: float,
    rig: CameraRig | None = None,
    world: Tensor | None = None,
    spread: float = 0.0,
) -> PhotoPose:
    """``landmarks [5, 2]`` in pixels of a crop of ``size`` a side -> the camera.

    ``world [5, 3]``: where the same points are on the generator's faces (None: see :func:`world_points`). ``spread``:
    how far the points of this person may be from those, in sides of the picture; 0: trust the points alone, as suits
    known geometry; ``REAL_PEOPLE`` for photos, which draws the camera to the front.

    Raises:
        ShapeError: not five points of a face, or points that no view of a face has.
    """
    check_landmarks(landmarks)
    rig = rig or CameraRig()
    wanted = landmarks.double().cpu() / size
    world = world_points() if world is None else world.double()
    pose, residual = solve_pnp(wanted, world, rig.focal, rig.radius, spread)
    _check_residual(residual)
    return _photo_pose(pose, rig, residual)


def _check_residual(residual: float) -> None:
    if residual > _LARGEST_RESIDUAL:
        raise ShapeError("These points are not those of a face", f"off by {residual:.0%} of the picture",
                         f"at most {_LARGEST_RESIDUAL:.0%}", "check the points")  # fmt: skip


def _photo_pose(pose: Tensor, rig: CameraRig, residual: float) -> PhotoPose:
    """cam2world ``[4, 4]`` -> the camera in that direction on the generator's sphere."""
    pose = pose.clone()
    pose[:3, 3] *= rig.radius / pose[:3, 3].norm()
    pose = pose.float()
    return PhotoPose(make_label(pose[None], intrinsics(rig.focal)), *angles_of(pose), residual)


def solve_pnp(
    wanted: Tensor, world: Tensor, focal: float, distance: float, spread: float = 0.0
) -> tuple[Tensor, float]:
    """Points ``[N, 2]`` of a unit image and where they are ``[N, 3]`` -> cam2world ``[4, 4]``, rms residual.

    Least squares over a rotation vector and a shift, from the frontal camera at ``distance``. ``spread`` > 0: the
    likeliest camera, where points are off by that much and rotations by ``_LIKELY_RAD``.
    """
    from scipy.optimize import least_squares  # takes a while to import
    from scipy.spatial.transform import Rotation

    points, places = wanted.numpy(), world.numpy()
    unlikely = spread / np.array(_LIKELY_RAD)

    def turn(x: np.ndarray) -> np.ndarray:
        return Rotation.from_rotvec(x[:3]).as_matrix() @ _FRONTAL

    def error(x: np.ndarray) -> np.ndarray:
        seen = places @ turn(x).T + x[3:]
        projected = focal * seen[:, :2] / np.maximum(seen[:, 2:], 1e-3) + 0.5
        return np.concatenate([(projected - points).ravel(), x[:3] * unlikely])

    start = np.array([0, 0, 0, 0, 0, distance])
    found = least_squares(error, start, jac="3-point", x_scale="jac", ftol=1e-15, xtol=1e-12, gtol=1e-15)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn(found.x).T, -turn(found.x).T @ found.x[3:]
    return torch.from_numpy(pose), float(np.sqrt(np.square(found.fun[: points.size]).mean()))
