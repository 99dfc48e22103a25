"""Coarse grids about a head: where parts were seen, and what lies hidden beneath them.

Cells are those of the planes' own coordinates, 0..1 along x, y and z, so that a sample knows its cell from the texels
that it reads.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ..generators.planes import grid_size
from ..generators.scene import Volume

CELLS = 64  # a side
# What cells hold: something else was seen there, or the part is far; the field decides; nothing was seen there, and the
# part is what hides it.
OTHER, OPEN, HIDDEN = 0, 1, 2
_REACH, _FAR_REACH = 4, 20  # cells around a point of the part where it may be, and where it may hide something
_THICK = 2  # of a surface, cells
_BESIDE = 2  # cells beside a part, in whose shade it is
_AROUND, _FEW = 7, 0.2  # cells a side; share of the other kind


def coordinate_axes(scene: Volume) -> tuple[tuple[int, int], ...] | None:
    """For x, y and z: a plane and which of its coordinates runs along that axis; None: of balls or oblique planes."""
    if scene.in_balls:
        return None
    along, found = scene.projection != 0, []
    for axis in range(3):
        alone = along[axis] & (along.sum(0) == 1)  # [P, k]
        if not bool(alone.any()):
            return None
        plane, coordinate = alone.nonzero()[0].tolist()
        found.append((plane, coordinate))
    return tuple(found)


def coordinates(texels: Tensor, axes: tuple[tuple[int, int], ...], size: tuple[int, ...]) -> Tensor:
    """``texels [P, k, M]`` -> ``[M, 3]``, 0..1 inside the planes of ``size`` (:func:`.planes.grid_size`)."""
    height, width, *depth = size
    lengths = (width, height, *depth)
    return torch.stack([(texels[plane, k] + 0.5) / lengths[k] for plane, k in axes], -1)


def find_cells(scene: Volume, points: Tensor) -> Tensor:
    """World ``points [M, 3]`` -> ``[CELLS³]`` bool: cells with one of them."""
    filled = torch.zeros(CELLS**3, dtype=torch.bool, device=points.device)
    axes = coordinate_axes(scene)
    if axes is None or not len(points):
        return filled.view([CELLS] * 3)
    places = coordinates(scene.places(points.T).texels, axes, grid_size(scene.planes))
    cell = (places.clamp(0, 1 - 1e-6) * CELLS).long()
    filled[(cell[:, 0] * CELLS + cell[:, 1]) * CELLS + cell[:, 2]] = True
    return filled.view([CELLS] * 3)


def removal_cells(scene: Volume, part: Tensor, others: Tensor) -> Tensor:
    """Where a part of the base face is taken away, by points ``[M, 3]`` where it was seen, and where other parts were:
    ``[CELLS³]`` uint8."""
    own, other = _outnumbered(find_cells(scene, part), find_cells(scene, others))
    cells = torch.zeros(own.shape, dtype=torch.uint8, device=own.device)
    other, near = other & ~grown(own, _BESIDE), grown(own, _FAR_REACH)
    cells[near] = OPEN
    cells[near & ~grown(other, _THICK)] = HIDDEN
    cells[grown(other, 1) & ~grown(own, 1)] = OTHER
    return cells


def own_cells(scene: Volume, part: Tensor, others: Tensor) -> Tensor:
    """Where a part of a layer's own face may be: ``[CELLS³]`` uint8, ``OPEN`` or ``OTHER``."""
    own, other = _outnumbered(find_cells(scene, part), find_cells(scene, others))
    return (grown(own, _REACH) & ~(grown(other, 1) & ~grown(own, 1))).to(torch.uint8) * OPEN


def _outnumbered(part: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Cells of the part and of others, less those that lie single among the other kind."""
    around = [F.avg_pool3d(cells[None].float(), _AROUND, 1, _AROUND // 2)[0] for cells in (part, others)]
    return part & (around[0] > _FEW * around[1]), others & (around[1] > _FEW * around[0])


def look_up(cells: Tensor, places: Tensor) -> Tensor:
    """``cells [N, N, N]`` at ``places [M, 3]`` (0..1) -> ``[M]``, linear between the cells' middles; 0 outside."""
    grid = (places.flip(-1) * 2 - 1)[None, None, None]
    return F.grid_sample(cells[None, None], grid, mode="bilinear", padding_mode="zeros", align_corners=False).flatten()


def grown(cells: Tensor, by: int) -> Tensor:
    """Cells within a cube of ``2 · by + 1`` of one: axis by axis, which takes a hundredth of a whole cube's time."""
    grown = cells[None].float()
    for kernel in ((2 * by + 1, 1, 1), (1, 2 * by + 1, 1), (1, 1, 2 * by + 1)):
        grown = F.max_pool3d(grown, kernel, 1, tuple(width // 2 for width in kernel))
    return grown[0] > 0
