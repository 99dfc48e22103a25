"""Training of the attribute reader: what it sees, what it should say, what a mistake costs."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sat3d.errors import ConfigError
from sat3d.files.network_files import load_network, save_network
from sat3d.networks.reader import KIND, AttributeReader, RawOutput, ReaderConfig

from ..common.device import Machine
from ..common.random_numbers import Draws
from ..data.degradations import degrade
from ..data.geometric import move
from ..data.views import Views
from .attention import attended
from .metrics import accuracy, confusion, explained, mean, pick_rates
from .mirroring import mirrored_targets
from .targets import (
    ACTIONS,
    CATEGORIES,
    NUMBER_WEIGHTS,
    PERSON_SIZE,
    UNKNOWN,
    ReaderTargets,
    reader_config,
    targets_of,
)

SMALLEST_PX = 128  # pictures that are smaller show too little of eyes and mouth
_STRANGERS = 448  # other people that an identity is told from, besides those of the batch
_LABEL_SMOOTHING = 0.03
_MIRRORED = 0.5  # share of the pictures
_TOLD_NOISE = 0.1  # of the spread of what is told
_EVALUATION_BATCH = 64
_GROUPS = {"cpu": 8, "cuda": 32}  # pictures that are degraded alike: few stay in a processor's cache
_TERM_WEIGHTS = {"classes": 1.0, "numbers": 4.0, "spreads": 0.2, "people": 0.25}
# Standard deviations up to which errors count by their square. Most actions are 0 in most faces: with an earlier bend,
# a reader that is not sure would say 0 where the mean is what it should say.
_BEND = 3.0
_TEMPERATURES = torch.linspace(0.5, 2.5, 41)
_CPU = Machine()
_REPORTED = ("hair_style", "hair_colour", "expression", "beard", "glasses", "iris_colour", "gaze", "light")


class ReaderAndPeople(nn.Module):
    """The reader, and what maps a person's parameters to where the reader should put their pictures.

    The other side of the contrast is the parameters, never a second picture: two pictures of one person also share
    hair, clothes and background, and would teach the reader to tell people apart by those.
    """

    def __init__(self, reader: AttributeReader):
        super().__init__()
        self.reader = reader
        self.person = nn.Linear(PERSON_SIZE, reader.config.identity_size, bias=False)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def places(self, persons: Tensor) -> Tensor:
        """``persons [N, P]`` -> ``[N, D]`` of unit length."""
        return F.normalize(self.person(persons), dim=1)


@dataclass
class TensorTargets:
    """``ReaderTargets`` as tensors, one row a view."""

    classes: Tensor
    numbers: Tensor
    persons: Tensor

    @classmethod
    def of(cls, targets: ReaderTargets) -> TensorTargets:
        return cls(*(torch.from_numpy(part) for part in (targets.classes, targets.numbers, targets.persons)))

    def to(self, device: torch.device | str) -> TensorTargets:
        return TensorTargets(*(part.to(device) for part in (self.classes, self.numbers, self.persons)))


class ReaderTask:
    """See :class:`training.networks.task.SmallNetwork`."""

    def __init__(self, views: Views, machine: Machine = _CPU, seed: int = 0, config: ReaderConfig | None = None):
        config = config or reader_config()
        if config.told and views.faces is None:
            views = views.with_faces({}, None, machine.device)
        self.views, self.held_out = (part.near(machine.device) for part in views.split())
        self.machine, self.device, self.total = machine, machine.device, len(self.views)
        plain = targets_of(self.views.parameters, self.views.yaw_rad, self.views.pitch_rad)
        classes, numbers = mirrored_targets(plain.classes, plain.numbers)
        self.targets = TensorTargets.of(plain).to(self.device)
        self.mirrored = TensorTargets.of(ReaderTargets(classes, numbers, plain.persons)).to(self.device)
        # What is told of a face is that of the picture as it is.
        self.mirrored_share = _MIRRORED if self.views.faces is None else 0.0
        self.heads, self.group = self.views.heads.to(self.device), _GROUPS[torch.device(self.device).type]
        held_out = targets_of(self.held_out.parameters, self.held_out.yaw_rad, self.held_out.pitch_rad)
        self.held_out_targets = TensorTargets.of(held_out)
        torch.manual_seed(seed)
        self.module = ReaderAndPeople(AttributeReader(config))
        self._fit_units(self.module.reader)
        self.temperature = torch.ones(len(CATEGORIES))
        self.column_weights = column_weights(self.module.reader.config).to(self.device)

    def _fit_units(self, reader: AttributeReader) -> None:
        numbers = self.targets.numbers.cpu()
        middle = numbers.nanmean(0).nan_to_num(0.0)
        spread = (numbers - middle).square().nanmean(0).sqrt().nan_to_num(1.0).clamp_min(1e-3)
        reader.number_mean.copy_(middle)
        reader.number_std.copy_(spread)

    def start_from(self, path: Path) -> None:
        """Take over the weights of a trained reader; of one that is told nothing of faces, all that it has; of one that
        says other things, those of the layers that see.

        Raises:
            FileError: it is missing, damaged or of another kind; ConfigError: other layers.
        """
        other, own = load_network(KIND, path), self.module.reader
        if other.config == own.config:
            own.load_state_dict(other.state_dict())
            return
        if replace(other.config, told=own.config.told) == own.config and not other.config.told:
            weights = other.state_dict()
            weights["hidden.0.weight"] = F.pad(weights["hidden.0.weight"], (0, own.config.told))
            own.load_state_dict(weights, strict=False)
            return
        try:
            for part in ("trunk", "squeeze", *(["close"] if own.close and other.close else ())):
                getattr(own, part).load_state_dict(getattr(other, part).state_dict())
        except RuntimeError as error:
            wanted = "one of the same architecture, widths and depths"
            raise ConfigError("The reader to start from has other layers", path, wanted, "train without it") from error

    def facts(self) -> dict[str, object]:
        config = self.module.reader.config
        outputs = sum(config.class_counts) + sum(config.number_sizes)
        return {"network": "reader", "architecture": config.architecture, "views": self.total, "outputs": outputs}

    def loss(self, index: Tensor, draws: Draws) -> dict[str, Tensor]:
        index, flags = index.to(self.device), draws.numbers(len(index), 0, 1).flatten() < self.mirrored_share
        seen, told = self._seen(index, flags, draws), self._told(index, draws)
        with self.machine.autocast():
            raw = _as_float(self.module.reader.raw(seen, told))
        targets = self._targets(index, flags)
        terms = {
            "classes": class_loss(raw.scores, targets.classes, self.module.reader.config.class_counts),
            **number_losses(raw, self._standard(targets.numbers), self.column_weights),
            "people": self._people_loss(raw.identity, index, draws),
        }
        return {name: _TERM_WEIGHTS[name] * term for name, term in terms.items()}

    def _seen(self, index: Tensor, flags: Tensor, draws: Draws) -> Tensor:
        """What the trunk sees of changed pictures; a few at a time, which a processor's cache can hold."""
        parts = []
        for part, mirrored in zip(index.split(self.group), flags.split(self.group), strict=True):
            images, _ = move(self.views.inputs(part, self.device, mirrored), None, draws)
            images = degrade(images, draws, self.group)
            with self.machine.autocast():
                parts.append(self.module.reader.seen(images))
        return torch.cat(parts)

    def _told(self, index: Tensor, draws: Draws) -> Tensor | None:
        """What is told of the faces, not quite exactly: of pictures that are worse it would be something else, too."""
        told = self.views.told(index, self.device)
        if told is None:
            return None
        spread = cast(nn.Sequential, self.module.reader.told)[0].running_var.sqrt()
        return told + _TOLD_NOISE * spread * draws.noise(told.shape)

    def _targets(self, index: Tensor, flags: Tensor) -> TensorTargets:
        parts = (
            torch.where(flags[:, None], getattr(self.mirrored, name)[index], getattr(self.targets, name)[index])
            for name in ("classes", "numbers", "persons")
        )
        return TensorTargets(*parts)

    def _standard(self, numbers: Tensor) -> Tensor:
        return (numbers - self.module.reader.number_mean) / self.module.reader.number_std

    def _people_loss(self, identity: Tensor, index: Tensor, draws: Draws) -> Tensor:
        everyone = torch.cat([index, draws.choices(self.total, _STRANGERS).to(self.device)])
        heads, module = self.heads, self.module
        places = module.places(self.targets.persons[everyone])
        scores = F.normalize(identity, dim=1) @ places.T * module.log_scale.exp().clamp(max=60.0)
        same = heads[index][:, None] == heads[everyone][None]
        own = torch.arange(len(index), device=self.device)
        same[own, own] = False
        scores = scores.masked_fill(same, -1e4)
        return (F.cross_entropy(scores, own) + F.cross_entropy(scores[:, : len(own)].T, own)) / 2

    @torch.no_grad()
    def evaluate(self, module: ReaderAndPeople) -> dict[str, float]:
        raw = self._read_held_out(module.reader)
        targets, config = self.held_out_targets, module.reader.config
        found: dict[str, float] = {}
        for column, (name, scores) in enumerate(zip(CATEGORIES, raw.scores.split(config.class_counts, 1), strict=True)):
            truth = targets.classes[:, column]
            found[name] = accuracy(confusion(truth, scores.argmax(1), scores.shape[1]))
            self.temperature[column] = best_temperature(scores, truth)
        standard = (targets.numbers - module.reader.number_mean.cpu()) / module.reader.number_std.cpu()
        shares = dict(
            zip((n for n, _ in config.numbers), explained(standard, raw.values).split(config.number_sizes), strict=True)
        )
        two, ten = pick_rates(raw.identity, raw.identity, self.held_out.heads, self.held_out.heads)
        explained_of = {name: float(share.nanmean()) for name, share in shares.items()}
        actions = [explained_of[name] for name in ACTIONS]
        return {
            "accuracy": mean(list(found.values())),
            **{name: found[name] for name in _REPORTED},
            "actions": mean(actions),
            "least_action": float(torch.tensor(actions).nan_to_num(1.0).min()),
            "gaze_yaw": explained_of["gaze_yaw"],
            "numbers": mean([share for name, share in explained_of.items() if name not in ("shape", *ACTIONS)]),
            "shape": explained_of["shape"],
            "pick_of_2": two,
            "pick_of_10": ten,
        }

    def _read_held_out(self, reader: AttributeReader) -> RawOutput:
        parts = []
        for index in torch.arange(len(self.held_out)).split(_EVALUATION_BATCH):
            told = self.held_out.told(index, self.device)
            parts.append(reader.raw(reader.seen(self.held_out.inputs(index, self.device)), told))
        joined = {name: torch.cat([getattr(part, name) for part in parts]).cpu() for name in vars(parts[0])}
        return RawOutput(**joined | {"identity": F.normalize(joined["identity"], dim=1)})

    def save(self, module: ReaderAndPeople, path: Path, facts: Mapping[str, str]) -> None:
        reader = copy.deepcopy(module.reader)
        reader.temperature.copy_(self.temperature)
        save_network(path, KIND, reader, facts)


