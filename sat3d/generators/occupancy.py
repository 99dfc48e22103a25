"""Where the matter of one face is: a coarse grid of its box, made of its planes once, for all views.

A ray's samples in empty cells need not be computed. A cell is empty if the density at its corners, raised by half of
what it varies in the cell, is too thin to be seen, and so are all cells around it: things thinner than a cell raise the
density of a corner near them, as planes are interpolated and a decoder is smooth.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .layers import softplus
from .planes import axes_of_planes, grid_size, read_lattice
from .renderer import RayBatch, Volume, query_points

CELLS = 64  # a side
_MARGIN = 1.1  # of the box: the outermost cells lie where planes are zero, and stand for all that is farther out
_THINNEST = 2e-3  # opacity of a box's width of the raw density that still counts as matter
_POINTS_AT_ONCE = 1 << 15


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

    def along(self, rays: RayBatch, depths: Tensor) -> Tensor:
        """``depths [R, N]`` -> ``[R, N]`` bool: samples where there may be matter."""
        side, scale = self.side, self.side / (2 * self.half)
        flat, outside = None, None
        for axis in range(3):
            start, step = rays.origins[:, axis, None] * scale + side / 2, rays.directions[:, axis, None] * scale
            place = torch.addcmul(start, depths, step)
            if not self.closed:
                beyond = (place < 0) | (place >= side)
                outside = beyond if outside is None else outside | beyond
            number = place.clamp_(0, side - 0.5).int()
            flat = number if flat is None else flat.mul_(side).add_(number)
        seen = self.filled.index_select(0, flat.flatten()).view_as(flat)
        return seen if outside is None else seen | outside


@torch.no_grad()
def find_matter(scene: Volume, cells: int = CELLS) -> Occupancy:
    """The occupancy of one face, whose planes are ``scene.planes [1, …]``."""
    half = scene.box_warp / 2 * _MARGIN
    axis = torch.linspace(-half, half, cells + 1, device=scene.planes.device)
    density = _density_at(scene, axis)[None, None]
    highest, lowest = F.max_pool3d(density, 2, 1), -F.max_pool3d(-density, 2, 1)
    matter = highest + (highest - lowest) / 2 > thinnest_density(scene.box_warp)
    matter |= ~torch.isfinite(highest)
    filled = F.max_pool3d(matter.float(), 3, 1, padding=1)[0, 0] > 0
    return Occupancy(filled.flatten(), half, not scene.in_balls)


def thinnest_density(box_warp: float) -> float:
    """The raw density of which a box's width is as good as clear: softplus(d - 1) · width = ``_THINNEST``."""
    return 1 + float(torch.expm1(torch.tensor(_THINNEST / box_warp)).log())


def _density_at(scene: Volume, axis: Tensor) -> Tensor:
    """Raw density at all points of the lattice ``axis`` × ``axis`` × ``axis``, ``[N, N, N]``."""
    pairs = axes_of_planes(scene.projection)
    if pairs is not None and not scene.in_balls and scene.planes.ndim == 5:
        return _density_by_planes(scene, axis, pairs)
    parts = torch.cartesian_prod(axis, axis, axis).split(_POINTS_AT_ONCE)
    found = [query_points(scene, points[None], as_seen=True)[0][0] for points in parts]
    return torch.cat(found).reshape([len(axis)] * 3)


def _density_by_planes(scene: Volume, axis: Tensor, pairs: list[tuple[int, int]]) -> Tensor:
    """The same where every plane lies along two axes: a plane is read N² times, not N³ times, and goes through the
    decoder's first layer before the planes are added up."""
    decoder, placed, sheets = scene.decoder, scene.place(axis), []
    weight, bias = decoder.net[0].scaled()
    for number, pair in enumerate(pairs):
        coordinates = [placed * scene.projection[world, number, k] for k, world in enumerate(pair)]
        features = read_lattice(scene.planes[0, :, :, number], *coordinates)
        sheets.append(_spread(F.linear(features / len(pairs), weight), pair))
    slabs = []
    for x in range(len(axis)):
        total = sum((sheet[x if len(sheet) > 1 else 0] for sheet in sheets), bias)
        slabs.append(decoder.density(softplus(total)))
    return torch.stack(slabs)


def _spread(hidden: Tensor, pair: tuple[int, int]) -> Tensor:
    """``[N, N, H]`` over two world axes -> ``[N or 1, N or 1, N or 1, H]`` over x, y, z."""
    hidden = hidden.transpose(0, 1) if pair[0] > pair[1] else hidden
    return hidden.unsqueeze(({0, 1, 2} - set(pair)).pop())
