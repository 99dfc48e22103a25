"""The exponential moving average of the weights, which is what is shipped."""

import torch
from torch import nn

_RAMP = 0.1  # the mean never looks back farther than this share of what has been seen


class RunningMean:
    """Keeps ``mean`` close to ``network``; the half-life is counted in people, whatever the batch."""

    def __init__(self, network: nn.Module, mean: nn.Module, half_life_people: float):
        self.pairs = list(zip(mean.parameters(), network.parameters(), strict=True))
        self.half_life_people = half_life_people

    @torch.no_grad()
    def update(self, batch: int, people: int) -> None:
        """After a step with ``batch`` people, ``people`` in all."""
        half_life = min(self.half_life_people, max(_RAMP * people, 1.0))
        moving = [(mean, now) for mean, now in self.pairs if now.requires_grad]
        torch._foreach_lerp_([m for m, _ in moving], [n.detach() for _, n in moving], 1 - 0.5 ** (batch / half_life))
