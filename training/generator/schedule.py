"""How far training is: stages, shares of the time, learning rates, who comes next."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .presets import STAGES, Preset

_WARM_UP_STEPS = 80
_CONSTANT_SHARE = 0.35  # of a stage at the full rate; then it falls along a cosine
_LEAST_RATE = 0.02


@dataclass(frozen=True)
class Budget:
    """The whole training in ``minutes``, or in ``steps`` (tests: then a run does not depend on the machine's speed)."""

    minutes: float | None = None
    steps: int | None = None

    def progress(self, clock: Clock, share: float) -> float:
        """How much of a stage of ``share`` is done, 0..1."""
        if self.steps is not None:
            return min(clock.stage_steps / max(self.steps * share, 1), 1.0)
        return min(clock.stage_seconds / max(self.minutes * 60 * share, 1e-9), 1.0)


@dataclass
class Clock:
    """What has been done, over all runs of a training: plain numbers that are saved with it."""

    stage: str = STAGES[0]
    stage_steps: int = 0
    stage_seconds: float = 0.0
    steps: int = 0
    people: int = 0
    seconds: float = 0.0

    def tick(self, people: int, seconds: float) -> None:
        """A step is done."""
        self.stage_steps += 1
        self.steps += 1
        self.people += people
        self.stage_seconds += seconds
        self.seconds += seconds

    def next_stage(self) -> bool:
        """Go to the next stage; False after the last."""
        place = STAGES.index(self.stage) + 1
        if place == len(STAGES):
            return False
        self.stage, self.stage_steps, self.stage_seconds = STAGES[place], 0, 0.0
        return True


def rate_factor(progress: float, stage_steps: int) -> float:
    """The learning rate's factor: rises over the first steps, stays, falls to nearly nothing."""
    rise = min(1.0, (stage_steps + 1) / _WARM_UP_STEPS)
    fall = max(progress - _CONSTANT_SHARE, 0.0) / (1 - _CONSTANT_SHARE)
    return rise * max(_LEAST_RATE, 0.5 * (1 + math.cos(math.pi * fall)))


def seconds_left(clock: Clock, budget: Budget, preset: Preset) -> float:
    """An estimate: what is left of this stage, and the stages after it, whatever went before."""
    later = STAGES[STAGES.index(clock.stage) + 1 :]
    share = preset.stages[clock.stage].share
    shares = share * (1 - budget.progress(clock, share)) + sum(preset.stages[name].share for name in later)
    if budget.steps is None:
        return budget.minutes * 60 * shares
    return budget.steps * shares * clock.seconds / max(clock.steps, 1)


class Order:
    """Who is looked at: every head once an epoch, in an order that depends on seed and epoch alone."""

    def __init__(self, count: int, seed: int):
        self.count, self.seed = count, seed
        self._epoch, self._permutation = -1, torch.empty(0)

    def take(self, position: int, count: int) -> Tensor:
        """``[count]``: the people number ``position … position + count - 1`` of the endless sequence."""
        return torch.tensor([self._at(position + i) for i in range(count)])

    def _at(self, position: int) -> int:
        epoch, place = divmod(position, self.count)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            self._epoch, self._permutation = epoch, torch.randperm(self.count, generator=generator)
        return int(self._permutation[place])


def step_generator(device: torch.device, seed: int, step: int, rank: int) -> torch.Generator:
    """The random numbers of one step of one process: nothing about them need be saved."""
    key = (seed * 1_000_003 + step) * 4099 + rank
    return torch.Generator(device).manual_seed(key % (1 << 63))
