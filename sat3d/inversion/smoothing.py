"""Smoothing of cameras over the frames of a video, by a Gaussian within each shot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from ..errors import ShapeError

_REACH = 3  # standard deviations


def smooth(angles: Tensor, sigma_frames: float, cuts: Sequence[int] = ()) -> Tensor:
    """``angles [T, K]``, radians -> ``[T, K]``, averaged with a Gaussian of ``sigma_frames``; 0 leaves them alone.

    ``cuts``: frames that begin a new shot, across which nothing is averaged. At a shot's ends the angles go on point
    symmetrically, so that steady motion stays what it is.

    Raises:
        ShapeError: not such angles, NaN or infinite; a sigma below 0.
    """
    if angles.ndim != 2 or not torch.isfinite(angles).all() or not (math.isfinite(sigma_frames) and sigma_frames >= 0):
        raise ShapeError("These angles cannot be smoothed", (tuple(angles.shape), sigma_frames),
                         "[T, K] finite numbers, sigma from 0", "check frames and smoothing")  # fmt: skip
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(angles)}), len(angles)]
    parts = [_smooth_shot(angles[a:b], sigma_frames) for a, b in pairwise(edges)]
    return torch.cat(parts) if len(angles) else angles.clone()


def _smooth_shot(angles: Tensor, sigma: float) -> Tensor:
    reach = min(math.ceil(_REACH * sigma), len(angles) - 1)
    if reach < 1:
        return angles.clone()
    before = 2 * angles[:1] - angles[1 : reach + 1].flip(0)
    after = 2 * angles[-1:] - angles[-reach - 1 : -1].flip(0)
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, dtype=torch.float64) / sigma) ** 2)
    windows = torch.cat([before, angles, after]).double().unfold(0, 2 * reach + 1, 1)  # [T, K, taps]
    return (windows @ (taps / taps.sum())).to(angles)
