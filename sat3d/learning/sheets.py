"""Many small pictures on one, which grows while somebody waits."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_EMPTY = -0.8  # of -1..1: what cells without a picture show


def tile(cells: Tensor, columns: int) -> Tensor:
    """``[N, 3, c, c]`` -> ``[1, 3, rows·c, columns·c]``, row by row.

    Example:
        >>> tile(torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1, 1), 2)[0, 0]
        tensor([[ 1.0000,  2.0000],
                [ 3.0000, -0.8000]])
    """
    missing = -len(cells) % columns
    cells = torch.cat([cells, cells.new_full((missing, *cells.shape[1:]), _EMPTY)])
    _, channels, height, width = cells.shape
    grid = cells.view(-1, columns, channels, height, width).permute(2, 0, 3, 1, 4)
    return grid.reshape(1, channels, -1, columns * width)


class FaceSheet:
    """The faces seen last, as many as fit, ``cell_px`` pixels each."""

    def __init__(self, columns: int = 8, rows: int = 6, cell_px: int = 64):
        self.columns, self.rows, self.cell_px = columns, rows, cell_px
        self._cells = torch.zeros(0, 3, cell_px, cell_px)

    def add(self, images: Tensor) -> None:
        """``[B, 3, p, p]`` in -1..1; what no longer fits goes, the oldest rows first."""
        small = F.interpolate(images.detach().float().cpu(), (self.cell_px, self.cell_px), mode="area")
        cells, most = torch.cat([self._cells, small.clamp(-1, 1)]), self.columns * self.rows
        too_many = max(0, -(-(len(cells) - most) // self.columns)) * self.columns
        self._cells = cells[too_many:]

    @property
    def picture(self) -> Tensor | None:
        """``[1, 3, H, W]`` in -1..1; None before the first face."""
        return tile(self._cells, self.columns) if len(self._cells) else None
