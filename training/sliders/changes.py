"""Which heads change in a step, and how: wanted values of one group each; and what a change came to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sat3d.sliders import SliderConfig

from ..common.random_numbers import Draws

_SINGLE = 0.6  # share of changes of a single slider; the others take a whole group over from another head
_MOST_SPREADS = 3.0


@dataclass(frozen=True)
class Wanted:
    """B changes. ``group [B]``: number of the group; ``changes [B, P]``: of all sliders, in their own units; ``own
    [B, P]`` bool: sliders of the group; ``count [B]``: how many of them are to change."""

    group: Tensor
    changes: Tensor
    own: Tensor
    count: Tensor


def membership(config: SliderConfig) -> Tensor:
    """``[G, P]`` bool: which sliders a group has."""
    names = [group.name for group in config.groups]
    return torch.tensor([[slider.group == name for slider in config.sliders] for name in names])


def draw_wanted(config: SliderConfig, values: Tensor, others: Tensor, draws: Draws) -> Wanted:
    """``values [B, P]`` of heads, and of other heads that may be followed; groups of many sliders come more often, but
    not as often as they have sliders."""
    table, sliders = membership(config), config.sliders
    chances = table.sum(1).float().sqrt()
    picks = torch.tensor([draws.number(0, 1) for _ in range(len(values))])
    edges = (chances / chances.sum()).cumsum(0)
    groups = torch.searchsorted(edges, picks).clamp_max(len(edges) - 1)
    spread = torch.tensor([slider.spread for slider in sliders])
    rows = []
    for value, other, group in zip(values, others, groups.tolist(), strict=True):
        own = table[group].nonzero()[:, 0]
        change = torch.zeros(len(sliders))
        if draws.chance(_SINGLE) or len(own) == 1:
            i = int(own[draws.whole(0, len(own) - 1)])
            change[i] = draws.number(sliders[i].low, sliders[i].high) - float(value[i])
        else:
            change[own] = (other - value)[own]
        rows.append((change / spread).clamp(-_MOST_SPREADS, _MOST_SPREADS) * spread)
    changes = torch.stack(rows)
    return Wanted(groups, changes, table[groups], (changes != 0).sum(1).clamp_min(1))


def own_share(wanted: Wanted, found: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
    """Of changes of values ``found [B, P]``: mean |change| in spreads of the sliders of other groups ``[B]``, and of
    those that were to change ``[B]``."""
    sizes = found.abs() / spread
    moved, others = (wanted.changes != 0).to(sizes), (~wanted.own).to(sizes)
    own = (sizes * moved).sum(1) / moved.sum(1).clamp_min(1)
    return (sizes * others).sum(1) / others.sum(1).clamp_min(1), own
