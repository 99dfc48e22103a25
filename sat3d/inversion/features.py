"""A perceptual loss on a network that is at hand: pictures are alike if its early layers say so. Nothing is downloaded.

After Johnson et al. 2016 and LPIPS (Zhang et al. 2018): features of unit length at each place, compared by level.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import ConfigError
from ..networks.loading import resize
from ..networks.reader import AttributeReader
from ..parsing.parser import HeadParser

_LEVELS = 3  # halvings that are compared: deeper layers say what is seen, no longer where and in which colour
_EPS = 1e-6


class FeatureLoss(nn.Module):
    """Mean difference of the features of a head parser or an attribute reader.

    Example:
        >>> from sat3d.networks.reader import load_reader
        >>> loss, photo = FeatureLoss(load_reader()), torch.zeros(1, 3, 128, 128)
        >>> loss(photo, loss.features(photo)).item()
        0.0
    """

    def __init__(self, network: AttributeReader | HeadParser, levels: int = _LEVELS):
        super().__init__()
        known = isinstance(network, AttributeReader | HeadParser)
        if not known or (isinstance(network, AttributeReader) and not isinstance(network.trunk, nn.Sequential)):
            raise ConfigError(
                "No perceptual loss can be made of this network",
                network.config.architecture if known else type(network).__name__,
                "an attribute reader that zooms, or a head parser",
                "pass load_reader() or load_parser()",
            )
        self.network, self.levels = network, levels

    def features(self, images: Tensor) -> list[Tensor]:
        """``[B, 3, H, W]`` in -1..1 -> feature maps ``[B, C, h, w]`` at a half, a quarter, … of the network's input."""
        if isinstance(self.network, HeadParser):
            size = self.network.config.input_px
            images = F.pixel_unshuffle(resize(images, size, size), 2)
            layers = [self.network.stem, *self.network.down]
        else:
            images = self.network.seen(images)[..., : self.network.config.input_px]
            layers = list(self.network.trunk.children())
        return collect_by_size(layers, images, self.levels)

    def forward(self, got: Tensor, wanted: list[Tensor]) -> Tensor:
        """``got [B, 3, H, W]`` against :meth:`features` of what was wanted -> scalar, 0..4; differentiable in both."""
        parts = [_compare(a, b) for a, b in zip(self.features(got), wanted, strict=True)]
        return torch.stack(parts).mean()


def collect_by_size(layers: Iterable[nn.Module], x: Tensor, levels: int) -> list[Tensor]:
    """``x [B, C, H, W]`` through ``layers`` -> the last feature map of each size, the largest first, ``levels`` of
    them."""
    found: list[Tensor] = []
    for layer in layers:
        y = layer(x)
        if found and y.shape[-1] == found[-1].shape[-1]:
            found[-1] = y
        elif len(found) == levels:
            break
        else:
            found.append(y)
        x = y
    return found


def normalise_places(features: Tensor) -> Tensor:
    """``[B, C, h, w]``, each place's C numbers of length 1: how strong an edge is counts less than what it is."""
    return F.normalize(features, dim=1, eps=_EPS)


def _compare(got: Tensor, wanted: Tensor) -> Tensor:
    return (normalise_places(got) - normalise_places(wanted)).square().sum(1).mean()
