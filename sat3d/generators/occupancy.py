"""Where the matter of one face is: a coarse grid of its box, made of its planes once, for all views.

A ray's samples in empty cells need not be computed. A cell is empty if no density in it can be seen: neither at its
corners, nor with what detail finer than the cell adds to them. Planes that lie along axes tell by how much: features
enter the density through one softplus, whose slope is 0 to 1.
"""

from dataclasses import dataclass
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor

from .layers import softplus
from .planes import Lattice, axes_of_planes
from .rays import RayBatch
from .scene import Volume, query_points

CELLS = 64  # a side
_MARGIN = 1.1  # of the box: the outermost cells lie where planes are zero, and stand for all that is farther out
_SLOPE = 0.5  # of the softplus
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


@torch.no_grad()
def find_matter(scene: Volume, cells: int = CELLS) -> Occupancy:
    """The occupancy of one face, whose planes are ``scene.planes [1, …]``."""
    half = scene.box_warp / 2 * _MARGIN
    axis = torch.linspace(-half, half, cells + 1, device=scene.planes.device)
    pairs = None if scene.in_balls or scene.planes.ndim != 5 else axes_of_planes(scene.projection)
    density, rise = _read_points(scene, axis) if pairs is None else _read_planes(scene, axis, pairs)
    highest, lowest = (sign * F.max_pool3d(sign * density[None], 2, 1)[0] for sign in (1, -1))
    most = highest + (highest - lowest) / 2 + _SLOPE * rise
    filled = ~(most <= thinnest_density(scene.box_warp))  # NaN is no empty space
    if pairs is None:
        filled = F.max_pool3d(filled[None].float(), 3, 1, padding=1)[0] > 0
    return Occupancy(filled.flatten(), half, not scene.in_balls)


def thinnest_density(box_warp: float) -> float:
    """The raw density of which a box's width is as good as clear: softplus(d - 1) · width = ``_THINNEST``."""
    return 1 + float(torch.expm1(torch.tensor(_THINNEST / box_warp)).log())


def _read_points(scene: Volume, axis: Tensor) -> tuple[Tensor, Tensor]:
    """Raw density at all points of the lattice ``axis`` × ``axis`` × ``axis``, ``[N, N, N]``; of finer detail nothing
    is known."""
    parts = torch.cartesian_prod(axis, axis, axis).split(_POINTS_AT_ONCE)
    found = [query_points(scene, points[None], as_seen=True)[0][0] for points in parts]
    return torch.cat(found).reshape([len(axis)] * 3), axis.new_zeros(())


def _read_planes(scene: Volume, axis: Tensor, pairs: list[tuple[int, int]]) -> tuple[Tensor, Tensor]:
    """The same where every plane lies along two axes: a plane is read N² times, not N³ times, and goes through the
    decoder's first layer before the planes are added up. Also by how much finer detail can raise the density in the
    cells, ``[N - 1, N - 1, N - 1]``, were the softplus as steep everywhere as it can be."""
    decoder, placed, sheets, rises = scene.decoder, scene.place(axis), [], []
    weight, bias = decoder.layers[0].scaled()
    outward = decoder.layers[1].scaled()[0][0] * decoder.density_gain
    for number, pair in enumerate(pairs):
        plane = scene.planes[0, :, :, number]
        across, down = (placed * scene.projection[world, number, k] for k, world in enumerate(pair))
        lattice = Lattice.of(across, down, (plane.shape[0], plane.shape[1]))
        read = lattice.read(plane)
        detail = F.linear((plane - lattice.between(read)) / len(pairs), weight)
        rises.append(_spread(lattice.most_in_cells((detail * outward).clamp_min_(0).sum(-1))[..., None], pair)[..., 0])
        sheets.append(_spread(F.linear(read / len(pairs), weight), pair))
    slabs = [
        decoder.density(softplus(reduce(torch.add, (sheet[x if len(sheet) > 1 else 0] for sheet in sheets), bias)))
        for x in range(len(axis))
    ]
    return torch.stack(slabs), reduce(torch.add, rises)


def _spread(values: Tensor, pair: tuple[int, int]) -> Tensor:
    """``[N, N, C]`` over two world axes -> ``[N or 1, N or 1, N or 1, C]`` over x, y, z."""
    values = values.transpose(0, 1) if pair[0] > pair[1] else values
    return values.unsqueeze(({0, 1, 2} - set(pair)).pop())
