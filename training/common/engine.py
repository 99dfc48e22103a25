"""The training loop, once for all networks: steps, schedule, stages, checkpoints, evaluation, Ctrl-C.

A training is exactly repeatable and resumable: a step depends on the weights, the optimizer's moments, the clock and
the seed alone, all of which a checkpoint holds; and nothing stops a step half way but a second Ctrl-C or a kill, after
which the last checkpoint counts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from .checkpoint import beside, load_optimizer, load_state, save_state, state_path
from .clock import Budget, Clock
from .distributed import Processes
from .interrupts import noted_interrupts
from .report import Report, Timer
from .schedule import RateSchedule


@dataclass(frozen=True)
class Stage:
    """A part of a training. ``share`` of the whole; ``batch``: samples per step of one process; ``rate``: the largest
    learning rate, times the ``scale`` of a parameter group where it has one; ``clip``: largest norm of the gradient."""

    name: str = ""
    share: float = 1.0
    batch: int = 1
    rate: float = 1e-3
    schedule: RateSchedule = field(default_factory=RateSchedule)
    clip: float | None = None


@dataclass(frozen=True)
class Step:
    """Which step of which process it is: everything that its random numbers may depend on."""

    stage: Stage
    number: int  # of all steps
    seen: int  # samples before this step, of all processes
    share: float  # of the stage, 0..1
    seed: int
    rank: int = 0
    world: int = 1


class Task(Protocol):
    """What is trained, on what, and how it is judged. ``objective`` holds all that learns. Who inherits from this class
    need not say what a task has nothing to say to."""

    objective: nn.Module  # objective(step) -> weighted losses by name; the sum of those with a gradient is minimised
    stages: Sequence[Stage]

    def settings(self) -> Mapping[str, object]:
        """What a resumed training must have in common with the first."""

    def modules(self) -> Mapping[str, nn.Module]:
        """Everything whose state a checkpoint holds."""

    def begin(self, stage: Stage) -> torch.optim.Optimizer:
        """Choose what learns in a stage; a fresh optimizer for it."""

    def enter(self, stage: Stage) -> None:
        """Once, before a stage's first step, and not again when it is resumed."""

    def after_step(self, batch: int, seen: int) -> None:
        """After the weights have moved: running means and the like."""

    def evaluate(self) -> Mapping[str, float]:
        """Scores on what was not learned from."""
        return {}

    def preview(self, steps: int) -> None:
        """Pictures for people, if there are any to be made."""

    def export(self, facts: Mapping[str, str]) -> None:
        """Write the result as it is, ready for use."""


@dataclass(frozen=True)
class Run:
    """How a training runs: what changes neither its steps nor their order."""

    out: Path
    budget: Budget
    seed: int = 0
    checkpoint_minutes: float = 3.0
    evaluate_minutes: float = 10.0
    stop_after_steps: int | None = None  # as if Ctrl-C had been pressed then


