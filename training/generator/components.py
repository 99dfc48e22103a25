"""Principal components, so weighted that faint ones count, too."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_FLATTENING = 0.5  # a component's spread in codes is its spread in what is seen to this power: faint ones count, too
_POWER_ITERATIONS = 3
_LEAST_SIZE = 1e-4  # of a component, in units of the largest: what is below is noise


@dataclass(frozen=True)
class Components:
    """``(x - mean) @ map``: x ``[…, F]`` as ``[…, k]`` of mean 0 and mean square 1; ``explained``: share of the
    variance of x that they hold. Where x has fewer than k directions, the last columns are 0."""

    mean: Tensor  # [F]
    map: Tensor  # [F, k]
    explained: float

    def __call__(self, x: Tensor) -> Tensor:
        return (x - self.mean) @ self.map


@torch.no_grad()
def find_components(x: Tensor, count: int, seed: int = 0) -> Components:
    """The ``count`` largest of ``x [n, F]``."""
    mean = x.mean(0)
    centred = x - mean
    torch.manual_seed(seed)
    rank = min(count, len(x) - 1, x.shape[1])  # n vectors less their mean have n - 1 components
    _, sizes, directions = torch.pca_lowrank(centred, rank, center=False, niter=_POWER_ITERATIONS)
    scale = torch.where(sizes > _LEAST_SIZE * sizes[0], sizes ** (_FLATTENING - 1), 0.0)
    found = F.pad(directions * scale, (0, count - rank))
    found /= (centred @ found).square().mean().sqrt()
    return Components(mean, found, float(sizes.square().sum() / centred.square().sum()))
