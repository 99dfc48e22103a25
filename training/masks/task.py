"""Mask learning as a task of the engine: transfers between measured faces, Ranger, sheets of edits."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from sat3d.learning.face_cache import Pairs
from sat3d.learning.objective import Objective, gather
from sat3d.learning.sampling import Draw, draw_transfers, most_different
from sat3d.masks import AttributeMasks
from sat3d.pictures import contact_sheet, save_picture, to_pil
from training.common.checkpoint import beside
from training.common.engine import Stage, Step, Task

from .optimizer import make_ranger
from .settings import Recipe

_SHOWN = 6  # faces of a sheet
_RECENT = 200  # steps that the losses of a masks file are the mean of


class StepLosses(nn.Module):
    """The losses of a step's transfers; only the whole has a gradient, its parts are told. ``recent``: the last."""

    def __init__(self, masks: Objective, pairs: Pairs, contrast: int):
        super().__init__()
        self.masks, self.pairs, self.contrast = masks, pairs, contrast
        self.recent: deque[dict[str, Tensor]] = deque(maxlen=_RECENT)

    def forward(self, step: Step) -> dict[str, Tensor]:
        studio, count = self.masks.studio, step.stage.batch * step.world
        attributes = len(studio.domain.attributes)
        chances = draw_transfers(step.seed, step.number, count, len(self.pairs), attributes, self.contrast)
        draw = most_different(chances, self.pairs.scores, studio.domain).part(step.rank, step.world)
        losses = self.masks(gather(self.pairs, draw, studio.device))
        told = {name: loss.detach() for name, loss in losses.items()}
        self.recent.append(told)
        return {**told, "loss": losses["loss"]}

    def recent_means(self) -> dict[str, float]:
        """Of the last steps of this process."""
        names = self.recent[0] if self.recent else ()
        return {name: round(torch.stack([told[name] for told in self.recent]).mean().item(), 5) for name in names}


@dataclass
class MaskTask(Task):
    """See :class:`training.common.engine.Task`. ``facts``: what the pairs and M before training depend on, kept with
    the state and the masks; ``notes``: for the masks' file alone."""

    recipe: Recipe
    masks: Objective
    start: AttributeMasks
    pairs: Pairs
    out: Path
    facts: Mapping[str, object] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self):
        self.objective = StepLosses(self.masks, self.pairs, self.recipe.contrast)
        self.stages = (self.recipe.stage,)

    def settings(self) -> dict[str, object]:
        return {**self.recipe.fixed(), **self.facts}

    def modules(self) -> dict[str, nn.Module]:
        return {"masks": self.masks}

    def begin(self, stage: Stage) -> torch.optim.Optimizer:
        return make_ranger(self.masks.parameters(), stage.rate, self.recipe.centralisation, self.recipe.beta2)

    @torch.no_grad()
    def preview(self, steps: int) -> None:
        """One row per face: source, reference, and the edit of each attribute alone; always the same faces."""
        rows = [self._row(i) for i in range(min(_SHOWN, len(self.pairs) // 2))]
        names = ["source, reference, " + ", ".join(self.start.attributes)]
        save_picture(contact_sheet(rows, names, cell_px=128), beside(self.out, f"sheet-{steps:07d}.png"))

    def _row(self, i: int) -> list:
        count = len(self.start.attributes)
        same = lambda number: torch.full((count,), number)  # noqa: E731
        draw = Draw(same(2 * i), same(2 * i + 1), torch.arange(count))
        transfers = gather(self.pairs, draw, self.masks.studio.device)
        edits = self.masks.edit(transfers)
        originals = torch.cat([transfers.source.images[:1], transfers.reference.images[:1]]).to(edits)
        return to_pil(torch.cat([originals, edits]))

    def export(self, facts: Mapping[str, str]) -> None:
        """M as it is now, with everything that is known about it."""
        start, notes = self.start, {"training": json.dumps({**self.settings(), **facts})}
        notes["losses"] = json.dumps(self.objective.recent_means())
        metadata = {**start.metadata, **self.notes, **notes, "iterations": facts["steps"]}
        self.masks.carrier.learned(replace(start, metadata=metadata)).save(self.out)
