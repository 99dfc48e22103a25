"""Rounder skin: long edges are split at a point of the curved surface, so that a bald crown is not a polygon."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.synth.mesh import Mesh

from .materials import Material

LONGEST_EDGE_M = 0.0075  # on the template; the face itself is finer than this
# Corners of the triangles that replace one, by which of its edges (01, 12, 20) are split; 3, 4, 5 are their midpoints.
_SPLITS = {
    (1, 0, 0): ((0, 3, 2), (3, 1, 2)),
    (0, 1, 0): ((0, 1, 4), (0, 4, 2)),
    (0, 0, 1): ((0, 1, 5), (1, 2, 5)),
    (1, 1, 0): ((0, 3, 2), (3, 1, 4), (3, 4, 2)),
    (0, 1, 1): ((0, 1, 4), (0, 4, 5), (4, 2, 5)),
    (1, 0, 1): ((0, 3, 5), (3, 1, 2), (3, 2, 5)),
    (1, 1, 1): ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
}


@dataclass(frozen=True)
class Rounding:
    """``edges`` [E, 2] that get a midpoint, numbered after the V old vertices; triangles and materials with them."""

    edges: np.ndarray
    triangles: np.ndarray
    material: np.ndarray

    def of(self, mesh: Mesh) -> Mesh:
        """``mesh`` with the midpoints; the topology must be the one this was made for."""
        first, second = self.edges.T
        names = ("tangent", "rest", "extra")
        middle = {name: _appended(values := getattr(mesh, name), values[first] + values[second], 0.5) for name in names}
        normal = mesh.normal[first] + mesh.normal[second]
        length = np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
        curved = _curved_middle(mesh.position[first], mesh.position[second], mesh.normal[first], mesh.normal[second])
        return replace(
            mesh, position=_appended(mesh.position, curved), normal=_appended(mesh.normal, normal / length),
            triangles=self.triangles, material=self.material, **middle,
        )  # fmt: skip


def _appended(values: np.ndarray, more: np.ndarray, scale: float = 1.0) -> np.ndarray:
    return np.concatenate([values, more * np.float32(scale)]).astype(np.float32)


def _curved_middle(a: np.ndarray, b: np.ndarray, normal_a: np.ndarray, normal_b: np.ndarray) -> np.ndarray:
    """The middle of the cubic curve from ``a`` to ``b`` at right angles to both normals, as in PN triangles."""
    along = b - a
    lift = normal_b * (along * normal_b).sum(1, keepdims=True) - normal_a * (along * normal_a).sum(1, keepdims=True)
    return (a + b) / 2 + lift / 8


def plan_rounding(rest: np.ndarray, triangles: np.ndarray, material: np.ndarray) -> Rounding:
    """Which edges of the skin to split; every triangle at a split edge takes part, so no cracks open."""
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    unique, inverse = np.unique(edges, axis=0, return_inverse=True)
    long = np.linalg.norm(rest[unique[:, 0]] - rest[unique[:, 1]], axis=1) > LONGEST_EDGE_M
    long[inverse.reshape(-1, 3)[material != Material.SKIN].ravel()] = False
    number = np.where(long, len(rest) + np.cumsum(long) - 1, -1)[inverse].reshape(-1, 3)
    corners = np.concatenate([triangles, number], axis=1)
    pieces, kinds = [triangles[(number < 0).all(1)]], [material[(number < 0).all(1)]]
    for pattern, parts in _SPLITS.items():
        chosen = ((number >= 0) == np.array(pattern, bool)).all(1)
        for part in parts:
            pieces.append(corners[chosen][:, part])
            kinds.append(material[chosen])
    return Rounding(unique[long], np.concatenate(pieces).astype(np.int32), np.concatenate(kinds))
