"""The search for the matter of one face: which cells of its box are empty.

A cell is empty if no density in it can be seen: neither at its corners, nor with what detail finer than the cell adds.
Planes that lie along axes tell by how much: features enter the density through one softplus, whose slope is 0 to 1.
That bound is loose; cells that it leaves open are looked at once more, texel by texel: there is no finer detail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor

from .layers import softplus
from .occupancy import Occupancy
from .planes import Lattice, axes_of_planes
from .scene import CROPPED_DENSITY, Volume, query_points

_CELLS, _QUICK_CELLS = 64, 32  # a side
_FINEST = 160  # points a side; of finer planes some texels are left out
_BEYOND = (0.25, 0.5, 0.75, 1.0, 2.0)  # texels, places to look at beyond the outermost
_MARGIN = 1.1  # of the box: the outermost cells lie where planes are zero, and stand for all that is farther out
_SLOPE = 0.5  # of the softplus
_THINNEST = 2e-3  # opacity of a box's width of the raw density that still counts as matter
_POINTS_AT_ONCE = 1 << 15


@torch.no_grad()
def find_matter(scene: Volume, quick: bool = False) -> Occupancy:
    """The occupancy of one face, whose planes are ``scene.planes [1, …]``; ``quick``: coarser, for a single picture."""
    axis, pairs = _axis(scene, _QUICK_CELLS if quick else _CELLS), _axes(scene)
    if pairs is None:
        return _by_points(scene, _read_points(scene, axis))
    sheets = Sheets.of(scene, axis, pairs)
    density, thinnest = sheets.density(), thinnest_density(scene.box_warp)
    filled = ~(_highest(density, sheets.rise()) <= thinnest)  # NaN is no empty space
    texels = None if quick else _texels(scene)
    if texels is not None:
        certain = _over_corners(density, torch.maximum) > thinnest
        filled = _refine(filled & ~certain, certain, axis, Sheets.of(scene, texels, pairs), thinnest)
    return _occupancy(scene, filled)


@torch.no_grad()
def guess_matter(scene: Volume, cells: int) -> Occupancy:
    """The same by what is seen at the corners of ``cells``³ and of their neighbours alone, for a single gradient: what
    is thinner than a cell and far from all else may be missed."""
    axis, pairs = _axis(scene, cells), _axes(scene)
    density = _read_points(scene, axis) if pairs is None else Sheets.of(scene, axis, pairs).density()
    return _by_points(scene, density)


def _by_points(scene: Volume, density: Tensor) -> Occupancy:
    """``density [N, N, N]`` -> cells that seem to be filled, and those around them."""
    filled = ~(_highest(density) <= thinnest_density(scene.box_warp))
    return _occupancy(scene, F.max_pool3d(filled[None].float(), 3, 1, padding=1)[0] > 0)


def _half(scene: Volume) -> float:
    return scene.box_warp / 2 * _MARGIN


def _axis(scene: Volume, cells: int) -> Tensor:
    return torch.linspace(-_half(scene), _half(scene), cells + 1, device=scene.planes.device)


def _axes(scene: Volume) -> list[tuple[int, int]] | None:
    """Of its planes, see :func:`axes_of_planes`; None where they are grids or balls."""
    return None if scene.in_balls or scene.planes.ndim != 5 else axes_of_planes(scene.projection)


def _occupancy(scene: Volume, filled: Tensor) -> Occupancy:
    return Occupancy(filled.flatten(), _half(scene), not scene.in_balls)


def thinnest_density(box_warp: float) -> float:
    """The raw density of which a box's width is as good as clear: softplus(d - 1) · width = ``_THINNEST``."""
    return 1 + float(torch.expm1(torch.tensor(_THINNEST / box_warp)).log())


def _highest(density: Tensor, rise: Tensor | float = 0.0) -> Tensor:
    """How dense it may be in cells ``[N - 1, N - 1, N - 1]`` with these densities ``[N, N, N]`` at their corners."""
    highest, lowest = (_over_corners(density, choose) for choose in (torch.maximum, torch.minimum))
    return highest + (highest - lowest) / 2 + _SLOPE * rise


