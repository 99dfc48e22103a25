"""The generator's training as a task of the engine."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from sat3d.files.network_files import save_network
from sat3d.inversion.encoder import KIND as ENCODER
from sat3d.pictures import contact_sheet, save_picture, to_pil
from training.common.ema import RunningMean
from training.common.engine import Stage

from ..data.packed import HeadPack
from .export import export_network
from .networks import Networks, choose_trained, make_optimizer
from .objective import Objective
from .perceptual import Perceptual
from .presets import Preset
from .scores import SeenHead, look_at_head, mean_scores

CHECKPOINT, ENCODER_FILE = "generator.safetensors", "encoder.safetensors"
_SHOWN_HEADS = 8


@dataclass
class GeneratorTask:
    """See :class:`training.common.engine.Task`. ``notes``: what the checkpoint says of its training."""

    preset: Preset
    pack: HeadPack
    codes: Tensor
    networks: Networks
    out: Path
    notes: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self):
        self.stages = self.preset.stages
        self.perceptual = Perceptual(copy.deepcopy(self.networks.mean_encoder.trunk)).to(self.networks.generator.device)
        self.objective = Objective(self.preset, self.pack, self.codes, self.networks, self.perceptual)
        nets, half_life = self.networks, self.preset.ema_heads
        self.means = [
            RunningMean(nets.generator, nets.mean_generator, half_life),
            RunningMean(nets.encoder, nets.mean_encoder, half_life),
        ]
        self.stage = self.stages[0]
        self.seen: list[SeenHead] = []
        self.exported_with: Mapping[str, object] = {}  # what the checkpoint says now

    def settings(self) -> dict[str, object]:
        return {"preset": self.preset.name, "heads": len(self.pack)}

    def modules(self) -> dict[str, nn.Module]:
        return {**self.networks.modules(), "perceptual": self.perceptual}

    def begin(self, stage: Stage) -> torch.optim.Optimizer:
        lesson, self.stage = self.preset.lessons[stage.name], stage
        choose_trained(self.networks, lesson)
        return make_optimizer(self.networks)

    def enter(self, stage: Stage) -> None:
        """What pictures are compared by, from the encoder as it is when they are first compared so."""
        if self.preset.lessons[stage.name].sharp:
            self.perceptual.trunk.load_state_dict(self.networks.mean_encoder.trunk.state_dict())

    def after_step(self, batch: int, seen: int) -> None:
        for mean in self.means:
            mean.update(batch, seen)

    def evaluate(self) -> dict[str, float]:
        """Heads never trained on, as the running means make them; from the front, and from a side."""
        nets = self.networks
        heads = range(min(self.preset.scored_heads, self.preset.held_out_heads))
        self.seen = [look_at_head(nets.mean_generator.eval(), self.codes, self.pack, head) for head in heads]
        return mean_scores(self.seen)

    def preview(self, steps: int) -> None:
        rows = [to_pil(torch.stack([picture.cpu() for picture in head.pictures])) for head in self.seen[:_SHOWN_HEADS]]
        if rows:
            save_picture(contact_sheet(rows, cell_px=192), self.out / f"sheet_{steps:07d}.png")

    def export(self, facts: Mapping[str, str]) -> None:
        self.exported_with = {**self.notes, **self.settings(), **facts}
        export_network(self.out / CHECKPOINT, self.networks.mean_generator, self.exported_with)
        save_network(self.out / ENCODER_FILE, ENCODER, self.networks.mean_encoder, dict(facts))
