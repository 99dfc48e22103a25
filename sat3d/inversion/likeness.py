"""How much a generated picture looks like the one that is to be reproduced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .losses import Term
from .target import Target


class Likeness:
    """``pixel`` · mean squared error + weight · distance of each term, of the pixels that count; differentiable.

    What does not count is filled with the generated picture, so that it is never seen, by no feature's surroundings.
    """

    def __init__(self, terms: Sequence[tuple[float, Term]], target: Target, pixel: float):
        self.terms = [(weight, term) for weight, term in terms if weight]
        self.target, self.pixel = target, pixel
        self.wanted = self._features_of(target.image) if target.weight is None else []

    def __call__(self, picture: Tensor) -> Tensor:
        """``[1, 3, S, S]`` in -1..1 -> scalar."""
        weight = self.target.weight
        wanted, counted = self.target.image, 1.0
        if weight is not None:
            wanted, counted = torch.lerp(picture.detach(), wanted, weight), weight.mean()
        loss = self.pixel * (picture - wanted).square().mean()
        features = self.wanted if weight is None else self._features_of(wanted)
        for (share, term), feature in zip(self.terms, features, strict=True):
            loss = loss + share * term(picture, feature)
        return loss / counted

    @torch.no_grad()
    def _features_of(self, image: Tensor) -> list[Any]:
        return [term.features(image) for _, term in self.terms]
