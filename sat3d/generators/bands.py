"""Bands of rows: large activations are computed a few rows at a time, so that they stay in cache.

A whole 512² activation of 128 channels is 134 MB; every pass over it (filter, bias, clamp) then costs a trip
to memory. In bands of a few megabytes the same passes cost next to nothing, and peak memory falls with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

_BAND_BYTES = 12 << 20  # fits a desktop CPU's last-level cache; smaller bands repeat more rows


@dataclass(frozen=True)
class Band:
    """Rows ``first … first + rows.shape[2] - 1`` of an activation ``[B, C, total, W]``; rows outside are zero."""

    rows: Tensor
    first: int
    total: int

    def take(self, low: int, high: int) -> Tensor:
        """Rows ``low … high - 1``; the part outside the image is zero padding."""
        inside = self.rows[:, :, max(low, 0) - self.first : min(high, self.total) - self.first]
        above, below = max(-low, 0), max(high - self.total, 0)
        return F.pad(inside, (0, 0, above, below)) if above or below else inside


def whole(x: Tensor) -> Band:
    """A complete activation as a band."""
    return Band(x, 0, x.shape[2])


def split_rows(total: int, bytes_per_row: int, band_bytes: int = _BAND_BYTES) -> Iterator[tuple[int, int]]:
    """``(low, high)`` of bands of about ``band_bytes`` that cover ``total`` rows evenly; even heights."""
    bands = max(1, round(total * bytes_per_row / band_bytes))
    height = -(-total // bands)
    height += height % 2
    for low in range(0, total, height):
        yield low, min(low + height, total)
