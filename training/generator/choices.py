"""The domain's categories as soft choices of the mapping: which linear scores of z decide them.

A category is the arg max of a few numbers of the rotated z. A stack of leaky ReLUs hardly finds that (it stays near the
best linear guess, a third of the people with the wrong hair), while softmaxes of the right scores have it from the
start. The scores come from the sampler's own blocks, so a new attribute needs nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from sat3d.generators.mapping import SoftChoices
from training.synthheads.distributions import OftenZero, normal_of_share
from training.synthheads.populations import FIRST

_SHARPNESS = 100.0  # a lead of a fiftieth of a standard deviation is a choice of 7 to 1: mixtures are rare


@dataclass(frozen=True)
class Scores:
    """One category of k values of parameter ``name``: the arg max of ``weight [k, FIRST.z_dim] @ z + offset [k]``."""

    name: str
    weight: np.ndarray
    offset: np.ndarray


@lru_cache(maxsize=1)
def all_scores() -> tuple[Scores, ...]:
    """Every category and every threshold ("often exactly zero") of the domain."""
    found, start = [], 0
    for block in FIRST.blocks:
        for columns, directions, offset in _local_scores(block):
            places = FIRST.rotation[:, start : start + block.size][:, columns]
            found.append(Scores(block.name, directions @ places.T, offset))
        start += block.size
    return tuple(found)


def _local_scores(block) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Which of a block's own numbers decide, and how: (columns, directions [k, columns], offsets [k])."""
    choice = getattr(block, "choice", None)
    if choice is not None:
        yield slice(0, choice.size), choice.directions, choice.offsets
    for name in ("law", "share"):
        law = getattr(block, name, None)
        if isinstance(law, OftenZero):  # the last number of the block decides
            yield slice(-1, None), np.array([[0.0], [1.0]]), np.array([0.0, -normal_of_share(law.zero_share)])


def choice_sizes() -> tuple[int, ...]:
    """How many values each category has: ``mapping_choices`` of a network of this domain."""
    return tuple(len(scores.offset) for scores in all_scores())


@torch.no_grad()
def set_choices(module: SoftChoices) -> None:
    """Write the domain's scores into a mapping's soft choices."""
    weight = np.concatenate([scores.weight for scores in all_scores()])
    offset = np.concatenate([scores.offset for scores in all_scores()])
    module.scores.weight.copy_(torch.from_numpy(weight * _SHARPNESS / module.scores.weight_gain))
    module.scores.bias.copy_(torch.from_numpy(offset * _SHARPNESS))
    assert module.scores.weight.shape[1] == FIRST.z_dim
