"""Learning rates over a stage: factors 0..1 of the largest rate."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class RateSchedule:
    """Rises in a straight line over ``warmup_share`` of the stage (at least ``warmup_steps``), stays for
    ``constant_share``, then falls along a cosine to ``last``. The defaults never change the rate."""

    warmup_share: float = 0.0
    warmup_steps: int = 0
    first: float = 0.0
    constant_share: float = 1.0
    last: float = 1.0

    def factor(self, share: float, stage_steps: int) -> float:
        """At ``share`` 0..1 of the stage, after ``stage_steps``."""
        rise = 1.0
        if share < self.warmup_share:
            rise = share / self.warmup_share
        if self.warmup_steps:
            rise = min(rise, (stage_steps + 1) / self.warmup_steps)
        rise = self.first + (1 - self.first) * min(rise, 1.0)
        begin = self.warmup_share + self.constant_share
        fall = min(max(share - begin, 0.0) / max(1 - begin, 1e-9), 1.0)
        return rise * (self.last + (1 - self.last) * 0.5 * (1 + math.cos(math.pi * fall)))
