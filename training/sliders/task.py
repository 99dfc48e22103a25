"""The task that trains sliders through the frozen generator: what is read is what was set, and all else stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from sat3d.errors import ConfigError
from sat3d.sliders import SliderNetwork, Sliders, load_sliders, save_sliders
from training.common.device import Machine
from training.common.random_numbers import Draws

from .changes import Wanted, draw_wanted, own_share
from .heads import Pictures, ReadHeads
from .sources import Readings, Sources
from .subspaces import apart

_OTHERS, _IDENTITY, _READ, _CYCLE, _SIZE = 2.0, 0.5, 1.0, 0.5, 2e-4
_STILL = 0.3  # spreads: other values that change by less count as squares, above it they count in full
_SAME_PERSON = {"shape": 0.1, "age": 0.1, "sex": 0.1}  # what changes the person itself may do so
_LEAST_SPREAD = 1e-5
_EVALUATION_STREAM = 21


@dataclass(frozen=True)
class SlidersOf:
    """What sliders are trained for: ``empty``, whose network is of no matter; ``columns``: where each slider stands
    among the values that are read."""

    empty: Sliders
    columns: list[int]

    def of(self, network: SliderNetwork) -> Sliders:
        return replace(self.empty, network=network)


class SliderTask:
    """See :class:`training.networks.task.SmallNetwork`. ``heads``: with what was read of them in the first place."""

    def __init__(self, made_for: SlidersOf, heads: ReadHeads, sources: Sources, pictures: Pictures, machine: Machine):
        self.made_for, self.sources, self.pictures = made_for, sources, pictures
        self.device, self.module = machine.device, made_for.empty.network
        learn, others = apart(len(heads))
        self.heads, self.held_out, self.total = heads.select(learn), heads.select(others), len(learn)
        self.evaluated = 24
        self._spread = heads.values[learn].std(0).clamp_min(_LEAST_SPREAD)

    def start_from(self, path: Path) -> None:
        """Take over the maps of trained sliders.

        Raises:
            FileError: missing or damaged. ConfigError: sliders of other sizes, or other ones.
        """
        network = load_sliders(path).network
        if network.config.groups != self.module.config.groups or network.config.names != self.module.config.names:
            raise ConfigError("The sliders to start from are others", network.config.names[:8],
                              self.module.config.names[:8], "omit --start")  # fmt: skip
        self.module.load_state_dict(network.state_dict())

    def facts(self) -> dict[str, object]:
        return {"network": "sliders", "heads": self.total, "generator": self.made_for.empty.generator_fingerprint,
                "sources": self.sources.fingerprint(), "resolution": self.pictures.resolution}  # fmt: skip

    def loss(self, index: Tensor, draws: Draws) -> dict[str, Tensor]:
        heads = self.heads.select(index)
        others = self.heads.values[torch.tensor([draws.whole(0, self.total - 1) for _ in index])]
        columns = self.made_for.columns
        wanted = draw_wanted(self.module.config, heads.values[:, columns], others[:, columns], draws)
        return self._losses(heads.to(self.device), wanted)

    def _losses(self, heads: ReadHeads, wanted: Wanted) -> dict[str, Tensor]:
        network = self.module
        change = network.change(heads.styles, wanted.changes.to(self.device))
        styles = heads.styles + change
        read = self.sources.read(self.pictures(styles, heads.cameras))
        told = torch.cat([network.values(heads.styles), network.values(styles)])
        return self._arrival(heads, wanted, read) | {
            "read": _READ * self._reading(told, heads, read),
            "cycle": _CYCLE * self._cycle(told, wanted),
            "size": _SIZE * self._size(change, wanted),
        }

    def _arrival(self, heads: ReadHeads, wanted: Wanted, read: Readings) -> dict[str, Tensor]:
        """What the pictures say: own values as wanted, other values and the person as before."""
        columns, spread = self.made_for.columns, self._spread.to(self.device)
        goal = torch.zeros_like(heads.values).index_copy(1, self._index(), wanted.changes.to(self.device))
        own = torch.zeros_like(goal, dtype=torch.bool)
        own[:, columns] = wanted.own.to(self.device)
        sure = torch.minimum(heads.certainty, read.certainty)
        # A value that is to come into being, such as the length of a beard, was uncertain before.
        sure = torch.where(own, torch.maximum(heads.certainty, read.certainty), sure)
        off, zero = (read.values - heads.values - goal) / spread, torch.zeros_like(goal)
        near = F.smooth_l1_loss(off, zero, reduction="none") * sure
        still = F.smooth_l1_loss(off, zero, reduction="none", beta=_STILL) * sure
        arrived = ((near * own).sum(1) / wanted.count.to(self.device)).mean()
        kept = ((still * ~own).sum(1) / (~own).sum(1).clamp_min(1)).mean()
        return {"own": arrived, "others": _OTHERS * kept, "identity": _IDENTITY * self._person(heads, wanted, read)}

    def _person(self, heads: ReadHeads, wanted: Wanted, read: Readings) -> Tensor:
        names = [group.name for group in self.module.config.groups]
        weights = torch.tensor([_SAME_PERSON.get(names[i], 1.0) for i in wanted.group.tolist()], device=self.device)
        if not read.identity.shape[1]:
            return read.values.new_zeros(())
        return (weights * (1 - (read.identity * heads.identity).sum(1))).mean()

    def _reading(self, told: Tensor, heads: ReadHeads, read: Readings) -> Tensor:
        """T against what pictures say, of heads as they were drawn and as they were changed."""
        columns, spread = self.made_for.columns, self._spread[self.made_for.columns].to(self.device)
        truth = torch.cat([heads.values, read.values.detach()])[:, columns]
        sure = torch.cat([heads.certainty, read.certainty])[:, columns]
        return (F.smooth_l1_loss(told / spread, truth / spread, reduction="none") * sure).mean()

    def _cycle(self, told: Tensor, wanted: Wanted) -> Tensor:
        """T of the changed styles is T of the styles and the change, in the group and outside of it."""
        before, after = told.chunk(2)
        spread = self._spread[self.made_for.columns].to(self.device)
        off = (after - before - wanted.changes.to(self.device)) / spread
        return F.smooth_l1_loss(off, torch.zeros_like(off))

    def _size(self, change: Tensor, wanted: Wanted) -> Tensor:
        """Squared length of the change, in spreads of the channels, for one spread of values."""
        scale = self.heads.styles.std(0).clamp_min(_LEAST_SPREAD).to(self.device)
        spread = self._spread[self.made_for.columns].to(self.device)
        asked = (wanted.changes.to(self.device) / spread).square().sum(1).clamp_min(0.1)
        return ((change / scale).square().sum(1) / asked).mean()

    def _index(self) -> Tensor:
        return torch.tensor(self.made_for.columns, device=self.device)

    @torch.no_grad()
    def evaluate(self, module: SliderNetwork) -> dict[str, float]:
        """Heads apart, each with one change: ``r2`` of what is read by what was set, ``leak`` into other groups,
        ``kept``: the cosine of the person."""
        sliders, columns = self.made_for.of(module), self.made_for.columns
        count = min(self.evaluated, len(self.held_out))
        heads = self.held_out.select(torch.arange(count))
        values = heads.values[:, columns]
        wanted = draw_wanted(module.config, values, values.flip(0), Draws(0, _EVALUATION_STREAM))
        found, goals, same = [], [], []
        for i in range(count):
            one = heads.select(torch.tensor([i])).to(self.device)
            before = sliders.values(one.styles)
            goal = {
                name: before[:, k] + float(wanted.changes[i, k])
                for k, name in enumerate(sliders.names)
                if wanted.changes[i, k]
            }
            read = self.sources.read(self.pictures(sliders.set(one.styles, goal), one.cameras))
            found.append(read.values[0, columns].cpu() - values[i])
            goals.append(wanted.changes[i])
            same.append(float((read.identity * one.identity).sum()) if read.identity.shape[1] else 1.0)
        return self._scores(torch.stack(found), torch.stack(goals), wanted, same)

    def _scores(self, found: Tensor, goals: Tensor, wanted: Wanted, same: list[float]) -> dict[str, float]:
        spread = self._spread[self.made_for.columns]
        asked = goals != 0
        off, size = ((x[asked] / spread.expand_as(goals)[asked]).square().sum() for x in (found - goals, goals))
        others, own = own_share(wanted, found, spread)
        return {
            "r2": float(1 - off / size.clamp_min(1e-9)),
            "leak": float(others.sum() / own.sum().clamp_min(1e-9)),
            "kept": sum(same) / len(same),
        }

    def save(self, module: SliderNetwork, path: Path, facts: Mapping[str, str]) -> None:
        save_sliders(path, self.made_for.of(module), facts)
