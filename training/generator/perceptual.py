"""A perceptual loss on a network of our own: pictures are alike if the attribute reader's early layers say so."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_LEVELS = 3  # halvings of the picture that are compared; deeper layers would look past a patch's edge
_EPS = 1e-6


class Perceptual(nn.Module):
    """Mean absolute difference of features that have unit length at every place."""

    def __init__(self, trunk: nn.Sequential, levels: int = _LEVELS):
        super().__init__()
        self.trunk = trunk.eval().requires_grad_(False)
        self.levels = levels

    def features(self, images: Tensor) -> list[Tensor]:
        """``[B, 3, P, P]`` in -1..1 -> the last feature map at each halving."""
        found: list[Tensor] = []
        for layer in self.trunk:
            images_next = layer(images)
            if found and images_next.shape[-1] == images.shape[-1]:
                found[-1] = images_next
            elif len(found) == self.levels:
                break
            else:
                found.append(images_next)
            images = images_next
        return found

    def forward(self, got: Tensor, wanted: Tensor) -> Tensor:
        with torch.no_grad():
            targets = self.features(wanted)
        return (
            sum(
                (_unit(a) - _unit(b)).abs().sum(1).mean() / a.shape[1] ** 0.5
                for a, b in zip(self.features(got), targets, strict=True)
            )
            / self.levels
        )


def _unit(x: Tensor) -> Tensor:
    return F.normalize(x, dim=1, eps=_EPS)


def load_perceptual() -> Perceptual:
    """The loss on the built-in attribute reader.

    Raises:
        FileError: there is no built-in reader yet.
    """
    from sat3d.reader import load_reader

    return Perceptual(load_reader().trunk)
