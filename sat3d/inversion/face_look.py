"""What an encoder is told of a face: what the landmark network sees, pressed together by its principal components."""

import torch
from torch import Tensor, nn

from ..faces.mesh import FEATURES, POINTS
from ..networks.seen_faces import SeenFaces, see_faces


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