def _over_corners(values: Tensor, choose: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """``[N, N, N]`` at points -> one of each cell's eight, ``[N - 1, N - 1, N - 1]``."""
    for axis in range(3):
        number = values.shape[axis] - 1
        values = choose(values.narrow(axis, 0, number), values.narrow(axis, 1, number))
    return values


def _read_points(scene: Volume, axis: Tensor) -> Tensor:
    """Raw density at all points of the lattice ``axis`` × ``axis`` × ``axis``, ``[N, N, N]``."""
    parts = torch.cartesian_prod(axis, axis, axis).split(_POINTS_AT_ONCE)
    found = [query_points(scene, points[None], as_seen=True)[0][0] for points in parts]
    return torch.cat(found).reshape([len(axis)] * 3)


@dataclass(frozen=True)
class Sheets:
    """Planes that lie along two axes, read at a lattice ``axis [N]`` × ``axis`` × ``axis``: P·N² times, not N³ times,
    and taken through the decoder's first layer before they are added up.

    ``hidden [P, N, N, H]``: whose sum is what the softplus gets, in the order of the world's axes; ``read [P, N, N,
    C]``: the planes in their own order, as is ``axes``.
    """

    scene: Volume
    axis: Tensor
    axes: list[tuple[int, int]]
    lattices: list[Lattice]
    read: list[Tensor]
    hidden: Tensor

    @classmethod
    def of(cls, scene: Volume, axis: Tensor, pairs: list[tuple[int, int]]) -> Sheets:
        """``pairs``: of :func:`axes_of_planes`."""
        placed, lattices = scene.place(axis), []
        for number, pair in enumerate(pairs):
            across, down = (placed * scene.projection[world, number, k] for k, world in enumerate(pair))
            lattices.append(Lattice.of(across, down, (scene.planes.shape[1], scene.planes.shape[2])))
        read = [lattice.read(scene.planes[0, :, :, number]) for number, lattice in enumerate(lattices)]
        weight, bias = scene.decoder.layers[0].scaled()
        sheets = [F.linear(each, weight, bias) / len(pairs) for each in read]
        hidden = torch.stack([_turned(*each) for each in zip(sheets, pairs, strict=True)])
        return cls(scene, axis, pairs, lattices, read, hidden)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Of world axes, in their order."""
        return [(min(pair), max(pair)) for pair in self.axes]

    def density(self) -> Tensor:
        """Raw, at all points, ``[N, N, N]``, x slowest."""
        parts = [_spread(sheet, pair) for sheet, pair in zip(self.hidden, self.pairs, strict=True)]
        slabs = [
            self.scene.decoder.density(softplus(reduce(torch.add, (part[x if len(part) > 1 else 0] for part in parts))))
            for x in range(len(self.axis))
        ]
        return torch.stack(slabs)

    def density_at(self, points: Tensor) -> Tensor:
        """The same at some points: ``[M, 3]`` numbers on the lattice -> ``[M]``."""
        side = len(self.axis)
        table, found = self.hidden.flatten(0, 2), []
        for some in points.split(_POINTS_AT_ONCE):
            rows = [(p * side + some[:, a]) * side + some[:, b] for p, (a, b) in enumerate(self.pairs)]
            hidden = F.embedding_bag(torch.stack(rows, 1), table, mode="sum")
            found.append(self.scene.decoder.density(softplus(hidden)))
        return torch.cat(found)

    def rise(self) -> Tensor:
        """By how much detail finer than the lattice can raise the density in cells ``[N - 1, N - 1, N - 1]``, were the
        softplus as steep everywhere as it can be."""
        rises = (self._rise_of(number) for number in range(len(self.axes)))
        return reduce(
            torch.add, (_spread(r[..., None], pair)[..., 0] for r, pair in zip(rises, self.pairs, strict=True))
        )

    def _rise_of(self, number: int) -> Tensor:
        """That of one plane, ``[N - 1, N - 1]``, in the order of the world's axes."""
        decoder, lattice = self.scene.decoder, self.lattices[number]
        outward = decoder.layers[1].scaled()[0][0] * decoder.density_gain
        plane = self.scene.planes[0, :, :, number]
        detail = F.linear((plane - lattice.between(self.read[number])) / len(self.axes), decoder.layers[0].scaled()[0])
        return _turned(lattice.most_in_cells((detail * outward).clamp_min_(0).sum(-1)), self.axes[number])


def _turned(values: Tensor, pair: tuple[int, int]) -> Tensor:
    """``[N, N, …]`` over two world axes -> in their order."""
    return values.transpose(0, 1) if pair[0] > pair[1] else values


def _spread(values: Tensor, pair: tuple[int, int]) -> Tensor:
    """``[N, N, C]`` over two world axes -> ``[N or 1, N or 1, N or 1, C]`` over x, y, z."""
    return values.unsqueeze(({0, 1, 2} - set(pair)).pop())


def _texels(scene: Volume) -> Tensor | None:
    """Where on each axis of the world the texels of square planes lie, and beyond them two places where all is zero;
    None where they differ from plane to plane."""
    height, width = scene.planes.shape[1:3]
    scale = scene.projection.abs().amax(0)
    if height != width or not torch.allclose(scale, scale.flatten()[0]):
        return None
    inner = torch.arange(0, width, -(-width // _FINEST), device=scene.planes.device)
    inner = inner[inner < width - 1]
    edge = torch.tensor(_BEYOND, device=inner.device)  # features fall to zero there, density may rise between
    places = torch.cat([-edge.flip(0), inner, width - 1 + F.pad(edge, (1, 0))])
    return scene.unplace(((2 * places + 1) / width - 1) / scale.flatten()[0])


def _refine(opened: Tensor, certain: Tensor, axis: Tensor, sheets: Sheets, thinnest: float) -> Tensor:
    """Cells ``[N, N, N]`` between the points ``axis`` that are ``opened`` and those that are ``certain`` -> those that
    are filled, ``[2N, 2N, 2N]``."""
    cells = _any_over(opened, _overlaps(axis, sheets.axis))
    points = _corners_of(cells)
    density = torch.full(points.shape, CROPPED_DENSITY, device=points.device)
    density[points] = sheets.density_at(points.nonzero())
    filled = cells & ~(_highest(density, sheets.rise()) <= thinnest)
    finer = torch.linspace(float(axis[0]), float(axis[-1]), 2 * len(axis) - 1, device=axis.device)
    filled = _any_over(filled, _overlaps(sheets.axis, finer))
    return filled | reduce(lambda mask, k: mask.repeat_interleave(2, k), range(3), certain)


def _overlaps(some: Tensor, others: Tensor) -> Tensor:
    """Which of the cells between the places ``some [N + 1]`` those between ``others [M + 1]`` meet, ``[M, K]``, some
    twice; beyond both ends the last cell."""
    first = (torch.searchsorted(some, others[:-1], right=True) - 1).clamp(0, len(some) - 2)
    last = (torch.searchsorted(some, others[1:]) - 1).clamp(0, len(some) - 2)
    steps = torch.arange(int((last - first).max()) + 1, device=some.device)
    return torch.minimum(first[:, None] + steps, last[:, None])


def _any_over(cells: Tensor, windows: Tensor) -> Tensor:
    """``[N, N, N]`` bool -> ``[M, M, M]``: whether any of the cells is that ``windows [M, K]`` names on each axis."""
    for axis in range(3):
        cells = reduce(torch.logical_or, (cells.index_select(axis, window) for window in windows.unbind(1)))
    return cells


def _corners_of(cells: Tensor) -> Tensor:
    """``[N, N, N]`` bool -> ``[N + 1, N + 1, N + 1]``: the points at the corners of any."""
    for axis in range(3):
        edge = torch.zeros_like(cells.narrow(axis, 0, 1))
        cells = torch.cat([edge, cells], axis) | torch.cat([cells, edge], axis)
    return cells
