"""The loop: stages one after the other, saved often enough that a kill costs minutes, reported as it goes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from training.common.distributed import Processes
from training.common.ema import RunningMean

from ..data.packed import HeadPack
from . import setup, state
from .objective import Objective
from .presets import Preset
from .report import Reporter
from .schedule import Budget, Clock, Order, rate_factor, step_generator


@dataclass(frozen=True)
class Plan:
    """What the command line asks for. ``save_seconds``: time between saves of the state."""

    preset: Preset
    pack: HeadPack
    out: Path
    budget: Budget
    seed: int
    data_name: str
    resume: bool = False
    save_seconds: float = 120.0
    stop_after_steps: int | None = None

    @property
    def settings(self) -> dict[str, object]:
        """What must be the same when a training goes on."""
        return {"preset": self.preset.name, "seed": self.seed}

    @property
    def kept_heads(self) -> range:
        """The first heads are never trained on, so that a data set may grow between runs."""
        return range(self.preset.validation_heads)


@dataclass
class Training:
    """A training in progress."""

    plan: Plan
    processes: Processes
    networks: setup.Networks
    clock: Clock
    reporter: Reporter
    perceptual: torch.nn.Module | None = None
    optimizer: torch.optim.Optimizer = field(init=False)
    objective: Objective = field(init=False)
    step_module: torch.nn.Module = field(init=False)
    mean: RunningMean = field(init=False)

    def __post_init__(self):
        self.order = Order(len(self.plan.pack) - len(self.plan.kept_heads), self.plan.seed)
        self.mean = RunningMean(self.networks.network, self.networks.mean, self.plan.preset.ema_people)

    def start_stage(self) -> None:
        """Choose what is trained, with a fresh optimizer."""
        settings = self.plan.preset.stages[self.clock.stage]
        setup.choose_trained(self.networks.network, with_pictures=settings.patch > 0)
        self.optimizer = setup.make_optimizer(self.networks.network, settings.learning_rate)
        self.objective = Objective(self.networks.network, self.networks.sparsity, self.plan.preset, self.perceptual)
        self.step_module = self.processes.wrap(self.objective)

    def run(self) -> None:
        """Until the budget is spent, or ``stop_after_steps``."""
        self.start_stage()
        if self.plan.resume and self.clock.stage_steps:
            state.load_optimizer(self.plan.out, self.optimizer)
        saved = time.monotonic()
        while not self._is_over():
            self.step()
            if time.monotonic() - saved > self.plan.save_seconds:
                self.save()
                saved = time.monotonic()
            if self.processes.is_first:
                self.reporter.after_step(self)
        self.save()

    def _is_over(self) -> bool:
        """Goes to the next stage where one is done; whether there is nothing left to do now."""
        if self.plan.stop_after_steps is not None and self.clock.steps >= self.plan.stop_after_steps:
            return True
        while self.progress >= 1:
            if not self.clock.next_stage():
                return True
            self.start_stage()
        return False

    @property
    def progress(self) -> float:
        """Of the stage, 0..1."""
        return self.plan.budget.progress(self.clock, self.plan.preset.stages[self.clock.stage].share)

    def step(self) -> dict[str, Tensor]:
        """One step of all processes; returns this one's losses."""
        started = time.monotonic()
        settings, processes = self.plan.preset.stages[self.clock.stage], self.processes
        setup.set_rate(self.optimizer, settings.learning_rate * rate_factor(self.progress, self.clock.stage_steps))
        people = settings.batch * processes.world
        mine = self.order.take(self.clock.people, people)[processes.rank :: processes.world]
        heads = (mine + len(self.plan.kept_heads)).to(processes.device)
        generator = step_generator(processes.device, self.plan.seed, self.clock.steps, processes.rank)
        losses = self.step_module(self.clock.stage, self.plan.pack, heads, generator)
        self.optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        self.optimizer.step()
        self.clock.tick(people, 0.0)
        self.mean.update(people, self.clock.people)
        seconds = processes.agree(time.monotonic() - started)
        self.clock.stage_seconds += seconds
        self.clock.seconds += seconds
        self.reporter.add(losses)
        return losses

    def save(self) -> None:
        if self.processes.is_first:
            state.save_state(self.plan.out, self.networks.modules(), self.optimizer, self.clock, self.plan.settings)
            self.reporter.export(self)
