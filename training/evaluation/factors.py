"""The known parameters of a head as numbers, grouped by parameter: what disentanglement is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.synth.population import Population
from training.synth.rules import ChoiceRule
from training.synthheads.parameter_spec import FIELDS
from training.synthheads.parameters import HeadParameters

_LEAST_DEVIATION = 1e-3


def factors_of(population: Population) -> tuple[str, ...]:
    """One factor a parameter that is drawn at all; a colour, a category or the whole shape is one factor."""
    drawn = {block.name for block in population.blocks}
    return tuple(name for name in FIELDS if name in drawn)


def encode(p: HeadParameters, factors: Sequence[str]) -> np.ndarray:
    """``[K]`` float32: numbers as they are, categories one-hot."""
    return np.concatenate([_encode_one(name, getattr(p, name)) for name in factors]).astype(np.float32)


def _encode_one(name: str, value: object) -> np.ndarray:
    rule = FIELDS[name]
    if isinstance(rule, ChoiceRule):
        return np.array([value == choice for choice in rule.values], np.float32)
    return np.atleast_1d(np.asarray(value, np.float32))


def factor_index(factors: Sequence[str]) -> np.ndarray:
    """``[K]`` int64: which of the ``factors`` a number belongs to."""
    plain = HeadParameters()
    return np.repeat(np.arange(len(factors)), [len(_encode_one(name, getattr(plain, name))) for name in factors])


@dataclass(frozen=True)
class FactorBank:
    """N heads: their ``parameters``, standardised ``numbers [N, K]``, and the factor of each number, ``index [K]``."""

    parameters: list[HeadParameters]
    numbers: Tensor
    index: Tensor


def bank_of(parameters: Sequence[HeadParameters], population: Population) -> FactorBank:
    """
    >>> from training.synthheads.populations import FIRST
    >>> bank = bank_of([FIRST.draw(7, head) for head in range(2)], FIRST)
    >>> bank.numbers.shape == (2, len(bank.index))
    True
    """
    factors = factors_of(population)
    numbers = np.stack([encode(p, factors) for p in parameters])
    numbers = (numbers - numbers.mean(0)) / np.maximum(numbers.std(0), _LEAST_DEVIATION)
    return FactorBank(list(parameters), torch.from_numpy(numbers), torch.from_numpy(factor_index(factors)))
