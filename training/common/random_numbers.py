"""Random numbers that depend on seed and step alone, so that nothing about chance need be saved with a training."""

from __future__ import annotations

import torch
from torch import Tensor

_FACTOR, _LIMIT = 1_000_003, 1 << 63


def mixed_seed(seed: int, *numbers: int) -> int:
    """One seed for a torch generator out of a training's seed and, say, a step and a rank."""
    for number in numbers:
        seed = (seed * _FACTOR + number) % _LIMIT
    return seed


def generator_of(device: torch.device | str, seed: int, *numbers: int) -> torch.Generator:
    """A generator on ``device`` for :func:`mixed_seed` of the numbers."""
    return torch.Generator(device).manual_seed(mixed_seed(seed, *numbers))


class EpochOrder:
    """An endless sequence of 0 … count - 1: every number once an epoch, in an order of seed and epoch alone."""

    def __init__(self, count: int, seed: int):
        self.count, self.seed = count, seed
        self._epoch, self._permutation = -1, torch.empty(0)

    def take(self, position: int, count: int) -> Tensor:
        """``[count]`` int64: the numbers from ``position`` of the sequence on."""
        return torch.tensor([self._at(position + i) for i in range(count)])

    def _at(self, position: int) -> int:
        epoch, place = divmod(position, self.count)
        if epoch != self._epoch:
            generator = generator_of("cpu", self.seed, epoch)
            self._epoch, self._permutation = epoch, torch.randperm(self.count, generator=generator)
        return int(self._permutation[place])
