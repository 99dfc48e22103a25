"""Blurs, windows and ramps of maps ``[B, C, H, W]``; lengths are in pixels."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

_REACH = 3.0  # standard deviations
_WIDEST = 12  # taps on each side; a wider blur is made of a smaller copy


def blur(maps: Tensor, sigma: float) -> Tensor:
    """Gaussian; beyond the border its last value goes on. A wide one is made of means of pixels, and enlarged again."""
    height, width = maps.shape[2:]
    factor = min(max(1, int(sigma * _REACH / _WIDEST)), height, width)
    if factor > 1:
        small = F.interpolate(maps, (-(-height // factor), -(-width // factor)), mode="area")
        small = blur(small, math.sqrt(max(0.25, (sigma / factor) ** 2 - 0.25)))
        return F.interpolate(small, (height, width), mode="bilinear", align_corners=False)
    reach = math.ceil(sigma * _REACH)
    if reach < 1:
        return maps
    place = torch.arange(-reach, reach + 1, device=maps.device, dtype=maps.dtype)
    taps = torch.exp(-0.5 * (place / sigma) ** 2)
    taps = (taps / taps.sum()).reshape(1, 1, 1, -1)
    channels = maps.reshape(-1, 1, height, width)
    channels = F.conv2d(F.pad(channels, (reach, reach, 0, 0), mode="replicate"), taps)
    channels = F.conv2d(F.pad(channels, (0, 0, reach, reach), mode="replicate"), taps.transpose(2, 3))
    return channels.reshape(maps.shape)


def largest_around(maps: Tensor, reach: int) -> Tensor:
    """The largest value within ``reach`` pixels up, down and aside."""
    if reach < 1:
        return maps
    across = F.max_pool2d(maps, (1, 2 * reach + 1), 1, (0, reach))
    return F.max_pool2d(across, (2 * reach + 1, 1), 1, (reach, 0))


def smoothstep(values: Tensor, low: float, high: float) -> Tensor:
    """0 up to ``low``, 1 from ``high`` on, 3t² − 2t³ between."""
    t = ((values - low) / max(high - low, 1e-6)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def distance_within(region: Tensor) -> Tensor:
    """``[1, 1, H, W]`` bool -> how far each of its pixels is from the nearest pixel that is not of it; 0 outside. What
    lies beyond the picture's border is not of it."""
    from scipy.ndimage import distance_transform_edt  # takes a while to import

    padded = np.pad(region[0, 0].cpu().numpy(), 1)
    return (
        torch.from_numpy(np.asarray(distance_transform_edt(padded))[1:-1, 1:-1]).float()[None, None].to(region.device)
    )


def grown_from(seeds: Tensor, region: Tensor) -> Tensor:
    """``[1, 1, H, W]`` bool: those connected pieces of ``region`` in which there is one of the ``seeds``."""
    from scipy.ndimage import label  # takes a while to import

    pieces = np.empty(region.shape[2:], np.int32)
    label(region[0, 0].cpu().numpy(), output=pieces)
    kept = np.unique(pieces[seeds[0, 0].cpu().numpy() & (pieces > 0)])
    return torch.from_numpy(np.isin(pieces, kept) & (pieces > 0))[None, None].to(region.device)
