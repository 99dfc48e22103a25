"""Disentanglement, completeness and informativeness of a code (Eastwood and Williams 2018), by the Lasso.

The measure of StyleSpace (Wu et al. 2021), against parameters that are known rather than guessed by classifiers. A
factor may have several numbers (a colour, a category); a channel's importance for it is the norm of their weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_PENALTY = 0.02  # of the Lasso, on standardised columns
_STEPS = 300
_HELD_OUT = 0.25
_LEAST_DEVIATION = 1e-4


@dataclass(frozen=True)
class Disentanglement:
    """All 0..1. ``disentanglement``: a channel speaks of one factor only; ``completeness``: a factor is in one channel
    only; ``informativeness``: share of the factors' variance that the Lasso explains for other people."""

    disentanglement: float
    completeness: float
    informativeness: float


def measure(code: Tensor, factors: Tensor, factor_of: Tensor) -> Disentanglement:
    """``code [N, D]``; ``factors [N, K]``, column k belongs to factor ``factor_of[k]``. Columns that do not vary, such
    as a facial action that nobody makes, are left out.

    >>> g = torch.Generator().manual_seed(0)
    >>> factors = torch.randn(400, 2, generator=g)
    >>> one_each, mixed = factors, factors @ torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    >>> [round(measure(code, factors, torch.arange(2)).disentanglement, 1) for code in (one_each, mixed)]
    [1.0, 0.0]
    """
    varies = factors.std(0) > _LEAST_DEVIATION
    code, factors = standardise(code), standardise(factors[:, varies])
    factor_of = factor_of[varies].unique(return_inverse=True)[1]
    known = int(len(code) * (1 - _HELD_OUT))
    weights = lasso(code[:known], factors[:known], _PENALTY)
    residual = factors[known:] - code[known:] @ weights
    unexplained = residual.square().mean(0) / factors[known:].square().mean(0).clamp_min(_LEAST_DEVIATION)
    member = torch.nn.functional.one_hot(factor_of).to(code)
    importance = (weights.square() @ member).sqrt()
    sizes = member.sum(0)
    informed = ((1 - unexplained).clamp(0, 1) @ member / sizes).mean()
    return Disentanglement(concentration(importance), concentration(importance.T), informed.item())


def standardise(columns: Tensor) -> Tensor:
    """Mean zero and deviation one; columns that do not vary become zero."""
    deviation = columns.std(0)
    return torch.where(deviation > _LEAST_DEVIATION, (columns - columns.mean(0)) / deviation, 0.0)


def lasso(x: Tensor, y: Tensor, penalty: float, steps: int = _STEPS) -> Tensor:
    """``[D, K]``: minimises |y − x w|² / 2N + penalty · |w|₁ for every column of ``y [N, K]``; by FISTA."""
    gram, moment = x.T @ x / len(x), x.T @ y / len(x)
    largest = torch.linalg.matrix_norm(gram, 2)
    weights = ahead = torch.zeros_like(moment)
    speed = 1.0
    for _ in range(steps):
        moved = ahead - (gram @ ahead - moment) / largest
        following = moved.sign() * (moved.abs() - penalty / largest).clamp_min(0)
        speed, before = (1 + (1 + 4 * speed**2) ** 0.5) / 2, speed
        ahead = following + (before - 1) / speed * (following - weights)
        weights = following
    return weights


def concentration(importance: Tensor) -> float:
    """Mean over rows of 1 − entropy (in units of the largest possible), rows weighted by their sum."""
    total = importance.sum(1)
    if total.sum() == 0:
        return 0.0
    share = importance / total.clamp_min(1e-12)[:, None]
    entropy = -(share * share.clamp_min(1e-12).log()).sum(1) / torch.log(torch.tensor(float(importance.shape[1])))
    return ((1 - entropy) * total).sum().item() / total.sum().item()
