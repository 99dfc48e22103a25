"""The exponential moving average of the weights, which is what is shipped."""

from __future__ import annotations

import torch
from torch import nn

_RAMP = 0.1  # the mean never looks back farther than this share of what has been seen


class RunningMean:
    """Keeps ``mean`` close to ``network``: parameters and floating-point buffers are averaged, others are copied.

    The half-life is counted in samples, whatever the batch.
    """

    def __init__(self, network: nn.Module, mean: nn.Module, half_life: float):
        self.half_life = half_life
        now, averaged = dict(network.named_parameters()), dict(mean.named_parameters())
        self.parameters = [(averaged[name], now[name]) for name in averaged]
        self.buffers = list(zip(mean.buffers(), network.buffers(), strict=True))

    @torch.no_grad()
    def update(self, batch: int, seen: int) -> None:
        """After a step with ``batch`` samples, ``seen`` in all. Parameters that are not trained are left alone."""
        half_life = min(self.half_life, max(_RAMP * seen, 1.0))
        moving = [(mean, now.detach()) for mean, now in self.parameters if now.requires_grad]
        moving += [(mean, now) for mean, now in self.buffers if now.is_floating_point()]
        if moving:
            means, nows = zip(*moving, strict=True)
            torch._foreach_lerp_(list(means), list(nows), 1 - 0.5 ** (batch / half_life))
        for mean, now in self.buffers:
            if not now.is_floating_point():
                mean.copy_(now)
