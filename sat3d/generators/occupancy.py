"""Where the matter of one face is: a grid of cells, made of its planes once (``matter.py``), for all views.

A ray's samples in empty cells need not be computed.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from .rays import RayBatch


@dataclass(frozen=True)
class Occupancy:
    """``filled [N³]`` bool, x slowest, of a cube about the origin, ``2 · half`` wide.

    What lies outside is as the nearest cell is, or counts as filled (``closed`` False).
    """

    filled: Tensor
    half: float
    closed: bool = True

    @property
    def side(self) -> int:
        return round(len(self.filled) ** (1 / 3))

    @property
    def cell(self) -> float:
        """The width of a cell, world units."""
        return 2 * self.half / self.side

    @cached_property
    def coarser(self) -> "Occupancy":
        """Cells of twice the width, filled where one of theirs is."""
        filled = F.max_pool3d(self.filled.reshape(1, *[self.side] * 3).float(), 2, ceil_mode=True)
        return self if self.side % 2 else Occupancy(filled.flatten() > 0, self.half, self.closed)

    def along(self, rays: RayBatch, depths: Tensor) -> Tensor:
        """``depths [R, N]`` -> ``[R, N]`` bool: samples where there may be matter."""
        side, scale = self.side, self.side / (2 * self.half)
        flat, outside = rays.origins.new_zeros((), dtype=torch.int32), None
        for axis in range(3):
            start, step = rays.origins[:, axis, None] * scale + side / 2, rays.directions[:, axis, None] * scale
            place = torch.addcmul(start, depths, step)
            if not self.closed:
                beyond = (place < 0) | (place >= side)
                outside = beyond if outside is None else outside | beyond
            number = place.clamp_(0, side - 0.5).int()
            flat = number if axis == 0 else flat.mul_(side).add_(number)
        seen = self.filled.index_select(0, flat.flatten()).view_as(flat)
        return seen if outside is None else seen | outside
