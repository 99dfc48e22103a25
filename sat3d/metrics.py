"""Metrics of what an edit changed; plain tensors in, no network."""

import torch
from torch import Tensor

from .errors import ShapeError

LEVELS = 255  # of an 8-bit picture, in which differences are given


def pixel_changes(before: Tensor, after: Tensor) -> Tensor:
    """Two ``[B, 3, H, W]`` in -1..1 (or one of them ``[1, 3, H, W]``) -> ``[B, H, W]``: each pixel's mean |ΔRGB|, 0..1.

    Example:
        >>> pixel_changes(torch.full((1, 3, 1, 1), -1.0), torch.full((1, 3, 1, 1), 0.5))
        tensor([[[0.7500]]])

    Raises:
        ShapeError: other sizes, or batches that do not pair.
    """
    counts = {len(before), len(after)} - {1}
    if before.ndim != 4 or before.shape[1:] != after.shape[1:] or len(counts) > 1 or 0 in (len(before), len(after)):
        raise ShapeError(
            "The pictures cannot be compared",
            f"{tuple(before.shape)} and {tuple(after.shape)}",
            "one size, and one picture or as many as the other has",
            "scale one of them, or match the batches",
        )
    return (before - after).abs().mean(1) / 2


def d_mean(change: Tensor, counted: Tensor) -> Tensor:
    """D_mean of each picture ``[B]``, 0..255: mean |ΔRGB| over what counts; nan where nothing does.

    As 3D-aware editing papers report it for what is outside the edited part. ``change [B, H, W]``: of
    :func:`pixel_changes`; ``counted [B, H, W]`` bool or 0..1: the weight of each pixel.
    """
    counted = counted.to(change)
    total = counted.sum((1, 2))
    return torch.where(total > 0, (change * counted).sum((1, 2)) / total.clamp_min(1e-12) * LEVELS, torch.nan)


def d_mean_overall(change: Tensor, counted: Tensor) -> float:
    """As :func:`d_mean`, over the pixels of all pictures together."""
    return float(d_mean(change.reshape(1, 1, -1), counted.reshape(1, 1, -1)))


def shape_distance(found: Tensor, wanted: Tensor, spread: Tensor) -> Tensor:
    """How far two descriptions of heads are from each other: ``[B, K]`` each, ``spread [K]`` -> ``[B]``.

    The root mean square of the differences in units of the population's ``spread`` (standard deviation) of each number:
    0 for the same head, √2 on average for two independent ones. Numbers that do not vary are left out.
    """
    varies = spread > 1e-6
    return ((found - wanted)[:, varies] / spread[varies]).square().mean(1).sqrt()
