"""How much a generated picture looks like the one that is to be reproduced."""

from __future__ import annotations

import torch
from torch import Tensor

from .features import FeatureLoss
from .options import Weights
from .target import Target


class Likeness:
    """``pixel`` · mean squared error + ``features`` · difference of features, of the pixels that count; differentiable.

    What does not count is filled with the generated picture, so that it is never seen, by no feature's surroundings.
    """

    def __init__(self, features: FeatureLoss | None, target: Target, weights: Weights):
        self.features = features if weights.features else None
        self.target, self.weights = target, weights
        self.wanted = self._features_of(target.image) if target.weight is None else []

    def __call__(self, picture: Tensor) -> Tensor:
        """``[1, 3, S, S]`` in -1..1 -> scalar."""
        weight = self.target.weight
        wanted, counted = self.target.image, 1.0
        if weight is not None:
            wanted, counted = torch.lerp(picture.detach(), wanted, weight), weight.mean()
        loss = self.weights.pixel * (picture - wanted).square().mean()
        if self.features is not None:
            features = self.wanted if weight is None else self._features_of(wanted)
            loss = loss + self.weights.features * self.features(picture, features)
        return loss / counted

    @torch.no_grad()
    def _features_of(self, image: Tensor) -> list[Tensor]:
        return [] if self.features is None else self.features.features(image)
