"""Losses of an inversion: how much a generated picture looks like the one to be reproduced, in pixels and features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ..errors import ConfigError
from ..networks.loading import SMALLEST_PICTURE_PX, resize
from ..networks.reader import AttributeReader
from .target import Target


class Term(Protocol):
    """A distance of pictures ``[B, 3, H, W]`` in -1..1; ``features`` of the one that stays are asked for once. A term
    with an attribute ``once`` that is true reads them from the whole picture, also from what does not count."""

    def features(self, images: Tensor) -> Any:
        """What is compared of ``images``."""
        ...

    def __call__(self, got: Tensor, wanted: Any) -> Tensor:
        """``got`` against :meth:`features` of what was wanted -> scalar, differentiable, 0 for the same."""
        ...


class IdentityLoss(nn.Module):
    """1 − cosine of the vectors by which an attribute reader tells people apart, whatever they wear.

    Example:
        >>> from sat3d.networks.reader import load_reader
        >>> loss, photo = IdentityLoss(load_reader()), torch.zeros(1, 3, 128, 128)
        >>> abs(loss(photo, loss.features(photo)).item()) < 1e-6
        True
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


class Likeness:
    """``pixel`` · mean squared error + weight · distance of each term, of the pixels that count; differentiable.

    What does not count is filled with the generated picture, so that it is never seen, by no feature's surroundings.
    """

    def __init__(self, terms: Sequence[tuple[float, Term]], target: Target, pixel: float):
        self.terms = [(weight, term) for weight, term in terms if weight]
        self.target, self.pixel = target, pixel
        self.wanted = {
            i: self._features_of(term, target.image)
            for i, (_, term) in enumerate(self.terms)
            if target.weight is None or getattr(term, "once", False)
        }

    def __call__(self, picture: Tensor) -> Tensor:
        """``[1, 3, S, S]`` in -1..1 -> scalar."""
        weight = self.target.weight
        wanted, counted = self.target.image, 1.0
        if weight is not None:
            wanted, counted = torch.lerp(picture.detach(), wanted, weight), weight.mean()
        loss = self.pixel * (picture - wanted).square().mean()
        for i, (share, term) in enumerate(self.terms):
            feature = self.wanted[i] if i in self.wanted else self._features_of(term, wanted)
            loss = loss + share * term(picture, feature)
        return loss / counted

    @torch.no_grad()
    def _features_of(self, term: Term, image: Tensor) -> Any:
        return term.features(image)
