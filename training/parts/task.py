"""The task of the engine that trains a semantic field on labelled rays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from sat3d.errors import ConfigError
from sat3d.parts.field import FieldConfig, PartField, load_parts, save_parts
from training.common.device import Machine
from training.common.random_numbers import Draws
from training.networks.metrics import confusion, mean, overlaps

from .rays import BENEATH, LabelledRays

_LEAST_SHARE = 1e-4
_BALANCE = 0.8  # 0: rays of rare parts count as often as they were drawn; 1: every pixel counts alike
_OVERLAP_WEIGHT, _BENEATH_WEIGHT = 1.0, 0.15
_EVALUATION_BATCH = 8192


@dataclass(frozen=True)
class FieldOf:
    """What a field is trained for: fingerprints of the generator and of its style ``layout``, the ``labels`` of the
    rays, where they are from."""

    fingerprint: str
    layout: str
    labels: tuple[str, ...]
    source: str = ""


class PartsTask:
    """See :class:`training.networks.task.SmallNetwork`."""

    def __init__(self, rays: LabelledRays, held_out: LabelledRays, made_for: FieldOf, machine: Machine, seed: int = 0):
        self.rays, self.held_out = rays.to(machine.device), held_out.to(machine.device)
        self.device, self.total, self.made_for = machine.device, len(rays), made_for
        torch.manual_seed(seed)
        self.module = PartField(FieldConfig(rays.hidden.shape[2], labels=made_for.labels))

    def start_from(self, path: Path) -> None:
        """Take over the weights of a trained field.

        Raises:
            FileError: missing or damaged. ConfigError: a field of other sizes or labels.
        """
        field = load_parts(path).field
        if field.config != self.module.config:
            raise ConfigError("The field to start from is another", field.config, self.module.config, "omit --start")
        self.module.load_state_dict(field.state_dict())

    def facts(self) -> dict[str, object]:
        return {"network": "parts", "rays": self.total, "generator": self.made_for.fingerprint}

    def loss(self, index: Tensor, draws: Draws) -> dict[str, Tensor]:
        return field_losses(self.module, self.rays.select(index.to(self.device)))

    @torch.no_grad()
    def evaluate(self, module: PartField) -> dict[str, float]:
        names, size = self.made_for.labels, len(self.made_for.labels)
        table = torch.zeros(size, size, dtype=torch.int64)
        for index in torch.arange(len(self.held_out)).split(_EVALUATION_BATCH):
            rays = self.held_out.select(index.to(self.device))
            table += confusion(rays.labels.long(), composited_shares(module, rays)[0].argmax(1), size).cpu()
        shares = overlaps(table)
        return {"miou": mean(shares), **dict(zip(names, shares, strict=True))}

    def save(self, module: PartField, path: Path, facts: Mapping[str, str]) -> None:
        save_parts(
            path,
            module,
            self.made_for.fingerprint,
            self.made_for.layout,
            {**facts, "labels_from": self.made_for.source},
        )


def composited_shares(field: PartField, rays: LabelledRays) -> tuple[Tensor, Tensor]:
    """Label probabilities of each ray, ``[R, K]``, what is not opaque being background; and those of the samples
    beneath, ``[R, BENEATH, K]``."""
    each = field.probabilities(rays.hidden.float())
    weights = rays.weights[:, :-BENEATH].float()
    shares = torch.einsum("rn,rnk->rk", weights, each[:, :-BENEATH])
    clear = (1 - weights.sum(1)).clamp_min(0)
    return shares + F.pad(clear[:, None], (0, shares.shape[1] - 1)), each[:, -BENEATH:]


def field_losses(field: PartField, rays: LabelledRays) -> dict[str, Tensor]:
    """Cross entropy of the composited shares, what the overlaps lack of 1, and cross entropy of what lies beneath."""
    (shares, beneath), labels = composited_shares(field, rays), rays.labels.long()
    worth = rays.pixels[:, None]
    off = F.nll_loss((shares + _LEAST_SHARE).log(), labels, reduction="none")
    pixels = (rays.pixels.pow(_BALANCE) * off).mean()
    truth = F.one_hot(labels, shares.shape[1]).to(shares.dtype)
    common, both = (worth * shares * truth).sum(0), (worth * (shares + truth)).sum(0)
    present = truth.amax(0) > 0
    matter = rays.weights[:, -BENEATH:].float() * (labels > 0)[:, None]
    off = -(beneath.gather(2, labels[:, None, None].expand(-1, BENEATH, 1))[..., 0] + _LEAST_SHARE).log()
    return {
        "pixels": pixels,
        "overlap": _OVERLAP_WEIGHT * (1 - (2 * common[present] / both[present]).mean()),
        "beneath": _BENEATH_WEIGHT * (matter * off).sum() / matter.sum().clamp_min(1),
    }
