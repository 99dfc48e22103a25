"""The known parameters of a head as numbers, grouped by parameter: what the mapping learns to spread out, and what
disentanglement is measured against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from training.synthheads.parameter_spec import FIELDS, ChoiceRule
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import FIRST

# One factor a parameter that is drawn at all; a colour, a category or the whole shape is one factor.
_DRAWN = {block.name for block in FIRST.blocks}
FACTORS = tuple(name for name in FIELDS if name in _DRAWN)
_LEAST_DEVIATION = 1e-3


def encode(p: HeadParameters) -> np.ndarray:
    """``[K]`` float32: numbers as they are, categories one-hot."""
    return np.concatenate([_encode_one(name, getattr(p, name)) for name in FACTORS]).astype(np.float32)


def _encode_one(name: str, value: object) -> np.ndarray:
    rule = FIELDS[name]
    if isinstance(rule, ChoiceRule):
        return np.array([value == choice for choice in rule.values], np.float32)
    return np.atleast_1d(np.asarray(value, np.float32))


@lru_cache(maxsize=1)
def factor_index() -> np.ndarray:
    """``[K]`` int64: which of :data:`FACTORS` a number belongs to."""
    plain = HeadParameters()
    sizes = [len(_encode_one(name, getattr(plain, name))) for name in FACTORS]
    return np.repeat(np.arange(len(FACTORS)), sizes)


@dataclass(frozen=True)
class FactorBank:
    """Many heads without pictures: ``latents [N, Z]``, standardised ``codes [N, K]``."""

    latents: Tensor
    codes: Tensor


def draw_bank(count: int, seed: int) -> FactorBank:
    """``count`` heads of the domain; about half a millisecond each.

    >>> bank = draw_bank(2, seed=7)
    >>> bank.latents.shape[0], len(factor_index()) == bank.codes.shape[1]
    (2, True)
    """
    latents = np.stack([FIRST.draw_latent(seed, index) for index in range(count)])
    codes = np.stack([encode(FIRST.parameters(latent)) for latent in latents])
    codes = (codes - codes.mean(0)) / np.maximum(codes.std(0), _LEAST_DEVIATION)
    return FactorBank(torch.from_numpy(latents), torch.from_numpy(codes))
