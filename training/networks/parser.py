"""Training of the head parser."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from sat3d.files.network_files import load_network, save_network
from sat3d.parsing.labels import LABEL_NAMES
from sat3d.parsing.parser import KIND, HeadParser, ParserConfig

from ..common.device import Machine
from ..common.random_numbers import Draws
from ..data.degradations import degrade
from ..data.geometric import mirror, move
from ..data.views import Views
from .metrics import confusion, mean, overlaps

_CPU = Machine()
SIZE = ParserConfig().input_px
_EVALUATION_BATCH = 16
_OVERLAP_WEIGHT = 1.0
_LEAST_WEIGHT, _LARGEST_WEIGHT = 0.5, 6.0
_RARITY_POWER = 0.4  # 0: every pixel counts alike; 1: every class


class ParserTask:
    """See :class:`training.networks.task.SmallNetwork`."""

    def __init__(self, views: Views, machine: Machine = _CPU, seed: int = 0, config: ParserConfig | None = None):
        self.views, self.held_out = (part.near(machine.device) for part in views.split())
        self.machine, self.device, self.total = machine, machine.device, len(self.views)
        torch.manual_seed(seed)
        self.module = HeadParser(config)
        self.weights = class_weights(self.views.labels).to(self.device)

    def start_from(self, path: Path) -> None:
        """Take over the weights of a trained parser of the same layers; errors as from ``load_parser``."""
        self.module.load_state_dict(load_network(KIND, path).state_dict())

    def facts(self) -> dict[str, object]:
        return {"network": "parser", "views": self.total, "input_px": self.module.config.input_px}

    def loss(self, index: Tensor, draws: Draws) -> dict[str, Tensor]:
        flags = draws.numbers(len(index), 0, 1) < 0.5
        labels = mirror(self.views.labels_at(index, self.device), flags, 2)
        images, labels = move(self.views.inputs(index, self.device, flags), labels, draws)
        images = degrade(images, draws, group=4)
        with self.machine.autocast():
            folded = self.module.folded_logits(images)
        # The loss of one pixel of each 2×2, at random, teaches as much: neighbours are alike, and it costs a quarter.
        row, column = draws.whole(0, 1), draws.whole(0, 1)
        logits = folded[:, 2 * row + column :: 4].float()
        return parsing_losses(logits, labels[:, row::2, column::2].long(), self.weights)

    @torch.no_grad()
    def evaluate(self, module: HeadParser) -> dict[str, float]:
        table = torch.zeros(len(LABEL_NAMES), len(LABEL_NAMES), dtype=torch.int64)
        for index in torch.arange(len(self.held_out)).split(_EVALUATION_BATCH):
            found = module.labels(self.held_out.inputs(index, self.device)).cpu()
            table += confusion(self.held_out.labels_at(index).long(), found, len(LABEL_NAMES))
        shares = overlaps(table)
        return {"miou": mean(shares), **dict(zip(LABEL_NAMES, shares, strict=True))}

    def save(self, module: HeadParser, path: Path, facts: Mapping[str, str]) -> None:
        save_network(path, KIND, module, facts)


def class_weights(labels: Tensor) -> Tensor:
    """[labels]: rarer classes weigh more; 1 for a class of an average share."""
    shares = torch.bincount(labels[::7].flatten(), minlength=len(LABEL_NAMES)).float()
    shares = (shares / shares.sum()).clamp_min(1e-5) * len(LABEL_NAMES)
    return shares.pow(-_RARITY_POWER).clamp(_LEAST_WEIGHT, _LARGEST_WEIGHT)


def parsing_losses(logits: Tensor, labels: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """``logits [B, K, H, W]``, ``labels [B, H, W]`` int64: weighted cross entropy, and what the overlaps lack of 1."""
    log_shares = logits.log_softmax(1)
    pixels = F.nll_loss(log_shares, labels, weights)
    shares, truth = log_shares.exp(), F.one_hot(labels, logits.shape[1]).movedim(-1, 1).to(logits.dtype)
    common, both = (shares * truth).sum((0, 2, 3)), (shares + truth).sum((0, 2, 3))
    present = truth.amax((0, 2, 3)) > 0
    overlap = 1 - (2 * common[present] / both[present]).mean()
    return {"pixels": pixels, "overlap": _OVERLAP_WEIGHT * overlap}
