"""What the landmark network sees of a registered head: where points of its face lie, and of what kind they are.

A smile or a glance is a few pixels, which a small network learns late; the landmark network knows both.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..faces.mesh import FEATURES, POINTS, SIDE_PX
from ..faces.networks import face_networks_on
from .loading import resize

TOLD = 3 * POINTS + FEATURES
# Heads are registered: one square holds the face at every angle that cameras take. In picture sides.
_PICTURE_PX = 256
_MIDDLE, _SIDE = (128 / 256, 148 / 256), 150 / 256


@dataclass(frozen=True)
class SeenFaces:
    """``points [B, 3 · 478]``, about their middle and in units of their mean distance from it; ``features [B, 512]``,
    from which the network tells them."""

    points: Tensor
    features: Tensor

    def joined(self) -> Tensor:
        """``[…, 1946]``: both, one after the other."""
        return torch.cat([self.points, self.features], -1)

    @classmethod
    def parted(cls, joined: Tensor) -> "SeenFaces":
        """What :meth:`joined` gave, in single precision."""
        return cls(*joined.float().split((3 * POINTS, FEATURES), -1))


def see_faces(images: Tensor) -> SeenFaces:
    """Of pictures ``[B, 3, S, S]`` of registered heads, in -1..1; whether there is a face, nobody asks."""
    seen, features = face_networks_on(str(images.device)).landmarks.points_and_features(_squares(images))
    points = seen - seen.mean(1, keepdim=True)
    points = points / points[..., :2].norm(dim=2).mean(1)[:, None, None].clamp_min(1e-6)
    return SeenFaces(points.flatten(1), features)


def registered_square(side_px: float) -> Tensor:
    """``[1, 4]`` (:mod:`sat3d.faces.squares`): where a picture of this side, of a registered head, has the face."""
    return torch.tensor([[*_MIDDLE, _SIDE, 0.0]]) * torch.tensor([side_px, side_px, side_px, 1.0])


def _squares(images: Tensor) -> Tensor:
    """``[B, 3, 256, 256]``: the square with the face, of pictures of any size as of those of 256 pixels."""
    images = resize(images, _PICTURE_PX, _PICTURE_PX)
    steps = ((torch.arange(SIDE_PX, device=images.device) + 0.5) / SIDE_PX - 0.5) * _SIDE
    across = (steps + _MIDDLE[0]).expand(SIDE_PX, SIDE_PX)
    down = (steps + _MIDDLE[1])[:, None].expand(SIDE_PX, SIDE_PX)
    grid = torch.stack([across, down], -1).mul(2).sub(1).to(images.dtype)
    return F.grid_sample(images, grid.expand(len(images), -1, -1, -1), align_corners=False)
