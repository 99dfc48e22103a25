"""A perceptual loss on a network of our own: pictures are alike if the attribute reader's early layers say so.

The same features as those of the inversion's :class:`~sat3d.inversion.features.FeatureLoss`, but for patches (no face
is magnified, nothing is resized), and compared by absolute differences, which keeps edges sharp in training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sat3d.inversion.features import at_each_size, of_unit_length

_LEVELS = 3  # halvings of the picture that are compared; deeper layers would look past a patch's edge


class Perceptual(nn.Module):
    """Mean absolute difference of features that have unit length at every place."""

    def __init__(self, trunk: nn.Sequential, levels: int = _LEVELS):
        super().__init__()
        self.trunk = trunk.eval().requires_grad_(False)
        self.levels = levels

    def features(self, images: Tensor) -> list[Tensor]:
        """``[B, 3, P, P]`` in -1..1 -> the last feature map at each halving."""
        return at_each_size(self.trunk, images, self.levels)

    def forward(self, got: Tensor, wanted: Tensor) -> Tensor:
        with torch.no_grad():
            targets = self.features(wanted)
        parts = [
            (of_unit_length(a) - of_unit_length(b)).abs().sum(1).mean() / a.shape[1] ** 0.5
            for a, b in zip(self.features(got), targets, strict=True)
        ]
        return sum(parts) / self.levels


def load_perceptual() -> Perceptual:
    """The loss on the built-in attribute reader.

    Raises:
        FileError: there is no built-in reader yet.
    """
    from sat3d.networks.reader import load_reader

    return Perceptual(load_reader().trunk)
