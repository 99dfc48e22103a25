"""A mapping from z to w that follows a flow (Lipman et al. 2023, arXiv:2210.02747), for codes of many apart kinds.

x_t = (1 − t)·x_0 + t·x_1 with x_0 from N(0, I) and x_1 a code; a velocity field v(x_t, t) has learned x_1 − x_0.
Following v from noise gives codes that are spread as the true ones are. Published mappings of four to eight layers were
taught where such a flow ends, for some minutes each, and came nowhere near; why is not known.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from .config import BackboneConfig
from .layers import normalize_2nd_moment
from .mapping import Mapping

_TIME_FEATURES = 16

VelocityField = Callable[[Tensor, Tensor], Tensor]


class Velocity(nn.Module):
    """``x [B, k]``, ``t [B]`` in 0..1 -> ``[B, k]``: residual layers that see the time, added to the field that is
    right for normal codes of spread 1. So a flow that has learned nothing leaves noise as it is."""

    def __init__(self, size: int, width: int, depth: int, dropout: float = 0.0):
        super().__init__()
        self.enter = nn.Linear(size, width)
        self.time = nn.Linear(2 * _TIME_FEATURES, width)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Dropout(dropout),
                          nn.Linear(width, width)) for _ in range(depth)
        )  # fmt: skip
        last = nn.Linear(width, size)
        nn.init.zeros_(last.weight)
        self.leave = nn.Sequential(nn.LayerNorm(width), last)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        turns = t[:, None] * (math.pi * 2.0 ** (0.5 * torch.arange(_TIME_FEATURES, device=x.device)))
        hidden = self.enter(x) + self.time(torch.cat([turns.sin(), turns.cos()], 1))
        for layer in self.layers:
            hidden = hidden + layer(hidden)
        return normal_field(x, t) + self.leave(hidden)


def normal_field(x: Tensor, t: Tensor) -> Tensor:
    """E[x_1 − x_0 | x_t] where both are from N(0, I): x_t and x_1 − x_0 are normal, too, with Cov/Var as below."""
    return x * ((2 * t - 1) / (t.square() + (1 - t).square()))[:, None]


def follow(velocity: VelocityField, noise: Tensor, steps: int) -> Tensor:
    """``noise [B, k]`` -> codes ``[B, k]``, by Heun's method."""
    x, step = noise, 1.0 / steps
    for i in range(steps):
        t = torch.full((len(x),), i * step, device=x.device)
        first = velocity(x, t)
        second = velocity(x + step * first, t + step)
        x = x + step / 2 * (first + second)
    return x


class FlowMapping(Mapping):
    """w = w_avg + D·n of as many numbers n as z has, or w. The flow takes the first of them, the most important ones,
    to where codes are; the others are left as normal as they nearly are. It hears of no label.

    ``directions [w_dim, k]``: D, of the codes' spread. ``middle``, ``spread`` ``[numbers]``: of where the flow ends;
    since one that is not sure of all it has learned draws too near to the middle, this is put right.
    """

    directions: Tensor
    middle: Tensor
    spread: Tensor

    def __init__(self, config: BackboneConfig):
        super().__init__(config)
        assert config.mapping_flow is not None, "who builds a flow has its sizes"
        flow = config.mapping_flow
        self.steps = flow.steps
        self.velocity = Velocity(flow.numbers, flow.width, flow.depth)
        self.register_buffer("directions", torch.eye(config.w_dim, min(config.z_dim, config.w_dim)))
        self.register_buffer("middle", torch.zeros(flow.numbers))
        self.register_buffer("spread", torch.ones(flow.numbers))

    def w_of(self, z: Tensor, label: Tensor | None) -> Tensor:
        return self.w_avg + self.numbers_of(z) @ self.directions.T

    def numbers_of(self, z: Tensor) -> Tensor:
        """``z [B, z_dim]`` -> n ``[B, k]``."""
        noise, bent = self.noise_of(z), len(self.middle)
        ends = (self.ends_of(z) - self.middle) / self.spread
        return torch.cat([ends, noise[:, bent:]], 1)

    def ends_of(self, z: Tensor) -> Tensor:
        """``[B, numbers]``: where the flow takes the first numbers, before they are put right."""
        return follow(self.velocity, self.noise_of(z)[:, : len(self.middle)], self.steps)

    def noise_of(self, z: Tensor) -> Tensor:
        """``[B, k]``, of z on the sphere that mappings put it on."""
        return normalize_2nd_moment(z)[:, : self.directions.shape[1]]
