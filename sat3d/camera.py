"""Cameras: the 25-number label, look-at poses, orbits, field of view.

A label is cam2world (4×4, row-major, OpenCV axes: x right, y down, z forward) then the 3×3 intrinsics of a
unit image. World axes: x to the right of the frontal picture, y up, z from the head towards the frontal camera.
Yaw is positive when the camera moves towards +x, pitch when it moves down. Both are radians, both 0 from the front.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import ShapeError

LABEL_SIZE = 25
FFHQ_FOCAL = 4.2647
_POLE_MARGIN_RAD = 1e-5


@dataclass(frozen=True)
class CameraRig:
    """The sphere a domain's cameras sit on: radius and look-at point in world units, focal length of a unit image.

    ``front``: yaw and pitch in radians of the one view that shows most: 0, 0 of faces, aslant from above of cars.
    """

    radius: float = 2.7
    pivot: tuple[float, float, float] = (0.0, 0.0, 0.2)
    focal: float = FFHQ_FOCAL
    front: tuple[float, float] = (0.0, 0.0)

    def label(
        self,
        yaw_rad: float | Tensor | None = None,
        pitch_rad: float | Tensor | None = None,
        fov_deg: float | None = None,
    ) -> Tensor:
        """``[V, 25]`` labels for V poses (scalars give V = 1); an angle of None is that of the front.

        The camera sits on the sphere about the origin and looks at the pivot.
        """
        given = (own if angle is None else angle for angle, own in zip((yaw_rad, pitch_rad), self.front, strict=True))
        yaw, pitch = torch.broadcast_tensors(*map(_as_vector, given))
        pose = look_at_pose(yaw, pitch, self.radius, self.pivot)
        focal = self.focal if fov_deg is None else focal_from_fov(fov_deg)
        return make_label(pose, intrinsics(focal))


def _as_vector(value: float | Tensor) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float32).reshape(-1)


def look_at_pose(yaw_rad: Tensor, pitch_rad: Tensor, radius: float, pivot: Sequence[float]) -> Tensor:
    """``[V, 4, 4]`` cam2world of cameras on a sphere about the origin that look at ``pivot``, without roll.

    Angles ``[V]``. Near the poles the pitch is clamped, where the up direction would vanish.

    The polar angle goes through v -> arccos(1 − 2v/π) as in the official look-at sampler, so that equal steps
    of pitch are equal areas of the sphere. (Equal to v at 0, π/2 and π only.)
    """
    azimuth = math.pi / 2 + yaw_rad
    v = (math.pi / 2 + pitch_rad).clamp(_POLE_MARGIN_RAD, math.pi - _POLE_MARGIN_RAD)
    polar = torch.arccos(1 - 2 * v / math.pi)
    position = radius * torch.stack(
        [polar.sin() * torch.cos(math.pi - azimuth), polar.cos(), polar.sin() * torch.sin(math.pi - azimuth)], -1
    )
    return pose_from_position(position, torch.as_tensor(pivot, dtype=position.dtype, device=position.device))


def look_angles(position: Tensor) -> tuple[Tensor, Tensor]:
    """Yaw and pitch, radians, of positions ``[…, 3]`` on a sphere about the origin: :func:`look_at_pose` backwards."""
    x, y, z = torch.nn.functional.normalize(position, dim=-1).unbind(-1)
    return math.pi / 2 - torch.atan2(z, x), -math.pi / 2 * y


def pose_from_position(position: Tensor, target: Tensor) -> Tensor:
    """``[V, 4, 4]`` cam2world from positions ``[V, 3]`` that look at ``target [3]`` or ``[V, 3]``; world up is +y."""
    forward = torch.nn.functional.normalize(target - position, dim=-1)
    up = torch.tensor([0.0, 1.0, 0.0], dtype=position.dtype, device=position.device).expand_as(forward)
    right = -torch.nn.functional.normalize(torch.linalg.cross(up, forward), dim=-1)
    down = torch.linalg.cross(forward, right)
    pose = torch.eye(4, dtype=position.dtype, device=position.device).repeat(position.shape[0], 1, 1)
    pose[:, :3, 0], pose[:, :3, 1], pose[:, :3, 2], pose[:, :3, 3] = right, down, forward, position
    return pose


def intrinsics(focal: float, center: tuple[float, float] = (0.5, 0.5)) -> Tensor:
    """``[3, 3]`` intrinsics of a unit image."""
    return torch.tensor([[focal, 0.0, center[0]], [0.0, focal, center[1]], [0.0, 0.0, 1.0]])


def focal_from_fov(fov_deg: float) -> float:
    """Focal length of a unit image, by the official formula: 1.414 relates the given angle to the picture's diagonal.

    18.837° gives the 4.2647 of FFHQ; the constants are rounded as in the published code.
    """
    if not 0 < fov_deg < 180:
        raise ShapeError(
            "Field of view out of range", fov_deg, "more than 0 and less than 180 degrees", "use about 12–30"
        )
    return 1 / (math.tan(fov_deg * 3.14159 / 360) * 1.414)


def make_label(cam2world: Tensor, intrinsic: Tensor) -> Tensor:
    """``[V, 4, 4]`` and ``[3, 3]`` (or ``[V, 3, 3]``) -> ``[V, 25]``."""
    flat = intrinsic.to(cam2world).expand(cam2world.shape[0], 3, 3).reshape(-1, 9)
    return torch.cat([cam2world.reshape(-1, 16), flat], 1)


def split_label(camera: Tensor) -> tuple[Tensor, Tensor]:
    """``[V, 25] -> cam2world [V, 4, 4], intrinsics [V, 3, 3]``.

    Raises:
        ShapeError: another shape, NaN or infinity, or a focal length of zero.
    """
    check_label(camera)
    return camera[:, :16].reshape(-1, 4, 4), camera[:, 16:25].reshape(-1, 3, 3)


def check_label(camera: Tensor) -> None:
    if camera.ndim != 2 or camera.shape[1] != LABEL_SIZE:
        raise ShapeError(
            "Not a camera label",
            tuple(camera.shape),
            f"[V, {LABEL_SIZE}]",
            "build it with CameraRig.label or make_label",
        )
    if not torch.isfinite(camera).all():
        raise ShapeError(
            "The camera holds NaN or infinite numbers",
            camera.flatten()[~torch.isfinite(camera.flatten())][:4].tolist(),
            "25 finite numbers",
            "check yaw, pitch and field of view",
        )
    if (camera[:, [16, 20]] == 0).any():
        raise ShapeError(
            "The camera has a focal length of zero",
            0,
            "a focal length such as 4.2647",
            "check the last nine numbers of the label",
        )


def orbit(
    num_frames: int, yaw_rad: float = 0.45, pitch_rad: float = 0.12, kind: str = "orbit"
) -> tuple[Tensor, Tensor]:
    """Yaw and pitch ``[num_frames]`` of a closed camera path that repeats without a seam.

    ``orbit``: an ellipse about the front; ``swing``: left and right; ``nod``: down and up; ``turn``: once all
    the way round; ``spiral``: the ellipse grows and shrinks again; ``still``: one pose held.
    """
    if num_frames < 1:
        raise ShapeError("An orbit needs frames", num_frames, "1 or more", "raise the number of frames")
    t = torch.arange(num_frames) * (2 * math.pi / num_frames)
    zero = torch.zeros_like(t)
    paths = {
        "orbit": lambda: (yaw_rad * t.sin(), pitch_rad * t.cos()),
        "swing": lambda: (yaw_rad * t.sin(), zero + pitch_rad),
        "nod": lambda: (zero + yaw_rad, pitch_rad * t.sin()),
        "turn": lambda: (t, zero + pitch_rad),
        "spiral": lambda: (yaw_rad * (t / 2).sin() * (2 * t).sin(), pitch_rad * (t / 2).sin() * (2 * t).cos()),
        "still": lambda: (zero + yaw_rad, zero + pitch_rad),
    }
    if kind not in paths:
        raise ShapeError("Unknown camera path", kind, sorted(paths), "choose one of these")
    return paths[kind]()
