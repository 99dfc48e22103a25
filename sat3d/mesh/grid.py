"""A closed triangle mesh from a density: a grid sampled where the surface is, marching cubes, the largest part.

Nothing here knows of networks. ``N`` corners per side, ``V`` vertices, ``F`` faces; lengths are world units.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import ConfigError, Sat3dError
from ..progress import Progress, no_progress

DensityAt = Callable[[Tensor], Tensor]  # world points [M, 3] float32 -> density [M]
COARSE_CELLS = 64
MIN_CELLS, MAX_CELLS = 8, 512
_POINTS_AT_ONCE = 1 << 15  # about 0.2 s of one CPU core, so that cancel is noticed
_WALL = 0.25  # where the surface is closed at the box, so far behind its last corners, in cells


@dataclass(frozen=True)
class Grid:
    """A cube about the origin, ``2 · half`` wide, of ``cells``³ cells; corner (0, 0, 0) is at (-half, -half, -half).

    Raises:
        ConfigError: a number of cells that is out of range, or that is above 64 and not a multiple of it.
    """

    cells: int
    half: float

    def __post_init__(self):
        fits = MIN_CELLS <= self.cells <= MAX_CELLS and (self.cells <= COARSE_CELLS or self.cells % COARSE_CELLS == 0)
        if not fits:
            raise ConfigError(
                "The resolution of the mesh is not usable",
                self.cells,
                f"{MIN_CELLS} … {COARSE_CELLS}, or a multiple of {COARSE_CELLS} up to {MAX_CELLS}",
                "use 192, or 256 for finer detail",
            )
        if not (np.isfinite(self.half) and self.half > 0):
            raise ConfigError("The box of the mesh has no size", self.half, "a length above 0", "check the config")

    @property
    def corners(self) -> int:
        return self.cells + 1

    @property
    def cell(self) -> float:
        return 2 * self.half / self.cells

    def points(self, rows: Tensor) -> Tensor:
        """Flat corner numbers ``[M]`` (x slowest, z fastest) -> world points ``[M, 3]``."""
        n = self.corners
        place = torch.stack([rows // (n * n), rows // n % n, rows % n], 1)
        return (place.double() * self.cell - self.half).float()


def sample_grid(density: DensityAt, grid: Grid, level: float, progress: Progress = no_progress) -> Tensor:
    """The density at all corners, ``[N, N, N]`` float32, indexed x, y, z.

    Above 64 cells a coarse grid comes first, and only cells within a coarse cell of the surface are sampled finely;
    elsewhere values are interpolated. Parts thinner than a coarse cell that are farther than that from any other
    surface can be missed.

    Raises:
        Sat3dError: the density holds NaN.
    """
    coarse = Grid(min(grid.cells, COARSE_CELLS), grid.half)
    everything = torch.arange(coarse.corners**3)
    values = _density(density, coarse, everything, progress).reshape([coarse.corners] * 3)
    if coarse.cells == grid.cells:
        return values
    rows = _mark_near_surface(values, level, grid.cells // coarse.cells).flatten().nonzero()[:, 0]
    fine = F.interpolate(values[None, None], [grid.corners] * 3, mode="trilinear", align_corners=True)[0, 0]
    fine.view(-1)[rows] = _density(density, grid, rows, progress, len(everything))
    return fine


def _density(density: DensityAt, grid: Grid, rows: Tensor, progress: Progress, before: int = 0) -> Tensor:
    found, done, total = [], before, before + len(rows)
    for part in rows.split(_POINTS_AT_ONCE) if len(rows) else ():
        progress(done, total)
        found.append(density(grid.points(part)).float().cpu())
        done += len(part)
    progress(done, total)
    values = torch.cat(found) if found else torch.zeros(0)
    if torch.isnan(values).any():
        raise Sat3dError("The density of this face holds NaN", next_step="make the face again")
    return values


def _mark_near_surface(values: Tensor, level: float, stride: int) -> Tensor:
    """``[n, n, n]`` coarse corners -> ``[N, N, N]`` bool: fine corners within one coarse cell of a crossing."""
    highest = F.max_pool3d(F.max_pool3d(values[None, None], 2, 1), 3, 1, padding=1)[0, 0]
    lowest = -F.max_pool3d(F.max_pool3d(-values[None, None], 2, 1), 3, 1, padding=1)[0, 0]
    cells = (highest > level) & (lowest <= level)
    for axis in range(3):
        cells = cells.repeat_interleave(stride, axis)
        # A corner belongs to the cells on either side of it.
        cells = F.pad(cells, [0, 0] * (2 - axis) + [0, 1]) | F.pad(cells, [0, 0] * (2 - axis) + [1, 0])
    return cells


def extract_surface(values: Tensor, grid: Grid, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The largest part of the surface where ``values [N, N, N]`` fall below ``level``.

    Returns vertices ``[V, 3]`` float32 and faces ``[F, 3]`` int32, counter-clockwise from outside. What the box cuts
    off is closed by a flat wall a quarter of a cell behind its last corners; hollows inside and whatever floats
    beside the largest part are dropped.

    Raises:
        Sat3dError: nothing, or everything, is denser than the level.
    """
    from skimage.measure import marching_cubes  # takes half a second to import

    volume = values.numpy()
    if not volume.min() <= level < volume.max():
        raise Sat3dError(
            "There is no surface to be exported",
            f"densities from {volume.min():.4g} to {volume.max():.4g}",
            f"some above and some below the level {level:.4g}",
            "choose another density level, or 0 to have it found",
        )
    outside = np.float32(min(volume.min(), 2 * level - volume.max()))
    padded = np.pad(volume, 1, constant_values=outside)
    part = _find_filled_part(padded > level)
    padded = padded[part]
    # A corner exactly on the level would give faces without area.
    padded[padded == level] = np.nextafter(np.float32(level), np.float32(-np.inf))
    corners, faces, *_ = marching_cubes(padded, level, gradient_direction="descent")
    places = corners.astype(np.float64) + [piece.start - 1 for piece in part]
    vertices, faces = keep_largest_part(_to_world(places, grid), faces)
    return vertices.astype(np.float32), faces.astype(np.int32)


