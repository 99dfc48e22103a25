"""A flow from noise to codes w: a velocity field learned by flow matching (Lipman et al. 2023, arXiv:2210.02747).

x_t = (1 − t)·x_0 + t·x_1 with x_0 from N(0, I) and x_1 a code; v(x_t, t) learns x_1 − x_0. Following v from noise gives
codes that are spread as the true ones, kinds apart from kinds, without a network that has to fold noise by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_TIME_FEATURES = 16
_SAMPLING_STEPS = 10


@dataclass(frozen=True)
class PriorSize:
    """Of the flow's network, how many ``numbers`` of a code it bends, and how many of its samples the mapping sees."""

    width: int = 512
    depth: int = 4
    bank: int = 65_536
    numbers: int = 128  # the most important; the others are left as normal as they nearly are


class Velocity(nn.Module):
    """``x [B, k]``, ``t [B]`` in 0..1 -> ``[B, k]``: residual layers that see the time, added to the field that is
    right for normal codes of spread 1. So a flow that has learned nothing leaves noise as it is."""

    def __init__(self, size: int, width: int, depth: int, dropout: float = 0.1):
        super().__init__()
        self.enter = nn.Linear(size, width)
        self.time = nn.Linear(2 * _TIME_FEATURES, width)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Dropout(dropout),
                          nn.Linear(width, width)) for _ in range(depth)
        )  # fmt: skip
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, size))
        nn.init.zeros_(self.leave[1].weight)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        turns = t[:, None] * (math.pi * 2.0 ** (0.5 * torch.arange(_TIME_FEATURES, device=x.device)))
        hidden = self.enter(x) + self.time(torch.cat([turns.sin(), turns.cos()], 1))
        for layer in self.layers:
            hidden = hidden + layer(hidden)
        return normal_field(x, t) + self.leave(hidden)


def normal_field(x: Tensor, t: Tensor) -> Tensor:
    """E[x_1 − x_0 | x_t] where both are from N(0, I): x_t and x_1 − x_0 are normal, too, with Cov/Var as below."""
    return x * ((2 * t - 1) / (t.square() + (1 - t).square()))[:, None]


def matching_loss(velocity: Velocity, codes: Tensor, random: torch.Generator, weights: Tensor | None = None) -> Tensor:
    """Of a batch of whitened codes ``[B, k]``, whose numbers may weigh differently ``[k]``."""
    noise = torch.randn(codes.shape, generator=random, device=codes.device)
    # More often near the middle, where the field is hardest to learn.
    t = torch.sigmoid(torch.randn(len(codes), generator=random, device=codes.device))
    x = torch.lerp(noise, codes, t[:, None])
    errors = (velocity(x, t) - (codes - noise)).square()
    return (errors if weights is None else errors * weights).mean()


@torch.no_grad()
def follow(velocity: Velocity, noise: Tensor, steps: int = _SAMPLING_STEPS) -> Tensor:
    """``noise [B, k]`` -> codes ``[B, k]``, by Heun's method."""
    x, step = noise, 1.0 / steps
    for i in range(steps):
        t = torch.full((len(x),), i * step, device=x.device)
        first = velocity(x, t)
        second = velocity(x + step * first, t + step)
        x = x + step / 2 * (first + second)
    return x
