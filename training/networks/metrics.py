"""How well readers and parsers do: confusion, overlap, and telling people apart."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .targets import UNKNOWN


def confusion(truth: Tensor, found: Tensor, count: int) -> Tensor:
    """[count, count] int64: row the truth, column what was found; UNKNOWN truths are left out."""
    known = truth != UNKNOWN
    pairs = truth[known].long() * count + found[known].long()
    return torch.bincount(pairs.flatten(), minlength=count * count).reshape(count, count)


def accuracy(table: Tensor) -> float:
    """Share of a confusion table that lies on its diagonal; NaN if it is empty."""
    return float(table.trace() / table.sum())


def recalls(table: Tensor) -> list[float]:
    """Of each class the share that was found; NaN for a class that did not occur."""
    return (table.diagonal() / table.sum(1)).tolist()


def overlaps(table: Tensor) -> list[float]:
    """Intersection over union of each class; NaN for a class that neither occurred nor was found."""
    hits = table.diagonal()
    return (hits / (table.sum(0) + table.sum(1) - hits)).tolist()


def mean(values: Sequence[float]) -> float:
    """Of those that are numbers."""
    return float(torch.tensor(values).nanmean())


def worst_pairs(table: Tensor, names: Sequence[str], count: int = 5) -> list[tuple[str, str, float]]:
    """``(truth, what it was taken for, share of the truth's cases)``, the most frequent mistakes first."""
    shares = table / table.sum(1, keepdim=True).clamp_min(1)
    shares.fill_diagonal_(0)
    best = shares.flatten().topk(min(count, shares.numel()))
    pairs = [(divmod(int(index), len(names)), float(share)) for share, index in zip(*best, strict=True)]
    return [(names[row], names[column], share) for (row, column), share in pairs if share > 0]


def explained(truth: Tensor, found: Tensor) -> Tensor:
    """[D]: share of the variance of each column of ``truth [N, D]`` that ``found`` explains.

    NaN truths do not count; NaN where the truth does not vary.
    """
    seen = ~truth.isnan()
    middle = truth.nanmean(0)
    error = torch.where(seen, found - truth, 0.0).square().sum(0)
    variance = torch.where(seen, truth - middle, 0.0).square().sum(0)
    return torch.where(variance > 1e-9, 1 - error / variance, torch.nan)


def mean_error(truth: Tensor, found: Tensor) -> Tensor:
    """[D]: mean absolute error of each column; NaN truths are left out."""
    return (found - truth).abs().nanmean(0)


def pick_rates(
    queries: Tensor, candidates: Tensor, query_heads: Tensor, candidate_heads: Tensor
) -> tuple[float, float]:
    """How often the right person has the larger cosine: of two candidates, and of ten.

    ``queries [N, D]``, ``candidates [M, D]`` of unit length. All pairs of a query and a picture of the same person
    count (not a picture with itself, where ``queries is candidates``); exact expectations over random strangers.
    """
    similarity = queries @ candidates.T
    same = query_heads[:, None] == candidate_heads[None]
    own = same & ~torch.eye(len(queries), dtype=torch.bool) if queries is candidates else same
    below = []
    for row, mine, theirs in zip(similarity, own, ~same, strict=True):
        strangers = row[theirs].sort().values
        if mine.any() and len(strangers):
            below.append(torch.searchsorted(strangers, row[mine].contiguous()) / len(strangers))
    shares = torch.cat(below) if below else torch.tensor([float("nan")])
    return float(shares.mean()), float(shares.pow(9).mean())
