"""The baseline of the paper: w is optimised anew for each frame, towards the still with the driver's expression on it.

The paper (portrait animation by inversion of a 3D GAN) fits a 3D morphable model to both faces, renders the still's
with the driver's expression, and optimises w so that the generator reproduces that rendering inside the face and the
still outside of it. No morphable model is free to use; the 478 points of the landmark network stand for it: the still's
points, moved by what the driver's points do beyond the driver's calmest frame, the head's turn taken out. Beside that
few steps are taken (10 for each frame, where the paper takes hundreds), each frame begins where the one before ended,
and the generator is not tuned, since the targets' codes are known. Renders are then made from the driver's side.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from sat3d.errors import ShapeError
from sat3d.faces.contours import INNER_LIPS, LEFT_EYE, OUTER_LIPS, RIGHT_EYE
from sat3d.faces.finding import Face, find_faces, read_faces, squares_around
from sat3d.faces.networks import FaceNetworks, face_networks_on
from sat3d.faces.pose import weak_pose
from sat3d.generators import RenderOptions, TriplaneGenerator
from sat3d.inversion.options import LEAST_SHARE
from sat3d.networks.loading import resize

STEPS = 10
_LOOKED_AT_PX = 256
_RATE = 0.02  # of w, whose spread is about 1
_FEATURE_WEIGHT = 3.0  # of a point of lids and lips, of one elsewhere in the face
_OUTSIDE, _LIKELY = 5.0, 0.01  # weights of the still outside of the face, and of staying near its own w


@dataclass(frozen=True)
class Goal:
    """``still [1, 3, H, H]`` and ``camera [1, 25]``: what is kept; ``outside [1, 1, H, H]``: where; ``square [1, 4]``
    and ``apart``: of its face, in pixels; ``points [T, 478, 2]``: of each frame, in pixels of the still."""

    still: Tensor
    camera: Tensor
    outside: Tensor
    square: Tensor
    apart: float
    points: Tensor


@dataclass(frozen=True)
class PerFrame:
    """w optimised for each frame. ``render``: of the steps."""

    network: TriplaneGenerator
    steps: int = STEPS
    render: RenderOptions = field(default_factory=lambda: RenderOptions(64, least_share=LEAST_SHARE))

    def styles(self, own: Tensor, goal: Goal) -> Tensor:
        """``own [1, S]`` -> ``[T, S]``. Styles are linear in w, so that what is optimised is by how much w differs."""
        w_dim, networks = self.network.config.backbone.w_dim, face_networks_on(str(own.device))
        with torch.enable_grad():
            change, found = torch.zeros(1, w_dim, requires_grad=True), []
            optimizer = torch.optim.Adam([change], _RATE, betas=(0.9, 0.99))
            for wanted in goal.points:
                for _ in range(self.steps):
                    (change.grad,) = torch.autograd.grad(self._loss(own, change, goal, wanted, networks), [change])
                    optimizer.step()
                found.append(self._moved(own, change).detach())
        return torch.cat(found)

    def _moved(self, own: Tensor, change: Tensor) -> Tensor:
        network, nothing = self.network, torch.zeros_like(change)
        return own + network.styles(network.broadcast(change)) - network.styles(network.broadcast(nothing))

    def _loss(self, own: Tensor, change: Tensor, goal: Goal, wanted: Tensor, networks: FaceNetworks) -> Tensor:
        picture = self.network.synthesize(self._moved(own, change), goal.camera, self.render).image
        points, _ = read_faces(networks, picture, goal.square)
        away = (points[0, :, :2] - wanted).norm(dim=1) / goal.apart
        weights = torch.ones_like(away)
        weights[[*LEFT_EYE, *RIGHT_EYE, *INNER_LIPS, *OUTER_LIPS]] = _FEATURE_WEIGHT
        beside = ((picture - goal.still).square() * goal.outside).mean()
        return (away * weights).sum() / weights.sum() + _OUTSIDE * beside + _LIKELY * change.square().mean()


def goal_of(still: Tensor, camera: Tensor, driver: Tensor) -> Goal:
    """``still [1, 3, H, H]`` seen by ``camera [1, 25]``, ``driver [T, 3, D, D]``, in -1..1.

    Raises:
        ShapeError: no face in one of them.
    """
    own, scale = _face_in(still), still.shape[-1] / _LOOKED_AT_PX
    canonical = face_networks_on("cpu").canonical
    seen = [_face_in(frame).points for frame in driver.split(1)]
    drivers = [weak_pose(points, canonical).upright(points) for points in seen]
    calmest = min(drivers, key=lambda each: float(_openness(each)))
    turn = weak_pose(own.points, canonical)
    change = torch.stack([each - calmest for each in drivers]) @ turn.rotation.T * turn.scale
    points = (own.points[:, :2] + change[..., :2].float()) * scale
    size = still.shape[-1]
    square = squares_around(own.points[None]) * torch.tensor([scale, scale, scale, 1.0])
    low, high = points.reshape(-1, 2).amin(0), points.reshape(-1, 2).amax(0)
    at = torch.arange(size) + 0.5
    inside = [(at > low[axis]) & (at < high[axis]) for axis in (0, 1)]
    outside = ~(inside[1][:, None] & inside[0])
    return Goal(still, camera, outside[None, None].float(), square, own.eyes_apart_px * scale, points)


def _openness(points: Tensor) -> Tensor:
    """Of the mouth alone: a frame with closed lids is as calm as any."""
    return (points[13] - points[14]).norm()


def _face_in(picture: Tensor) -> Face:
    faces = find_faces(resize(picture, _LOOKED_AT_PX, _LOOKED_AT_PX))
    if not faces:
        raise ShapeError("No face was found", "none", "a face in each frame", "choose another driver")
    return faces[0]
