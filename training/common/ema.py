"""The exponential moving average of the weights, which is what is shipped."""

from __future__ import annotations

import torch
from torch import nn

_RAMP = 0.1  # the mean never looks back farther than this share of what has been seen


class RunningMean:
    """Keeps ``mean`` close to ``network``: parameters and stored floating-point buffers are averaged, others copied.

    The half-life is counted in samples, whatever the batch. Buffers that no file keeps are constants, such as a causal
    mask, whose infinities have no average.
    """

    def __init__(self, network: nn.Module, mean: nn.Module, half_life: float):
        self.half_life = half_life
        now, averaged = dict(network.named_parameters()), dict(mean.named_parameters())
        self.parameters = [(averaged[name], now[name]) for name in averaged]
        stored, buffers = network.state_dict().keys(), dict(mean.named_buffers())
        pairs = [(name, buffers[name], now) for name, now in network.named_buffers()]
        self.averaged = [(mean, now) for name, mean, now in pairs if name in stored and now.is_floating_point()]
        self.copied = [(mean, now) for name, mean, now in pairs if name not in stored or not now.is_floating_point()]

    @torch.no_grad()
    def update(self, batch: int, seen: int) -> None:
        """After a step with ``batch`` samples, ``seen`` in all. Parameters that are not trained are left alone."""
        half_life = min(self.half_life, max(_RAMP * seen, 1.0))
        moving = [(mean, now.detach()) for mean, now in self.parameters if now.requires_grad]
        moving += self.averaged
        if moving:
            means, nows = zip(*moving, strict=True)
            torch._foreach_lerp_(list(means), list(nows), 1 - 0.5 ** (batch / half_life))
        for mean, now in self.copied:
            mean.copy_(now)
