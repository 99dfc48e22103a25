"""Alterable regions: where a picture may change when an attribute is transferred (SAT3D, equation 4).

Labels of a parser, ``[B, H, W]`` whole numbers, become binary masks ``[B, 1, H, W]``; nothing here is differentiable.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from .domains import RegionPart
from .errors import ConfigError


def background_mask(source_region: Tensor, edited_region: Tensor) -> Tensor:
    """Equation (4): B = ¬B_src ∧ ¬B_edit, bool in, bool out: where source and edit must look alike.

    Example:
        >>> background_mask(torch.tensor([True, False, False]), torch.tensor([False, False, True]))
        tensor([False,  True, False])
    """
    return ~source_region & ~edited_region


def alterable_region(labels: Tensor, parts: Sequence[RegionPart], label_names: Sequence[str]) -> Tensor:
    """B_* of an attribute: its parts together. ``labels [B, H, W]`` -> ``[B, 1, H, W]`` bool.

    ``label_names``: what the parser's labels 0, 1, … are called.

    Raises:
        ConfigError: a part names a label that the parser does not know.
    """
    region = torch.zeros_like(labels[:, None], dtype=torch.bool)
    for part in parts:
        piece = _between_rows(pixels_labelled(labels, part.labels, label_names), *part.rows)
        region |= widen(piece, round(part.margin * labels.shape[-1]))
    return region


def pixels_labelled(labels: Tensor, wanted: Sequence[str], label_names: Sequence[str]) -> Tensor:
    """``[B, H, W]`` -> ``[B, 1, H, W]`` bool: pixels with one of the ``wanted`` labels.

    Raises:
        ConfigError: a label that the parser does not know.
    """
    unknown = [name for name in wanted if name not in label_names]
    if unknown:
        raise ConfigError(
            "The parser does not know a label of the domain",
            unknown,
            f"some of {list(label_names)}",
            "correct the domain's JSON file, or choose the parser it was written for",
        )
    numbers = torch.tensor([label_names.index(name) for name in wanted], device=labels.device, dtype=labels.dtype)
    return torch.isin(labels, numbers)[:, None]


def widen(region: Tensor, pixels: int) -> Tensor:
    """``[B, 1, H, W]`` bool, grown by ``pixels`` on all sides (dilation by a square)."""
    if pixels <= 0:
        return region
    side = 2 * pixels + 1
    grown = F.max_pool2d(region.float(), (side, 1), 1, (pixels, 0))
    return F.max_pool2d(grown, (1, side), 1, (0, pixels)) > 0


def _between_rows(region: Tensor, low: float, high: float) -> Tensor:
    """Those rows of each picture's region that lie between these shares of its height."""
    if (low, high) == (0.0, 1.0):
        return region
    filled = region.any(3)[:, 0]  # [B, H]
    row = torch.arange(filled.shape[1], device=region.device)
    first = torch.where(filled, row, filled.shape[1]).amin(1, keepdim=True)
    last = torch.where(filled, row, -1).amax(1, keepdim=True)
    share = (row - first + 0.5) / (last - first + 1)  # of a row's middle, 0..1 from the top of the region
    return region & ((share >= low) & (share <= high))[:, None, :, None]
