"""Volumes whose decoder tells parts as well: label probabilities are composited beside the colours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from ..generators.decoder import Decoder
from ..generators.scene import Volume
from ..generators.volume import sum_of_some
from .field import PartField

Rows = Callable[[Tensor], Tensor]  # flat numbers of samples [M] -> their hidden units [M, H]

# Of the largest coefficient on a ray: labels of samples that show less are not asked for. That changes probabilities of
# pixels by 0.00005 on average, at edges by up to 0.05, and hardly ever which is the largest.
_LEAST_SHOWN = 0.05
_LEAST_COUNTED = 1e-6


@dataclass(frozen=True)
class LabelledVolume(Volume):
    """A volume whose decoder also tells parts."""

    @property
    def channels(self) -> int:
        return cast(Any, self.decoder).channels


@dataclass(frozen=True)
class LabelDecoder:
    """A generator's decoder, to which the probabilities of K labels are added as further channels.

    To the renderer like :class:`.decoder.Decoder`. Its logits are the hidden units themselves, of which colours and
    labels are made where a sample is composited; labels only where it shows.
    """

    base: Decoder
    part_field: PartField
    features: int  # C

    @property
    def channels(self) -> int:
        return self.features + len(self.part_field.labels)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.base.hidden(x)
        return self.base.density(hidden), hidden

    def hidden(self, x: Tensor) -> Tensor:
        return self.base.hidden(x)

    def density(self, hidden: Tensor) -> Tensor:
        return self.base.density(hidden)

    def logits(self, hidden: Tensor) -> Tensor:
        return hidden

    def colours(self, logits: Tensor) -> Tensor:
        return self.base.colours(self.base.logits(logits))

    def composite(self, coefficients: Sequence[Tensor], passes: Sequence[Tensor], opacity: Tensor) -> Tensor:
        """As :meth:`.decoder.Decoder.composite`, and the labels' probabilities, ``[R, C + K]``."""
        colours = self.base.composite(coefficients, [self.base.logits(hidden) for hidden in passes], opacity)
        most = torch.stack([part.amax(1) for part in coefficients]).amax(0)
        labels = self._labels(coefficients, [_rows_of(hidden) for hidden in passes], most, opacity)
        return torch.cat([colours, labels], 1)

    def composite_some(self, coefficients: Tensor, counts: Tensor, hidden_of: Rows, opacity: Tensor) -> Tensor:
        colours = self.base.composite_some(coefficients, counts, hidden_of, opacity)
        counted = torch.where(counts, coefficients, 0)
        labels = self._labels([counted], [hidden_of], counted.amax(1), opacity)
        return torch.cat([colours, labels], 1)

    def signed(self, features: Tensor) -> Tensor:
        colours, labels = features.split([self.features, features.shape[1] - self.features], 1)
        return torch.cat([self.base.signed(colours), labels], 1)

    def _labels(
        self, coefficients: Sequence[Tensor], hidden_of: Sequence[Rows], most: Tensor, opacity: Tensor
    ) -> Tensor:
        """``[R, K]``, pass by pass; ``most [R]``: the largest coefficient of each ray."""
        total: Tensor | float = 0.0
        counted: Tensor | float = 0.0
        for part, rows in zip(coefficients, hidden_of, strict=True):
            shown = (part >= _LEAST_SHOWN * most[:, None]) & (part > 0)
            shares = self.part_field.probabilities(rows(shown.flatten().nonzero()[:, 0]))
            total = total + sum_of_some(shares, part, shown)
            counted = counted + torch.where(shown, part, 0).sum(1)
        return total * (opacity / torch.as_tensor(counted).clamp_min(_LEAST_COUNTED))[:, None]


def _rows_of(hidden: Tensor) -> Rows:
    """``[R, N, H]`` -> what gives the rows of samples by their flat numbers."""
    return lambda where: hidden.reshape(-1, hidden.shape[2]).index_select(0, where)
