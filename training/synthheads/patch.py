"""Patches of skin, refined: the ground for beards, brows and clothes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .head import HeadModel


@dataclass(frozen=True)
class Patch:
    """Refined skin: ``position`` [N, 3] metres, unit ``normal``, ``rest`` (on the template) [N, 3], ``lip`` [N]."""

    position: np.ndarray
    normal: np.ndarray
    rest: np.ndarray
    lip: np.ndarray
    triangles: np.ndarray


@dataclass(frozen=True)
class PatchTopology:
    """Which vertices a patch starts from, and at each refinement the edges whose midpoints are added."""

    vertices: np.ndarray
    edges: tuple[np.ndarray, ...]
    triangles: np.ndarray
    rest: np.ndarray
    lip: np.ndarray

    def of(self, position: np.ndarray, normal: np.ndarray) -> Patch:
        """The patch on a head with ``position`` and ``normal`` [V, 3]."""
        normal = self._refine(normal)
        normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        return Patch(self._refine(position), normal, self.rest, self.lip, self.triangles)

    def _refine(self, values: np.ndarray) -> np.ndarray:
        return refine_values(values[self.vertices], self.edges)


def refine_values(values: np.ndarray, edges: tuple[np.ndarray, ...]) -> np.ndarray:
    """Values [N, …] with the midpoints of each level's edges [E, 2] appended."""
    for level in edges:
        values = np.concatenate([values, (values[level[:, 0]] + values[level[:, 1]]) / 2])
    return values


def cut_patch(model: HeadModel, name: str, select: np.ndarray, subdivisions: int) -> PatchTopology:
    """The topology of the skin inside ``select`` [V] bool; computed once per name and model."""
    cache = model.__dict__.setdefault("_patches", {})
    key = (name, subdivisions)
    if key not in cache:
        cache[key] = _cut(model, select & model.is_skin, subdivisions)
    return cache[key]


def _cut(model: HeadModel, select: np.ndarray, subdivisions: int) -> PatchTopology:
    triangles = model.triangles[select[model.triangles].all(1)]
    vertices = np.unique(triangles)
    number = np.full(len(select), -1, np.int32)
    number[vertices] = np.arange(len(vertices))
    triangles, levels, count = number[triangles], [], len(vertices)
    for _ in range(subdivisions):
        triangles, edges = _split(triangles, count)
        levels.append(edges)
        count += len(edges)
    edges = tuple(levels)
    rest, lip = (refine_values(values[vertices], edges) for values in (model.rest, model.extra[:, 0]))
    return PatchTopology(vertices, edges, triangles, rest, lip)


def _split(triangles: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Each triangle into four; the new vertices follow the ``count`` old ones in the order of the edges [E, 2]."""
    ends = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    edges, inverse = np.unique(ends, axis=0, return_inverse=True)
    first, second, third = (count + inverse.reshape(3, -1)).astype(np.int32)
    a, b, c = triangles.T
    quarters = [(a, first, third), (first, b, second), (third, second, c), (first, second, third)]
    return np.concatenate([np.stack(corner, axis=1) for corner in quarters]), edges
