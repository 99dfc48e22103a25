"""The scalp as a smooth function of direction: where hair starts, and which way is out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .scalp_map import AZIMUTHS, POLAR_END_RAD, POLARS

if TYPE_CHECKING:
    from .head import Head


@dataclass(frozen=True)
class ScalpMap:
    """Vertices ``[A, P, 3]`` and weights ``[A, P, 3]`` whose blend is the skin in each direction, and how cells
    without skin (the ears' places) are filled: cells before and after on the same ring and the share of the latter."""

    vertices: np.ndarray
    weights: np.ndarray
    before: np.ndarray
    after: np.ndarray
    share: np.ndarray

    @staticmethod
    def of(triangles: np.ndarray, face: np.ndarray, weights: np.ndarray) -> ScalpMap:
        """From the baked arrays: triangle ``[A, P]`` (−1 where nothing was met) and barycentric ``[A, P, 3]``."""
        met = face >= 0
        before, after, share = (np.zeros(face.shape, kind) for kind in (np.int64, np.int64, np.float32))
        for ring in range(face.shape[1]):
            source = ring
            while met[:, source].sum() < 4:  # below the chin nothing is met: the ring above goes on
                source -= 1
            before[:, ring], after[:, ring], share[:, ring] = _neighbours(met[:, source], source, face.shape[1])
        return ScalpMap(triangles[np.maximum(face, 0)], np.asarray(weights, np.float32), before, after, share)

    def blend(self, values: np.ndarray) -> np.ndarray:
        """Values ``[V, 3]`` of the vertices as a map ``[A, P, 3]``."""
        grid = np.einsum("apkc,apk->apc", values[self.vertices], self.weights).reshape(-1, 3)
        return grid[self.before] * (1 - self.share[..., None]) + grid[self.after] * self.share[..., None]


def _neighbours(met: np.ndarray, ring: int, rings: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each azimuth of a ring: flat cell numbers of the met cells around it, and the share of the second."""
    count = len(met)
    index = np.nonzero(met)[0]
    wrapped = np.concatenate([index - count, index, index + count])
    place = np.searchsorted(wrapped, np.arange(count), side="right") - 1
    before, after = wrapped[place], wrapped[place + 1]
    share = (np.arange(count) - before) / (after - before)
    return (before % count) * rings + ring, (after % count) * rings + ring, share.astype(np.float32)


@dataclass(frozen=True)
class Scalp:
    """Points (metres) and unit normals of one head as maps ``[A, P, 3]``; ``head`` for hair that falls on it."""

    points: np.ndarray
    normals: np.ndarray
    head: Head | None = None

    @staticmethod
    def of(scalp_map: ScalpMap, position: np.ndarray, normal: np.ndarray, head: Head | None = None) -> Scalp:
        """The map of a head with ``position`` and ``normal`` [V, 3]."""
        normals = scalp_map.blend(normal)
        normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
        return Scalp(scalp_map.blend(position), normals, head)

    def sample(self, azimuth_rad, polar_rad) -> tuple[np.ndarray, np.ndarray]:
        """Points and unit normals ``[..., 3]`` at any directions (broadcast together); polar clamps at 156°."""
        azimuth, polar = np.broadcast_arrays(np.asarray(azimuth_rad, np.float32), np.asarray(polar_rad, np.float32))
        column = (azimuth + np.float32(np.pi)) / np.float32(2 * np.pi) * AZIMUTHS - np.float32(0.5)
        row = np.clip(polar / np.float32(POLAR_END_RAD) * (POLARS - 1), 0, POLARS - 1.001)
        left, top = np.floor(column).astype(np.int64), row.astype(np.int64)
        across, down = (column - left)[..., None], (row - top)[..., None]
        left, right = left % AZIMUTHS, (left + 1) % AZIMUTHS

        def bilinear(grid):
            upper = grid[left, top] * (1 - across) + grid[right, top] * across
            lower = grid[left, top + 1] * (1 - across) + grid[right, top + 1] * across
            return upper * (1 - down) + lower * down

        normal = bilinear(self.normals)
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
        return bilinear(self.points), normal
