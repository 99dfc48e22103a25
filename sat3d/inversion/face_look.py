"""What the landmark network sees of a registered head, in a few numbers.

A smile or a glance is a few pixels, which a small network learns late. The landmark network knows both: where its
points lie, and what it sees before it says so. Its answers are pressed together by their principal components.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..faces.mesh import FEATURES, POINTS, SIDE_PX
from ..faces.networks import face_networks_on
from ..networks.loading import resize

# Heads are registered: one square holds the face at every angle that cameras take. In picture sides.
_PICTURE_PX = 256
_MIDDLE, _SIDE = (128 / 256, 148 / 256), 150 / 256


@dataclass(frozen=True)
class SeenFaces:
    """``points [B, 3 · 478]``, about their middle and in units of their mean distance from it; ``features [B, 512]``,
    from which the network tells them."""

    points: Tensor
    features: Tensor


def see_faces(images: Tensor) -> SeenFaces:
    """Of pictures ``[B, 3, S, S]`` of registered heads, in -1..1; whether there is a face, nobody asks."""
    seen, features = face_networks_on(str(images.device)).landmarks.points_and_features(_squares(images))
    points = seen - seen.mean(1, keepdim=True)
    points = points / points[..., :2].norm(dim=2).mean(1)[:, None, None].clamp_min(1e-6)
    return SeenFaces(points.flatten(1), features)


def _squares(images: Tensor) -> Tensor:
    """``[B, 3, 256, 256]``: the square with the face, of pictures of any size as of those of 256 pixels."""
    images = resize(images, _PICTURE_PX, _PICTURE_PX)
    steps = ((torch.arange(SIDE_PX, device=images.device) + 0.5) / SIDE_PX - 0.5) * _SIDE
    across = (steps + _MIDDLE[0]).expand(SIDE_PX, SIDE_PX)
    down = (steps + _MIDDLE[1])[:, None].expand(SIDE_PX, SIDE_PX)
    grid = torch.stack([across, down], -1).mul(2).sub(1).to(images.dtype)
    return F.grid_sample(images, grid.expand(len(images), -1, -1, -1), align_corners=False)


class FaceLook(nn.Module):
    """Pictures of registered heads to ``points + features`` numbers each; how they are pressed together is fitted, see
    :meth:`fit`, and kept with the weights."""

    def __init__(self, points: int, features: int):
        super().__init__()
        for name, given, kept in (("points", 3 * POINTS, points), ("features", FEATURES, features)):
            self.register_buffer(f"{name}_mean", torch.zeros(given))
            self.register_buffer(f"{name}_map", torch.zeros(given, kept))

    @property
    def size(self) -> int:
        """How many numbers it says."""
        return self.get_buffer("points_map").shape[1] + self.get_buffer("features_map").shape[1]

    def forward(self, images: Tensor) -> Tensor:
        """``[B, 3, S, S]`` in -1..1 -> ``[B, size]``, without gradient."""
        with torch.no_grad():
            return self.summary(see_faces(images))

    def summary(self, seen: SeenFaces) -> Tensor:
        """``[…, size]`` of what :func:`see_faces` saw."""
        parts = [
            (some - self.get_buffer(f"{name}_mean")) @ self.get_buffer(f"{name}_map")
            for name, some in (("points", seen.points), ("features", seen.features))
        ]
        return torch.cat(parts, -1)
