"""The common base of parsers of photographs: normalised pictures in, numbers of labels out."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ..networks.loading import check_pictures

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's photographs, red, green, blue in 0..1
_AT_ONCE = 4  # pictures; more would only take more memory


class PhotographParser(nn.Module, ABC):
    """``label_names``: what the labels 0, 1, … are called."""

    label_names: tuple[str, ...]

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` in -1..1 -> logits ``[B, labels, H, W]``."""

    @torch.no_grad()
    def labels(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` in -1..1 -> the likeliest label of each pixel, ``[B, H, W]`` int64.

        Raises:
            ShapeError: not such pictures, smaller than 64 pixels, or not finite.
        """
        check_pictures(images)
        return torch.cat([self(piece).argmax(1) for piece in images.split(_AT_ONCE)])


def normalise(images: Tensor) -> Tensor:
    """-1..1 -> as networks trained on ImageNet take pictures."""
    mean, std = (images.new_tensor(values).reshape(1, 3, 1, 1) for values in (_MEAN, _STD))
    return (0.5 * images + 0.5 - mean) / std
