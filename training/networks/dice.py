"""Random numbers that depend on a seed and a step only, so that a resumed training goes on exactly where it was."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class Dice:
    """Small draws are made on the host, which never makes a GPU wait; only noise is made on the device."""

    def __init__(self, seed: int, step: int, device: torch.device | str = "cpu"):
        self.device = torch.device(device)
        self._host = np.random.default_rng([seed, step])
        self._noise = torch.Generator(self.device).manual_seed(seed * 1_000_003 + step)

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
