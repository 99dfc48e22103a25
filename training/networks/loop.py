"""The training loop of the small networks: one schedule, one average of the weights, checkpoints, reports."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from ..data.views import batch_of
from .checkpoint import Progress, load_state, save_state, state_path
from .dice import Dice

_REPORT_SECONDS = 15.0
_FINAL_RATE = 0.01  # of the largest learning rate
_SLOWEST_AVERAGE = 0.998


class Task(Protocol):
    """What is trained, on what, and how it is judged."""

    module: nn.Module  # the network and whatever else learns with it
    total: int  # number of views to learn from

    def loss(self, index: Tensor, dice: Dice) -> dict[str, Tensor]:
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
class Plan:
    """``steps`` or ``minutes`` end the training, whichever is set; steps make it exactly repeatable."""

    seed: int = 0
    batch: int = 64
    rate: float = 3e-3
    decay: float = 0.02
    warmup: float = 0.04  # share of the training
    steps: int | None = None
    minutes: float | None = None
    checkpoint_minutes: float = 3.0
    evaluate_minutes: float = 10.0

    def share(self, progress: Progress) -> float:
        """How much of the training is done, 0..1."""
        done = progress.step / self.steps if self.steps is not None else progress.seconds / (60 * self.minutes)
        return min(1.0, done)

    def rate_at(self, share: float) -> float:
        """One cycle: up in a straight line, down along a cosine."""
        if share < self.warmup:
            return self.rate * (0.05 + 0.95 * share / self.warmup)
        down = 0.5 + 0.5 * math.cos(math.pi * (share - self.warmup) / (1 - self.warmup))
        return self.rate * (_FINAL_RATE + (1 - _FINAL_RATE) * down)


class Trainer:
    """Trains a task and writes ``out`` at every checkpoint, from the average of the weights."""

    def __init__(self, task: Task, plan: Plan, out: Path, device: torch.device | str = "cpu"):
        self.task, self.plan, self.out, self.device = task, plan, out, device
        self.module = task.module.to(device, memory_format=torch.channels_last).train()
        self.average = copy.deepcopy(self.module).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.module.parameters(), lr=plan.rate, weight_decay=plan.decay)
        self.progress = Progress()
        self.scores: dict[str, float] = {}

    def resume(self) -> None:
        """Go on from the last checkpoint.

        Raises:
            FileError: the state is damaged or of another training.
        """
        modules = {"module": self.module, "average": self.average}
        self.progress = load_state(state_path(self.out), modules, self.optimizer, self._fixed())

    def run(self) -> dict[str, float]:
        """Train to the end of the plan; the scores of the result. Ctrl-C leaves a checkpoint."""
        report, checkpoint, evaluation = (
            Report(),
            _Timer(self.plan.checkpoint_minutes),
            _Timer(self.plan.evaluate_minutes),
        )
        started, before = time.monotonic(), self.progress.seconds
        try:
            while (share := self.plan.share(self.progress)) < 1:
                report.add(self._step(share), self.plan.batch)
                self.progress.seconds = before + time.monotonic() - started
                report.say(self.progress, self.plan)
                if evaluation.due():
                    self._evaluate()
                if checkpoint.due():
                    self.checkpoint()
        except KeyboardInterrupt:
            self.checkpoint()
            raise
        self._evaluate()
        self.checkpoint()
        return self.scores

    def _step(self, share: float) -> dict[str, Tensor]:
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate_at(share)
        step = self.progress.step
        torch.manual_seed(self.plan.seed * 1_000_003 + step)  # of dropout
        index = batch_of(step, self.plan.batch, self.task.total, self.plan.seed)
        terms = self.task.loss(index, Dice(self.plan.seed, step, self.device))
        self.optimizer.zero_grad(set_to_none=True)
        sum(terms.values()).backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), 5.0)
        self.optimizer.step()
        self._update_average(min(_SLOWEST_AVERAGE, (1 + step) / (10 + step)))
        self.progress.step += 1
        return {name: term.detach() for name, term in terms.items()}

    @torch.no_grad()
    def _update_average(self, keep: float) -> None:
        pairs = list(zip(self.average.state_dict().values(), self.module.state_dict().values(), strict=True))
        floating = [(old, new) for old, new in pairs if old.is_floating_point()]
        torch._foreach_lerp_([old for old, _ in floating], [new for _, new in floating], 1 - keep)
        for old, new in pairs:
            if not old.is_floating_point():
                old.copy_(new)

    def _evaluate(self) -> None:
        self.scores = self.task.evaluate(self.average)
        print("held out: " + "  ".join(f"{name} {value:.3f}" for name, value in self.scores.items()), flush=True)

    def checkpoint(self) -> None:
        """Write the state, and the network as it is."""
        modules = {"module": self.module, "average": self.average}
        save_state(state_path(self.out), modules, self.optimizer, self.progress, self._fixed())
        facts = {f"held_out_{name}": f"{value:.4f}" for name, value in self.scores.items()}
        self.task.save(self.average, self.out, {**facts, "images_seen": str(self.progress.step * self.plan.batch)})

    def _fixed(self) -> dict[str, object]:
        plan = {name: getattr(self.plan, name) for name in ("seed", "batch", "rate", "decay")}
        return {**plan, **self.task.facts()}


class _Timer:
    def __init__(self, minutes: float):
        self.seconds, self.last = 60 * minutes, time.monotonic()

    def due(self) -> bool:
        now = time.monotonic()
        if now - self.last < self.seconds:
            return False
        self.last = now
        return True


class Report:
    """Mean of the loss's terms, pictures a second and time to go, said every quarter of a minute."""

    def __init__(self):
        self.sums: dict[str, Tensor] = {}
        self.steps = self.images = 0
        self.since = time.monotonic()

    def add(self, terms: Mapping[str, Tensor], images: int) -> None:
        for name, term in terms.items():
            self.sums[name] = self.sums.get(name, 0) + term
        self.steps, self.images = self.steps + 1, self.images + images

    def say(self, progress: Progress, plan: Plan) -> None:
        seconds = time.monotonic() - self.since
        if seconds < _REPORT_SECONDS:
            return
        share = max(plan.share(progress), 1e-9)
        terms = "  ".join(f"{name} {float(total) / self.steps:.3f}" for name, total in self.sums.items())
        to_go = progress.seconds * (1 - share) / share / 60
        print(f"step {progress.step}  {self.images / seconds:.0f} img/s  {terms}  {to_go:.1f} min to go", flush=True)
        self.__init__()