def _find_filled_part(inside: np.ndarray) -> tuple[slice, ...]:
    """The smallest box with all that is inside and a corner beyond it on every side."""
    slices = []
    for axis in range(3):
        filled = np.flatnonzero(inside.any(tuple({0, 1, 2} - {axis})))
        slices.append(slice(int(filled[0]) - 1, int(filled[-1]) + 2))
    return tuple(slices)


def _to_world(corners: np.ndarray, grid: Grid) -> np.ndarray:
    """Grid units -> world units; what lies beyond the grid becomes a flat wall."""
    corners = np.where(corners < 0, -_WALL, corners)
    corners = np.where(corners > grid.cells, grid.cells + _WALL, corners)
    return corners * grid.cell - grid.half


def keep_largest_part(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The connected part that encloses the most space, with its faces turned outwards; hollows count negative."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = np.concatenate([faces[:, :2], faces[:, 1:]]).T
    graph = coo_array((np.ones(edges.shape[1], np.int8), tuple(edges)), shape=(len(vertices),) * 2)
    part = connected_components(graph, directed=False)[1]
    volumes = np.bincount(part[faces[:, 0]], signed_volumes(vertices, faces))
    kept = np.abs(volumes).argmax()
    faces = faces[part[faces[:, 0]] == kept]
    if volumes[kept] < 0:
        faces = faces[:, ::-1]
    used, flat = np.unique(faces, return_inverse=True)
    return vertices[used], flat.reshape(-1, 3)


def signed_volumes(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """``[F]``: of each face the tetrahedron to the origin; a closed mesh's sum is its volume, outside is positive."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    return np.einsum("fi,fi->f", a, np.cross(b, c)) / 6


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """``[V, 3]`` float32 unit vectors: the sum of the neighbouring faces' normals, weighted by their area."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    across = np.cross(b - a, c - a)
    sums = np.stack([np.bincount(faces.ravel(), np.repeat(across[:, i], 3), len(vertices)) for i in range(3)], 1)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    upwards = np.array([0.0, 1.0, 0.0])  # for a vertex whose faces have no area
    return np.where(length > 1e-20, sums / np.maximum(length, 1e-20), upwards).astype(np.float32)
