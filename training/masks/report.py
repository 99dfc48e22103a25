"""What a training says as it goes: a line often, a sheet of edits now and then, a log of both for curves."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from sat3d.errors import ConfigError
from sat3d.files.writing import append_text
from sat3d.pictures import contact_sheet, save_picture, to_pil

from .objective import gather
from .sampling import Draw

if TYPE_CHECKING:
    from .trainer import MaskTrainer

_SHOWN = 6  # faces of a sheet
_RECENT = 200  # steps that the losses of a masks file are the mean of


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
class Reporter:
    """Files beside ``out``: ``<name>.progress.jsonl`` and ``<name>.sheet-<step>.png``; curves on ``board``, too."""

    out: Path
    line_seconds: float = 15.0
    sheet_seconds: float = 600.0
    board: Board | None = None
    write: Callable[[str], None] = print
    _losses: deque[dict[str, Tensor]] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _last_line: float = float("-inf")
    _last_sheet: float = field(default_factory=time.monotonic)
    _since: tuple[int, float] = (0, 0.0)

    def begin(self, training: MaskTrainer) -> None:
        """A run begins, perhaps not the first of its training."""
        self._since = training.progress.step, training.progress.seconds

    def after_step(self, training: MaskTrainer, losses: Mapping[str, Tensor]) -> None:
        self._losses.append(dict(losses))
        now = time.monotonic()
        if not training.processes.is_first:
            return
        if now - self._last_line > self.line_seconds:
            self.say(training)
            self._last_line = now
        if now - self._last_sheet > self.sheet_seconds:
            self.sheet(training)
            self._last_sheet = time.monotonic()

    def recent(self) -> dict[str, float]:
        """The losses' means over the last steps of this process."""
        names = self._losses[0] if self._losses else ()
        return {name: round(torch.stack([row[name] for row in self._losses]).mean().item(), 5) for name in names}

    def say(self, training: MaskTrainer) -> None:
        progress, plan, means = training.progress, training.plan, self.recent()
        step, seconds = self._since
        rate = (progress.step - step) / max(progress.seconds - seconds, 1e-9)
        self._since = progress.step, progress.seconds
        share = max(plan.share(progress), 1e-9)
        left = progress.seconds * (1 - share) / share / 60
        terms = " ".join(f"{name} {value:.4f}" for name, value in means.items())
        self.write(f"step {progress.step} of {plan.iterations} | {terms} | {rate:.2f} steps/s, {left:.1f} min left")
        entry = {"step": progress.step, "seconds": round(progress.seconds, 2), "steps_per_second": round(rate, 4)}
        log = self.out.with_name(f"{self.out.stem}.progress.jsonl")
        append_text(log, json.dumps(entry | {"losses": means}) + "\n")
        if self.board is not None:
            for name, value in means.items():
                self.board.add_scalar(f"losses/{name}", value, progress.step)

    @torch.no_grad()
    def sheet(self, training: MaskTrainer) -> Path:
        """One row a face: source, reference, and the edit of each attribute alone; always the same faces."""
        pairs, device = training.pairs, training.processes.device
        rows = [self._row(training, pairs, i, device) for i in range(min(_SHOWN, len(pairs) // 2))]
        path = self.out.with_name(f"{self.out.stem}.sheet-{training.progress.step:07d}.png")
        names = ["source, reference, " + ", ".join(training.start.attributes)]
        save_picture(contact_sheet(rows, names, cell_px=128), path)
        return path

    def _row(self, training: MaskTrainer, pairs, i: int, device: torch.device) -> list:
        count = len(training.start.attributes)
        same = lambda number: torch.full((count,), number)  # noqa: E731
        transfers = gather(pairs, Draw(same(2 * i), same(2 * i + 1), torch.arange(count)), device)
        edits = training.objective.edit(transfers)
        originals = torch.cat([transfers.source.images[:1], transfers.reference.images[:1]]).to(edits)
        return to_pil(torch.cat([originals, edits]))
