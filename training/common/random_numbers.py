"""Random numbers that depend on seed and step alone, so that nothing about chance need be saved with a training."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sat3d.seeds import generator_of


class Draws:
    """Of a seed and numbers alone. Small draws are made on the host, so that no GPU waits; noise on ``device``."""

    def __init__(self, seed: int, *numbers: int, device: torch.device | str = "cpu"):
        self.device = torch.device(device)
        self._host = np.random.default_rng([seed, *numbers])
        self._noise = generator_of(self.device, seed, *numbers)

    def chance(self, share: float) -> bool:
        return bool(self._host.random() < share)

    def number(self, low: float, high: float) -> float:
        return float(self._host.uniform(low, high))

    def whole(self, low: int, high: int) -> int:
        """From ``low`` to ``high``, both included."""
        return int(self._host.integers(low, high + 1))

    def numbers(self, count: int, low: float, high: float) -> Tensor:
        """[count, 1, 1, 1] float32 on the device."""
        return torch.from_numpy(self._host.uniform(low, high, (count, 1, 1, 1)).astype(np.float32)).to(self.device)

    def choices(self, total: int, count: int) -> Tensor:
        """[count] different numbers below ``total`` (all of them if there are fewer)."""
        return torch.from_numpy(self._host.permutation(total)[:count])

    def noise(self, shape: tuple[int, ...]) -> Tensor:
        """N(0, 1) on the device."""
        return torch.randn(shape, generator=self._noise, device=self.device)


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
