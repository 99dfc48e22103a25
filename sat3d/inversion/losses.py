"""What else than pixels may say how alike two pictures are: one form for all, so that any of them can be left out."""

from __future__ import annotations

from typing import Any, Protocol

from torch import Tensor, nn

from ..errors import ConfigError
from ..networks.loading import SMALLEST_PICTURE_PX, resize
from ..networks.reader import AttributeReader


class Term(Protocol):
    """A distance of pictures ``[B, 3, H, W]`` in -1..1; ``features`` of the one that stays are asked for once."""

    def features(self, images: Tensor) -> Any:
        """What is compared of ``images``."""

    def __call__(self, got: Tensor, wanted: Any) -> Tensor:
        """``got`` against :meth:`features` of what was wanted -> scalar, differentiable, 0 for the same."""


class IdentityLoss(nn.Module):
    """1 − cosine of the vectors by which an attribute reader tells people apart, whatever they wear.

    Example:
        >>> loss = IdentityLoss(load_reader())
        >>> distance = loss(picture, loss.features(photo))
    """

    def __init__(self, network: AttributeReader):
        super().__init__()
        if not isinstance(network, AttributeReader):
            raise ConfigError("This network does not tell people apart", type(network).__name__, "an attribute reader",
                              "pass load_reader()")  # fmt: skip
        self.network = network

    def features(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` in -1..1 -> ``[B, D]`` of unit length."""
        smallest = max(SMALLEST_PICTURE_PX, min(images.shape[2:]))
        return self.network(resize(images, smallest, smallest)).identity

    def forward(self, got: Tensor, wanted: Tensor) -> Tensor:
        """Scalar, 0..2."""
        return 1 - (self.features(got) * wanted).sum(1).mean()
