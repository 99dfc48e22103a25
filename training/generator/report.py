"""What a training says as it goes: a line often, scores and a sheet now and then, the checkpoint with every save."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sat3d.files.writing import append_text
from sat3d.pictures import contact_sheet, save_picture, to_pil

from .export import export_network
from .schedule import seconds_left
from .scores import look_at_head, mean_scores

if TYPE_CHECKING:
    from .trainer import Training

CHECKPOINT = "generator.safetensors"
LOG = "progress.jsonl"
_SHOWN_HEADS, _SHOWN_VIEWS = 8, 3


@dataclass
class Reporter:
    """``line_seconds`` between lines on the screen, ``score_seconds`` between scores with a sheet."""

    out: Path
    notes: Mapping[str, object]
    line_seconds: float = 20.0
    score_seconds: float = 600.0
    write: Callable[[str], None] = print
    _losses: dict[str, list[Tensor]] = field(default_factory=dict)
    _last_line: float = field(default_factory=time.monotonic)
    _last_scores: float = field(default_factory=time.monotonic)
    _since: tuple[int, float] | None = None

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """The losses of one step; they stay on their device until a line is due."""
        for name, loss in losses.items():
            self._losses.setdefault(name, []).append(loss.detach())

    def after_step(self, training: Training) -> None:
        now = time.monotonic()
        if now - self._last_line > self.line_seconds or training.clock.steps == 1:
            self.write(self._line(training))
            self._last_line = time.monotonic()
        if now - self._last_scores > self.score_seconds:
            self.report_scores(training)
            self._last_scores = time.monotonic()

    def _line(self, training: Training) -> str:
        clock, plan = training.clock, training.plan
        means = {name: torch.stack(values).mean().item() for name, values in self._losses.items()}
        self._losses.clear()
        people, seconds = self._since or (0, 0.0)
        rate = (clock.people - people) / max(clock.seconds - seconds, 1e-9)
        self._since = clock.people, clock.seconds
        left = seconds_left(clock, plan.budget, plan.preset)
        self._log(training, {"losses": means, "people_per_second": rate})
        losses = " ".join(f"{name} {value:.4f}" for name, value in means.items())
        return (
            f"{clock.stage} {training.progress:.0%} step {clock.steps} | {losses} | {rate:.1f} people/s,"
            f" {clock.people} so far, {left / 60:.0f} min left"
        )

    def report_scores(self, training: Training) -> None:
        """Score people never trained on, and draw them beside the truth."""
        plan, network = training.plan, training.networks.mean.eval()
        unseen = list(plan.kept_heads)
        views = list(range(min(_SHOWN_VIEWS, plan.pack.views)))
        seen = [look_at_head(network, plan.pack, head, views) for head in unseen[:_SHOWN_HEADS]]
        scores = mean_scores(seen)
        self._log(training, asdict(scores))
        self.write(
            f"unseen people: {scores.psnr:.2f} dB, depth off by {scores.depth:.1%} of the head,"
            f" silhouette {scores.silhouette:.1%}"
        )
        rows = [to_pil(torch.stack([picture.cpu() for picture in head.pictures])) for head in seen]
        save_picture(contact_sheet(rows, cell_px=160), self.out / f"sheet_{training.clock.steps:07d}.png")

    def _log(self, training: Training, facts: Mapping[str, object]) -> None:
        clock = training.clock
        entry = {"stage": clock.stage, "step": clock.steps, "people": clock.people, "seconds": round(clock.seconds, 1)}
        append_text(self.out / LOG, json.dumps(entry | dict(facts)) + "\n")

    def export(self, training: Training) -> None:
        """The running mean as a checkpoint."""
        plan = training.plan
        data = {"data": plan.data_name, "heads": len(plan.pack)}
        notes = {**self.notes, **plan.settings, **data, **asdict(training.clock)}
        export_network(self.out / CHECKPOINT, training.networks.mean, notes)
