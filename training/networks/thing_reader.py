"""A reader of any rendered domain: which of its named truths, and which of its numbers, a picture shows.

Heads have a reader of their own, which knows people and faces. This one is made from a domain's tables alone, judges
edits of its things, and has no part in any other training.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sat3d.errors import ConfigError
from sat3d.files.network_files import load_network, save_network
from sat3d.networks.reader import KIND, AttributeReader, ReaderConfig
from training.synth.domain import SynthDomain, domain_of
from training.synth.truths import HIDDEN, NONE, OTHER

from ..common.device import Machine
from ..common.random_numbers import Draws
from ..data.degradations import degrade
from ..data.geometric import move
from ..data.views import Views
from .metrics import accuracy, confusion, explained, mean
from .reader import best_temperature, class_losses, number_losses
from .targets import UNKNOWN

_ZOOM = 1.2
_EVALUATION_BATCH = 64
_GROUPS = {"cpu": 8, "cuda": 32}
_TERM_WEIGHTS = {"classes": 4.0, "numbers": 0.5, "spreads": 0.1}
_CPU = Machine()


def thing_reader_config(domain: SynthDomain) -> ReaderConfig:
    """Every named truth; every number of the attributes that can be moved. One that has a truth's name is a number
    too."""
    values = {
        name: tuple(value for value in values if value not in (OTHER, HIDDEN))
        for name, values in domain.attribute_values.items()
    }
    return ReaderConfig(tuple(values.items()), tuple(_number_sizes(domain).items()),
                        identity_size=1, face_zoom=_ZOOM * domain.learning.magnified)  # fmt: skip


def _number_sizes(domain: SynthDomain) -> dict[str, int]:
    """``number.<parameter>`` -> how many numbers it is: 3 for a colour."""
    moved = dict.fromkeys(name for names in domain.edits.values() for name in names)
    usual = {name: getattr(domain.default, name) for name in moved}
    return {f"number.{name}": np.size(value) for name, value in usual.items() if not isinstance(value, str)}


def thing_targets(domain: SynthDomain, config: ReaderConfig, things: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """Classes ``[N, categories]`` int64 with UNKNOWN; numbers ``[N, numbers]`` float32, NaN where there is none."""
    rows = {id(p): _row(domain, config, p) for p in things}
    classes, numbers = zip(*(rows[id(p)] for p in things), strict=True)
    return torch.tensor(classes, dtype=torch.int64), torch.tensor(np.array(numbers, np.float32))


def _row(domain: SynthDomain, config: ReaderConfig, p: Any) -> tuple[list[int], list[float]]:
    truths = domain.attributes_of(p)
    classes = [values.index(truths[name]) if truths[name] in values else UNKNOWN for name, values in config.categories]
    numbers: list[float] = []
    for name, size in config.numbers:
        parameter = name.partition(".")[2]
        there = truths.get(parameter) not in (NONE, HIDDEN)
        numbers += np.ravel(getattr(p, parameter)).tolist() if there else [math.nan] * size
    return classes, numbers


class ThingReaderTask:
    """See :class:`training.networks.task.SmallNetwork`."""

    def __init__(self, views: Views, machine: Machine = _CPU, seed: int = 0):
        self.views, self.held_out = (part.near(machine.device) for part in views.split())
        self.machine, self.device, self.total = machine, machine.device, len(self.views)
        self.domain = domain_of(self.views.parameters[0])
        self.config = thing_reader_config(self.domain)
        targets = (thing_targets(self.domain, self.config, some.parameters) for some in (self.views, self.held_out))
        (self.classes, self.numbers), self.held_out_targets = targets
        torch.manual_seed(seed)
        self.module = AttributeReader(self.config)
        middle = self.numbers.nanmean(0).nan_to_num(0.0)
        self.module.number_mean.copy_(middle)
        spread = (self.numbers - middle).square().nanmean(0).sqrt().nan_to_num(1.0)
        self.module.number_std.copy_(spread.clamp_min(1e-3))
        self.temperature = torch.ones(len(self.config.categories))
        sizes = self.config.number_sizes
        self.weights = torch.cat([torch.full((size,), 1.0 / size) for size in sizes]).to(self.device)

    def start_from(self, path: Path) -> None:
        """Take over a trained reader of the same domain.

        Raises:
            FileError: it is missing, damaged or of another kind; ConfigError: of another domain or size.
        """
        other = load_network(KIND, path)
        if other.config != self.config:
            raise ConfigError("The reader to start from says other things", path, self.domain.name, "train without it")
        self.module.load_state_dict(other.state_dict())

    def facts(self) -> dict[str, object]:
        return {"network": "thing reader", "domain": self.domain.id, "views": self.total}

    def loss(self, index: Tensor, draws: Draws) -> dict[str, Tensor]:
        group, parts = _GROUPS[torch.device(self.device).type], []
        for some in index.split(group):
            images, _ = move(self.views.inputs(some, self.device), None, draws)
            parts.append(self.module.seen(degrade(images, draws, group)))
        with self.machine.autocast():
            raw = self.module.raw(torch.cat(parts))
        standard = (self.numbers[index].to(self.device) - self.module.number_mean) / self.module.number_std
        raw = type(raw)(**{name: part.float() for name, part in vars(raw).items()})
        terms = {
            "classes": self._class_loss(raw.scores, self.classes[index].to(self.device)),
            **number_losses(raw, standard, self.weights),
        }
        return {name: _TERM_WEIGHTS[name] * term for name, term in terms.items()}

    def _class_loss(self, scores: Tensor, classes: Tensor) -> Tensor:
        """No truth gets more attention than another: much of what a table names, such as the shape of a lamp, cannot be
        seen in a small picture."""
        losses = class_losses(scores, classes, self.config.class_counts)
        return losses.mean() if len(losses) else scores.sum() * 0.0

    @torch.no_grad()
    def evaluate(self, module: AttributeReader) -> dict[str, float]:
        """Share of held-out truths that are read, by name; share of each number's variance that is explained."""
        batches = torch.arange(len(self.held_out)).split(_EVALUATION_BATCH)
        raws = [module.raw(module.seen(self.held_out.inputs(index, self.device))) for index in batches]
        scores, numbers = (torch.cat([getattr(raw, name) for raw in raws]).cpu() for name in ("scores", "values"))
        classes, truth = self.held_out_targets
        found: dict[str, float] = {}
        for column, part in enumerate(scores.split(self.config.class_counts, 1)):
            table = confusion(classes[:, column], part.argmax(1), part.shape[1])
            found[self.config.categories[column][0]] = accuracy(table)
            self.temperature[column] = best_temperature(part, classes[:, column])
        standard = (truth - module.number_mean.cpu()) / module.number_std.cpu()
        shares = explained(standard, numbers).split(self.config.number_sizes)
        told = {name: float(share.nanmean()) for (name, _), share in zip(self.config.numbers, shares, strict=True)}
        return {"accuracy": mean(list(found.values())), **found, **told}

    def save(self, module: nn.Module, path: Path, facts: Mapping[str, str]) -> None:
        reader = copy.deepcopy(module)
        reader.temperature.copy_(self.temperature)
        save_network(path, KIND, reader, facts)
