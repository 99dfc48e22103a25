"""Statistics of w over the latents a generator was trained with: mean and spread, which say what faces are likely."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ConfigError
from ..generators import StyleGenerator

_FACES = 4096
_FLOOR = 0.01  # of the mean variance: directions that the population hardly uses stay a little open
_LEAST_VARIANCE = 1e-12  # of a mapping that makes the same w of every z


@dataclass(frozen=True)
class WStatistics:
    """w = ``mean`` + v @ ``root`` with v of unit variance; ``style_std [S]``: the spread of every style channel."""

    mean: Tensor  # [1, w_dim]
    root: Tensor  # [w_dim, w_dim]
    style_std: Tensor  # [S]

    def w(self, v: Tensor) -> Tensor:
        """``[…, w_dim]`` in units of the population's spread -> w."""
        return self.mean + v @ self.root

    def v(self, w: Tensor) -> Tensor:
        """The inverse of :meth:`w`."""
        return torch.linalg.solve(self.root, w - self.mean, left=False)


@torch.no_grad()
def measure_w_statistics(network: StyleGenerator, seed: int = 0) -> WStatistics:
    """Mean and covariance of w over some thousand z of ``seed``; conditioned networks get the
    frontal camera, or each of their classes as often as any other.

    Raises:
        ConfigError: the network was made under inference mode, and cannot be optimised through.
    """
    check_usable(network)
    config = network.config.backbone
    count = max(_FACES, 8 * config.w_dim)
    z = torch.randn(count, config.z_dim, generator=torch.Generator().manual_seed(seed)).to(network.device)
    w = network.map(z, network.labels(range(count)))[:, 0]
    values, axes = torch.linalg.eigh(torch.atleast_2d(torch.cov(w.T.double())))
    values = (values.clamp_min(0) + _FLOOR * values.mean()).clamp_min(_LEAST_VARIANCE)
    root = ((axes * values.sqrt()) @ axes.T).float()
    rows = network.broadcast(root)
    styles = network.styles(torch.cat([rows, torch.zeros_like(rows[:1])]))
    return WStatistics(w.mean(0, keepdim=True), root, (styles[:-1] - styles[-1:]).square().sum(0).sqrt())


def check_usable(network: StyleGenerator) -> None:
    """Refuse a network that no gradient can go through.

    Raises:
        ConfigError: its weights were made under inference mode.
    """
    if any(parameter.is_inference() for parameter in network.parameters()):
        raise ConfigError(
            "The generator cannot be optimised through",
            "weights made under torch.inference_mode()",
            "weights made outside",
            "load it with torch.inference_mode(False)",
        )