class Engine:
    """Trains a task. ``run()`` returns whether the training is over; what interrupts it leaves a checkpoint."""

    def __init__(self, task: Task, run: Run, processes: Processes | None = None, report: Report | None = None):
        self.task, self.plan = task, run
        self.processes = processes or Processes(torch.device("cpu"))
        self.report = report or Report(beside(run.out, "progress.jsonl"))
        self.clock = Clock(task.stages[0].name)
        self.scores: dict[str, float] = {}
        self.optimizer: torch.optim.Optimizer | None = None
        self._moments: Mapping[str, Tensor] = {}

    def resume(self) -> None:
        """Go on from the last checkpoint.

        Raises:
            FileError: none is there, it is damaged, or of another training.
        """
        path = state_path(self.plan.out)
        self.clock, self._moments = load_state(path, dict(self.task.modules()), self._settings())
        self.optimizer = None
        if self.processes.is_first:
            self.report.write(f"going on at step {self.clock.steps}")

    def run(self) -> bool:
        """Train until the budget is spent."""
        checkpoint, evaluation = (
            Timer(60 * minutes) for minutes in (self.plan.checkpoint_minutes, self.plan.evaluate_minutes)
        )
        self.begin()
        with noted_interrupts() as interrupted:
            while not (over := self._is_over()) and not self._asked_to_stop(interrupted.is_set()):
                self.step()
                if evaluation.due():
                    self._evaluate()
                if checkpoint.due():
                    self.checkpoint()
            if over:
                self._evaluate()
            self.checkpoint()
        return over

    def begin(self) -> None:
        """Make ready for :meth:`step`, once."""
        if self.optimizer is not None:
            return
        if not self.clock.steps:
            self.task.enter(self._stage)
        self._begin_stage()
        if self.clock.stage_steps:
            load_optimizer(self.optimizer, self._moments, self.clock.stage_steps)
        self._moments = {}

    def step(self) -> dict[str, Tensor]:
        """One step of all processes; returns this one's losses."""
        started, clock, stage = time.monotonic(), self.clock, self._stage
        world, rank = self.processes.world, self.processes.rank
        step = Step(stage, clock.steps, clock.seen, self.share, self.plan.seed, rank, world)
        rate = stage.rate * stage.schedule.factor(step.share, clock.stage_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group.get("scale", 1.0)
        losses = self._objective(step)
        self.optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        if stage.clip is not None:
            nn.utils.clip_grad_norm_(self.task.objective.parameters(), stage.clip)
        self.optimizer.step()
        clock.tick(stage.batch * world)
        self.task.after_step(stage.batch * world, clock.seen)
        clock.spend(self.processes.agree(time.monotonic() - started))
        if self.processes.is_first:
            self.report.add(losses, stage.name)
            self.report.after_step(clock, self.share, self.seconds_left())
        return losses

    @property
    def share(self) -> float:
        """Of the present stage, 0..1."""
        return self.plan.budget.share(self.clock, self._stage.share)

    def seconds_left(self) -> float:
        """An estimate: what is left of this stage, and the stages after it, whatever went before."""
        budget, place = self.plan.budget, list(self.task.stages).index(self._stage)
        shares = self._stage.share * (1 - self.share) + sum(stage.share for stage in self.task.stages[place + 1 :])
        if budget.steps is None:
            return 60 * budget.minutes * shares
        left = budget.steps * shares * self.clock.seconds / max(self.clock.steps, 1)
        return left if budget.minutes is None else min(left, 60 * budget.minutes * shares)

    def checkpoint(self) -> None:
        """Write the state, and the result as it is."""
        if not self.processes.is_first:
            return
        path = state_path(self.plan.out)
        save_state(path, dict(self.task.modules()), self.optimizer, self.clock, self._settings())
        clock, plan = self.clock, self.plan
        made = {"steps": clock.steps, "samples_seen": clock.seen, "seed": plan.seed, "processes": self.processes.world}
        scores = {f"held_out_{name}": f"{value:.4f}" for name, value in self.scores.items()}
        self.task.export(scores | {name: str(number) for name, number in made.items()})

    @property
    def _stage(self) -> Stage:
        return next(stage for stage in self.task.stages if stage.name == self.clock.stage)

    def _begin_stage(self) -> None:
        self.optimizer = self.task.begin(self._stage)
        self._objective = self.processes.wrap(self.task.objective)

    def _is_over(self) -> bool:
        """Goes to the next stage where one is done; whether nothing is left to do."""
        while self.share >= 1:
            place = list(self.task.stages).index(self._stage) + 1
            if place == len(self.task.stages):
                return True
            self.clock.enter(self.task.stages[place].name)
            self.task.enter(self._stage)
            self._begin_stage()
        return False

    def _asked_to_stop(self, interrupted: bool) -> bool:
        """Whether any process was; all agree."""
        limit = self.plan.stop_after_steps
        return bool(self.processes.any(interrupted or (limit is not None and self.clock.steps >= limit)))

    def _evaluate(self) -> None:
        if self.processes.is_first:
            self.scores = dict(self.task.evaluate())
            self.report.scores(self.clock, self.scores)
            self.task.preview(self.clock.steps)

    def _settings(self) -> dict[str, object]:
        return {"seed": self.plan.seed, "world": self.processes.world, **self.task.settings()}