def _as_float(raw: RawOutput) -> RawOutput:
    return RawOutput(**{name: part.float() for name, part in vars(raw).items()})


def class_loss(scores: Tensor, classes: Tensor, counts: list[int]) -> Tensor:
    """Mean of :func:`class_losses`, each with the attention that it needs; twice that, since it is about as much as all
    numbers together. 0 where nothing is known."""
    losses = class_losses(scores, classes, counts)
    return 2 * attended(losses) if len(losses) else scores.sum() * 0.0


def class_losses(scores: Tensor, classes: Tensor, counts: list[int]) -> Tensor:
    """``scores [N, sum(counts)]``, ``classes [N, K]`` with UNKNOWN -> ``[k]``: cross entropy of each category of which
    something is known, as a share of a blind guess's."""
    losses = [
        F.cross_entropy(part, truth, ignore_index=UNKNOWN, label_smoothing=_LABEL_SMOOTHING) / math.log(part.shape[1])
        for part, truth in zip(scores.split(counts, 1), classes.unbind(1), strict=True)
        if (truth != UNKNOWN).any()
    ]
    return torch.stack(losses) if losses else scores.new_zeros(0)


def column_weights(config: ReaderConfig) -> Tensor:
    """[D]: what each column counts, so that a name with 65 numbers does not drown those with one."""
    return torch.cat([torch.full((size,), NUMBER_WEIGHTS.get(name, 1.0) / size) for name, size in config.numbers])


def number_losses(raw: RawOutput, standard: Tensor, weights: Tensor) -> dict[str, Tensor]:
    """``standard [B, D]``: the truth in units of its spread, NaN where unseen; ``weights [D]``.

    The spread is learned from errors that it cannot influence, so that doubt never becomes an excuse.
    """
    seen = ~standard.isnan()
    truth = standard.nan_to_num(0.0)
    weights = seen * weights / (seen * weights).sum().clamp_min(1e-6)
    error = F.huber_loss(raw.values, truth, reduction="none", delta=_BEND)
    log_spread = raw.log_spreads.clamp(-6, 3)
    doubt = 0.5 * (raw.values.detach() - truth).square() * torch.exp(-2 * log_spread) + log_spread
    return {"numbers": (error * weights).sum(), "spreads": (doubt * weights).sum()}


def best_temperature(scores: Tensor, truth: Tensor) -> float:
    """The temperature at which the probabilities of ``scores [N, K]`` are honest; 1 where there is nothing to see."""
    known = truth != UNKNOWN
    if not known.any():
        return 1.0
    losses = [F.cross_entropy(scores[known] / temperature, truth[known]) for temperature in _TEMPERATURES]
    return float(_TEMPERATURES[int(torch.stack(losses).argmin())])
