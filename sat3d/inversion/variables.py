"""What an inversion varies. All methods share one form: a likely face plus departures that cost.

    w_row = w(shared) + rows @ root,   styles = affine(w) + channels · std

W varies ``shared`` alone, W+ also ``rows``, *styles* also ``channels`` (our S space). Units are those of the
population's spread, so that one learning rate fits all, and departures stay small: an edit moves channels as it does
in other faces.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..generators import StyleGenerator
from .population import Population

METHODS = ("W", "W+", "styles")


@dataclass(frozen=True)
class Start:
    """Where to begin: ``w [1, w_dim]`` (None: the mean face), the camera's angles in radians; roll is not varied."""

    w: Tensor | None = None
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    roll_rad: float = 0.0


@dataclass
class Variables:
    """``shared [1, D]``, ``rows [1, L, D]``, ``channels [1, S]``, ``angles [2]`` (yaw, pitch); None: not varied."""

    shared: Tensor
    rows: Tensor | None
    channels: Tensor | None
    angles: Tensor

    @classmethod
    def at(cls, start: Start, method: str, network: StyleGenerator, population: Population) -> Variables:
        """All departures zero."""
        device, backbone = network.device, network.config.backbone
        w = population.mean if start.w is None else start.w.detach().to(population.mean)
        rows = torch.zeros(1, backbone.num_ws, backbone.w_dim, device=device) if method == "W+" else None
        channels = torch.zeros(1, network.layout.num_channels, device=device) if method == "styles" else None
        angles = torch.tensor([start.yaw_rad, start.pitch_rad], dtype=torch.float32, device=device)
        made = cls(population.v(w).clone(), rows, channels, angles)
        for tensor in made.tensors().values():
            tensor.requires_grad_()
        return made

    def tensors(self) -> dict[str, Tensor]:
        """What is varied, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def w(self, population: Population) -> Tensor:
        """``[1, w_dim]``: the likely face without departures."""
        return population.w(self.shared)

    def styles(self, network: StyleGenerator, population: Population) -> Tensor:
        """``[1, S]``, differentiable."""
        ws = self.w(population)[:, None].expand(-1, network.config.backbone.num_ws, -1)
        if self.rows is not None:
            ws = ws + self.rows @ population.root
        styles = network.styles(ws)
        return styles if self.channels is None else styles + self.channels * population.style_std

    def unlikeliness(self, face: float, departure: float) -> Tensor:
        """The regularisation to the population: mean squares, weighted by ``face`` and ``departure``."""
        cost = face * self.shared.square().mean()
        for part in (self.rows, self.channels):
            cost = cost if part is None else cost + departure * part.square().mean()
        return cost

    def copy(self) -> Variables:
        """The values now, detached."""
        return Variables(*(None if value is None else value.detach().clone() for value in vars(self).values()))
