"""Parameters of an inversion. All methods share one form: a likely face plus departures that cost.

    w_row = w(shared) + rows @ root,   styles = affine(w) + channels · std

W varies ``shared`` alone, W+ also ``rows``, *styles* also ``channels`` (our S space). Units are those of the
population's spread, so that one learning rate fits all, and departures stay small: an edit moves channels as it does
in other faces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import ConfigError
from ..generators import StyleGenerator
from .w_statistics import WStatistics

METHODS = ("W", "W+", "styles")
_LEAST_STD = 1e-6  # channels that no face uses


@dataclass(frozen=True)
class Start:
    """Where to begin: ``w [1, w_dim]`` (None: the mean face), the camera's angles in radians; roll is not varied.

    ``rows [1, L, w_dim]``, ``channels [1, S]``: departures to go on from, where the method varies them. ``ws [1, L,
    w_dim]``: a w+ to begin with, in the place of w and departures."""

    w: Tensor | None = None
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    roll_rad: float = 0.0
    rows: Tensor | None = None
    channels: Tensor | None = None
    ws: Tensor | None = None

    def all_rows(self, network: StyleGenerator) -> Tensor:
        """The w+ without departures, ``[1, L, w_dim]``.

        Raises:
            ConfigError: neither w nor w+ is known.
        """
        if self.ws is not None:
            return self.ws
        if self.w is None:
            raise ConfigError("There is no face to begin with", "a camera alone", "w or w+", "ask an encoder first")
        return network.broadcast(self.w)


@dataclass
class Variables:
    """``shared [1, D]``, ``rows [1, L, D]``, ``channels [1, S]``, ``angles [2]`` (yaw, pitch); None: not varied."""

    shared: Tensor
    rows: Tensor | None
    channels: Tensor | None
    angles: Tensor

    @classmethod
    def at(cls, start: Start, method: str, network: StyleGenerator, statistics: WStatistics) -> Variables:
        """All departures zero, or those of ``start``."""
        device, backbone = network.device, network.config.backbone
        start = start if start.ws is None else _split(start, method, network, statistics)
        w = statistics.mean if start.w is None else start.w.detach().to(statistics.mean)
        rows = _departure(start.rows, (1, backbone.num_ws, backbone.w_dim), device) if method == "W+" else None
        channels = _departure(start.channels, (1, network.layout.num_channels), device) if method == "styles" else None
        made = cls(statistics.v(w).clone(), rows, channels, angles_from(start, device))
        for tensor in made.tensors().values():
            tensor.requires_grad_()
        return made

    def tensors(self) -> dict[str, Tensor]:
        """What is varied, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def w(self, statistics: WStatistics) -> Tensor:
        """``[1, w_dim]``: the likely face without departures."""
        return statistics.w(self.shared)

    def styles(self, network: StyleGenerator, statistics: WStatistics) -> Tensor:
        """``[1, S]``, differentiable."""
        ws = network.broadcast(self.w(statistics))
        if self.rows is not None:
            ws = ws + self.rows @ statistics.root
        styles = network.styles(ws)
        return styles if self.channels is None else styles + self.channels * statistics.style_std

    def unlikeliness(self, face: float, departure: float) -> Tensor:
        """The regularisation to the population: mean squares, weighted by ``face`` and ``departure``."""
        cost = face * self.shared.square().mean()
        for part in (self.rows, self.channels):
            cost = cost if part is None else cost + departure * part.square().mean()
        return cost

    def start(self, statistics: WStatistics, roll_rad: float) -> Start:
        """To begin the next, similar picture with."""
        kept = (None if part is None else part.detach().clone() for part in (self.rows, self.channels))
        return Start(self.w(statistics).detach(), *angles_in(self.angles), roll_rad, *kept)

    def copy(self) -> Variables:
        """The values now, detached."""
        return replace(self, **{name: value.detach().clone() for name, value in self.tensors().items()})


@dataclass
class HeldVariables:
    """A face of which some style channels alone may move: ``styles [1, S]`` + ``channels [1, S]`` · ``free [S]`` · std.

    Used as :class:`Variables` are, for the frames of one person whose expression changes.
    """

    base: Tensor
    free: Tensor
    channels: Tensor
    angles: Tensor

    @classmethod
    def at(cls, base: Tensor, free: Tensor, own: Tensor, start: Start, statistics: WStatistics) -> HeldVariables:
        """``base [1, S]``, ``free [S]`` bool; begin at the free channels of ``own [1, S]``."""
        channels = ((own - base) * free / statistics.style_std.clamp_min(_LEAST_STD)).detach()
        return cls(base.detach(), free, channels.requires_grad_(), angles_from(start, base.device).requires_grad_())

    def tensors(self) -> dict[str, Tensor]:
        """What is varied, by name."""
        return {"channels": self.channels, "angles": self.angles}

    def styles(self, network: StyleGenerator, statistics: WStatistics) -> Tensor:
        """``[1, S]``, differentiable; channels that are not free are exactly those of ``base``."""
        return torch.where(self.free, self.base + self.channels * statistics.style_std, self.base)

    def unlikeliness(self, face: float, departure: float) -> Tensor:
        """Mean square of the departures of free channels."""
        return departure * (self.channels * self.free).square().sum() / self.free.sum().clamp_min(1)

    def start(self, statistics: WStatistics, roll_rad: float) -> Start:
        """The camera alone: there is no likely face to go on from."""
        return Start(None, *angles_in(self.angles), roll_rad)

    def copy(self) -> HeldVariables:
        """The values now, detached."""
        return replace(self, **{name: value.detach().clone() for name, value in self.tensors().items()})


def angles_in(angles: Tensor) -> tuple[float, float]:
    """``[2]`` -> yaw and pitch."""
    yaw_rad, pitch_rad = angles.tolist()
    return yaw_rad, pitch_rad


def _split(start: Start, method: str, network: StyleGenerator, statistics: WStatistics) -> Start:
    """A w+ as the mean of its rows and departures from it, of the kind that the method varies."""
    ws = start.all_rows(network).detach().to(statistics.mean)
    w = ws.mean(1)
    rows = torch.linalg.solve(statistics.root, ws - w[:, None], left=False)
    alike = network.styles(w[:, None].expand_as(ws))
    channels = (network.styles(ws) - alike) / statistics.style_std.clamp_min(_LEAST_STD)
    return replace(start, w=w, rows=rows, channels=channels, ws=None)


def angles_from(start: Start, device: torch.device) -> Tensor:
    """``[2]``: yaw and pitch."""
    return torch.tensor([start.yaw_rad, start.pitch_rad], dtype=torch.float32, device=device)


def _departure(begun: Tensor | None, shape: tuple[int, ...], device: torch.device) -> Tensor:
    if begun is None:
        return torch.zeros(shape, device=device)
    return begun.detach().to(device, torch.float32).clone().expand(shape).contiguous()
