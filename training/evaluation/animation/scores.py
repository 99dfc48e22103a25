"""What judges see in animated heads: expression, pose, person, steadiness; all by networks that animate nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from sat3d.animation.channels import ACTION_PREFIX
from sat3d.camera import split_label
from sat3d.errors import ShapeError
from sat3d.faces.finding import find_faces
from sat3d.generators import Rendering
from sat3d.generators.rays import camera_rays
from sat3d.inversion.frames import BUILT_IN
from sat3d.inversion.pose import camera_of_face
from sat3d.networks.loading import resize
from sat3d.networks.reader import AttributeReader

_LOOKED_AT_PX = 256
_SAME_DEPTH = 0.02  # world units
_SOLID = 0.5


@dataclass(frozen=True)
class Seen:
    """Of T pictures, NaN where no face was found: ``blendshapes [T, 51]``, ``pose_rad [T, 3]``; ``people [T, D]``: the
    reader's vectors of who it is; ``actions [T, A]``: what the reader says they do, A = 0 of one that does not know."""

    blendshapes: Tensor
    pose_rad: Tensor
    people: Tensor
    actions: Tensor


@torch.no_grad()
def look(pictures: Sequence[Tensor], reader: AttributeReader) -> Seen:
    """``[1, 3, H, W]`` each, in -1..1."""
    faces = [_face_in(picture) for picture in pictures]
    read = [reader(picture.clamp(-1, 1)) for picture in pictures]
    names = [name for name, _ in reader.config.numbers if name.startswith(ACTION_PREFIX)]
    actions = [torch.cat([each.numbers[name][0] for name in names]) if names else torch.zeros(0) for each in read]
    return Seen(
        torch.stack([face[0] for face in faces]),
        torch.stack([face[1] for face in faces]),
        torch.cat([each.identity for each in read]),
        torch.stack(actions),
    )


def _face_in(picture: Tensor) -> tuple[Tensor, Tensor]:
    nothing = torch.full((51,), torch.nan), torch.full((3,), torch.nan)
    if picture.shape[-1] != _LOOKED_AT_PX:
        picture = F.interpolate(picture, (_LOOKED_AT_PX,) * 2, mode="bicubic", antialias=True)
    faces = find_faces(picture)
    if not faces:
        return nothing
    try:
        crop = BUILT_IN.crop_of_found(faces[0].five_points)
        points = torch.cat([crop.to_crop(faces[0].points[:, :2], 1), faces[0].points[:, 2:] / crop.side], 1)
        pose = camera_of_face(points, 1, BUILT_IN)
    except ShapeError:
        return nothing
    return faces[0].expressions[1:], torch.tensor([pose.yaw_rad, pose.pitch_rad, pose.roll_rad])


def expression_errors(made: Seen, wanted: Seen) -> tuple[float, float]:
    """AED as the two codes in use define it, of blendshapes: mean |Δ|, and the root of the mean square."""
    change = made.blendshapes - wanted.blendshapes
    return float(change.abs().nanmean()), float(change.square().nanmean().sqrt())


def action_error(made: Seen, actions: Tensor) -> float | None:
    """Mean |Δ| from the driver's true actions ``[T, A]``, by a reader that knows them; None: it does not."""
    return float((made.actions - actions).abs().mean()) if made.actions.shape == actions.shape else None


def pose_error_deg(made: Seen, pose_rad: Tensor) -> float:
    """APD: mean |Δ| over yaw, pitch and roll, from the truth."""
    return float(torch.rad2deg(made.pose_rad - pose_rad).abs().nanmean())


def likeness(made: Seen, still: Seen) -> float:
    """ID: mean cosine of who is seen in each frame and in the still."""
    return float(F.cosine_similarity(made.people, still.people).mean())


def warped_difference(views: Sequence[Rendering], cameras: Tensor) -> float:
    """Mean |ΔRGB| of each frame and the next, at the points that both see: depth tells where they went, 0 for a head
    that only turns."""
    sums = torch.zeros(2, dtype=torch.float64)
    for i in range(len(views) - 1):
        sums += _difference(views[i], views[i + 1], cameras[i : i + 1], cameras[i + 1 : i + 2])
    return float(sums[0] / sums[1].clamp_min(1))


def _difference(view: Rendering, after: Rendering, camera: Tensor, next_camera: Tensor) -> Tensor:
    """The sum over pixels, and how many count."""
    assert view.depth is not None and view.opacity is not None and after.depth is not None
    side = view.depth.shape[-1]
    origins, directions = camera_rays(camera, side)
    points = (origins + directions * view.depth.reshape(1, -1, 1))[0]
    pose, intrinsic = split_label(next_camera)
    seen = torch.linalg.inv(pose[0]) @ F.pad(points, (0, 1), value=1.0).T
    place = (intrinsic[0] @ (seen[:3] / seen[2:3]))[:2].T * 2 - 1
    sample = lambda x: F.grid_sample(x, place[None, None], align_corners=False)[0, :, 0]  # noqa: E731
    away = (points - pose[0, :3, 3]).norm(dim=1)
    same = (sample(after.depth)[0] - away).abs() < _SAME_DEPTH
    valid = same & (place.abs() < 1).all(1) & (view.opacity.flatten() > _SOLID)
    before = resize(view.image, side, side).flatten(2)[0]
    change = (sample(resize(after.image, side, side)) - before).abs().mean(0)[valid]
    return torch.tensor([float(change.sum()), float(valid.sum())], dtype=torch.float64)
