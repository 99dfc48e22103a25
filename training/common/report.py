"""What a training says as it goes: a line often, scores and pictures now and then; all of it also as JSON lines."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from sat3d.errors import ConfigError
from sat3d.files.writing import append_text

from .clock import Clock


class Timer:
    """``due()`` is true once per ``seconds``."""

    def __init__(self, seconds: float):
        self.seconds, self.last = seconds, time.monotonic()

    def due(self) -> bool:
        now = time.monotonic()
        if now - self.last < self.seconds:
            return False
        self.last = now
        return True


class Board(Protocol):
    """What is used of TensorBoard's ``SummaryWriter``."""

    def add_scalar(self, tag: str, value: float, step: int) -> None: ...


def open_board(folder: Path) -> Board:
    """A folder that ``tensorboard --logdir`` shows.

    Raises:
        ConfigError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        step = "pip install tensorboard, or leave --tensorboard away: the .progress.jsonl file holds the same"
        raise ConfigError("TensorBoard is not installed", error, "the package tensorboard", step) from error
    return SummaryWriter(str(folder))


@dataclass
class Report:
    """``log``: a file that gets a JSON object per line; ``write``: where lines for people go; ``board``: curves."""

    log: Path | None = None
    line_seconds: float = 15.0
    write: Callable[[str], None] = lambda line: print(line, flush=True)
    board: Board | None = None
    _losses: dict[str, Tensor] = field(default_factory=dict)
    _steps: int = 0
    _since: tuple[int, float] | None = None
    _stage: str | None = None

    def __post_init__(self):
        self._line = Timer(self.line_seconds)

    def add(self, losses: Mapping[str, Tensor], stage: str = "") -> None:
        """The losses of one step; they stay on their device until a line is due."""
        if stage != self._stage:  # means are of one stage
            self._stage, self._losses, self._steps = stage, {}, 0
        for name, loss in losses.items():
            self._losses[name] = self._losses.get(name, 0.0) + loss.detach()
        self._steps += 1

    def after_step(self, clock: Clock, share: float, seconds_left: float) -> None:
        """Says a line where one is due, and after the first step."""
        if not (self._line.due() or clock.steps == 1) or not self._steps:
            return
        means = {name: float(torch.as_tensor(total)) / self._steps for name, total in self._losses.items()}
        seen, seconds = self._since or (0, 0.0)
        rate = (clock.seen - seen) / max(clock.seconds - seconds, 1e-9)
        self._since, self._losses, self._steps = (clock.seen, clock.seconds), {}, 0
        losses = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
        stage = f"{clock.stage} " if clock.stage else ""
        self.write(
            f"{stage}{share:.0%}  step {clock.steps}  {losses}  {rate:.1f}/s, {clock.seen} seen,"
            f" {seconds_left / 60:.1f} min left"
        )
        self.note(clock, {"losses": means, "per_second": rate})
        for name, value in means.items() if self.board else ():
            self.board.add_scalar(f"losses/{name}", value, clock.steps)

    def scores(self, clock: Clock, scores: Mapping[str, float]) -> None:
        if scores:
            self.write("held out: " + "  ".join(f"{name} {value:.3f}" for name, value in scores.items()))
            self.note(clock, {"held_out": dict(scores)})

    def note(self, clock: Clock, facts: Mapping[str, object]) -> None:
        """A line of the log."""
        if self.log is None:
            return
        entry = {"stage": clock.stage, "step": clock.steps, "seen": clock.seen, "seconds": round(clock.seconds, 1)}
        append_text(self.log, json.dumps(entry | dict(facts)) + "\n")
