"""A perceptual loss on a network that no label taught: pictures are alike if the encoder's early layers say so."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sat3d.inversion.features import collect_by_size, normalise_places

_LEVELS = 3  # halvings of the picture that are compared; deeper layers would look past a patch's edge


class Perceptual(nn.Module):
    """Mean absolute difference of features that have unit length at every place."""

    def __init__(self, trunk: nn.Sequential, levels: int = _LEVELS):
        super().__init__()
        self.trunk = trunk.eval().requires_grad_(False)
        self.levels = levels

    def train(self, mode: bool = True) -> Perceptual:
        return super().train(False)

    def features(self, images: Tensor) -> list[Tensor]:
        """``[B, 3, P, P]`` in -1..1 -> the last feature map at each halving."""
        return collect_by_size(self.trunk, images, self.levels)

    def forward(self, got: Tensor, wanted: Tensor) -> Tensor:
        with torch.no_grad():
            targets = self.features(wanted)
        parts = [
            (normalise_places(a) - normalise_places(b)).abs().sum(1).mean() / a.shape[1] ** 0.5
            for a, b in zip(self.features(got), targets, strict=True)
        ]
        return sum(parts) / self.levels
