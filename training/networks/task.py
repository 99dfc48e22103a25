"""The small networks as tasks of the engine: one cycle of the learning rate, an average of the weights that is kept."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from sat3d.seeds import mixed_seed

from ..common.ema import RunningMean
from ..common.engine import Stage, Step, Task
from ..common.random_numbers import Draws, EpochOrder
from ..common.schedule import RateSchedule

_HALF_LIFE_STEPS = 350.0  # of the average
_LARGEST_GRADIENT = 5.0


class SmallNetwork(Protocol):
    """What is trained, on what, and how it is judged."""

    module: nn.Module  # the network and whatever else learns with it
    device: str
    total: int  # number of views to learn from

    def loss(self, index: Tensor, draws: Draws) -> dict[str, Tensor]:
        """Terms whose sum is minimised, for the views of these numbers."""

    def evaluate(self, module: nn.Module) -> dict[str, float]:
        """Scores of ``module`` on people it has not learned from."""

    def save(self, module: nn.Module, path: Path, facts: Mapping[str, str]) -> None:
        """Write the network of ``module``, ready for use."""

    def start_from(self, path: Path) -> None:
        """Take over the weights of a finished network."""

    def facts(self) -> dict[str, object]:
        """What a resumed training must have in common with the first."""


@dataclass(frozen=True)
class Recipe:
    """``warmup``: share of the training; after it the rate falls along a cosine. ``minutes``: unless a user says."""

    batch: int = 64
    rate: float = 3e-3
    minutes: float = 60.0
    decay: float = 0.02
    warmup: float = 0.04

    @property
    def stage(self) -> Stage:
        schedule = RateSchedule(self.warmup, first=0.05, constant_share=0.0, last=0.01)
        return Stage("", 1.0, self.batch, self.rate, schedule, _LARGEST_GRADIENT)


class BatchLosses(nn.Module):
    """The losses of a step's views, each of which comes once an epoch."""

    def __init__(self, network: SmallNetwork):
        super().__init__()
        self.network, self.module = network, network.module
        self._order: EpochOrder | None = None

    def forward(self, step: Step) -> dict[str, Tensor]:
        if self._order is None:
            self._order = EpochOrder(self.network.total, step.seed)
        torch.manual_seed(mixed_seed(step.seed, step.number, step.rank, 1))  # of dropout
        index = self._order.take(step.seen, step.stage.batch * step.world)[step.rank :: step.world]
        return self.network.loss(index, Draws(step.seed, step.number, step.rank, device=self.network.device))


class NetworkTask(Task):
    """See :class:`training.common.engine.Task`; judges and writes ``out`` from the average of the weights."""

    def __init__(self, network: SmallNetwork, recipe: Recipe, out: Path):
        self.network, self.recipe, self.out = network, recipe, out
        self.module = network.module.to(network.device, memory_format=torch.channels_last).train()
        self.average = copy.deepcopy(self.module).eval().requires_grad_(False)
        self.mean = RunningMean(self.module, self.average, _HALF_LIFE_STEPS * recipe.batch)
        self.objective, self.stages = BatchLosses(network), (recipe.stage,)

    def settings(self) -> dict[str, object]:
        recipe = self.recipe
        return {"batch": recipe.batch, "rate": recipe.rate, "decay": recipe.decay, **self.network.facts()}

    def modules(self) -> dict[str, nn.Module]:
        return {"module": self.module, "average": self.average}

    def begin(self, stage: Stage) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.module.parameters(), lr=stage.rate, weight_decay=self.recipe.decay)

    def after_step(self, batch: int, seen: int) -> None:
        self.mean.update(batch, seen)

    def evaluate(self) -> dict[str, float]:
        return self.network.evaluate(self.average)

    def export(self, facts: Mapping[str, str]) -> None:
        self.network.save(self.average, self.out, facts)
