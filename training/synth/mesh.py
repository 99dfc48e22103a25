"""Triangles with what the shading needs at each vertex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass
class Mesh:
    """Vertices of one or several parts.

    Shapes: ``position``, ``normal``, ``tangent`` [V, 3] float32 (the domain's units; unit; unit), ``rest`` [V, 3] and
    ``extra`` [V, 4] (what the domain's shading wants to know at a point), ``triangles`` [T, 3] int32, ``material`` [T]
    int32.
    """

    position: np.ndarray
    normal: np.ndarray
    tangent: np.ndarray
    rest: np.ndarray
    extra: np.ndarray
    triangles: np.ndarray
    material: np.ndarray


def make_mesh(position, triangles, material: int, *, normal=None, tangent=None, rest=None, extra=None) -> Mesh:
    """A part of one material; what is left out is computed (normals) or zero."""
    position = np.asarray(position, np.float32).reshape(-1, 3)
    triangles = np.asarray(triangles, np.int32).reshape(-1, 3)
    count = len(position)

    def filled(value, width):
        return (
            np.zeros((count, width), np.float32) if value is None else np.asarray(value, np.float32).reshape(-1, width)
        )

    normal = vertex_normals(position, triangles) if normal is None else filled(normal, 3)
    rest = position if rest is None else filled(rest, 3)
    material = np.full(len(triangles), int(material), np.int32)
    return Mesh(position, normal, filled(tangent, 3), rest, filled(extra, 4), triangles, material)


def join(parts: Sequence[Mesh]) -> Mesh:
    """All parts as one mesh; triangle indices are shifted."""
    starts = np.cumsum([0] + [len(part.position) for part in parts[:-1]])
    fields = ("position", "normal", "tangent", "rest", "extra")
    joined = [np.concatenate([getattr(part, name) for part in parts]) for name in fields]
    triangles = np.concatenate([part.triangles + np.int32(start) for part, start in zip(parts, starts, strict=True)])
    return Mesh(*joined, triangles, np.concatenate([part.material for part in parts]))


def vertex_normals(position: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals [V, 3], each the area-weighted mean of the faces around it; counter-clockwise faces look outward."""
    corners = position[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    index = triangles.ravel()
    sums = [np.bincount(index, np.repeat(faces[:, axis], 3), minlength=len(position)) for axis in range(3)]
    normal = np.stack(sums, axis=1)
    return (normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)).astype(np.float32)


def grid_triangles(rows: int, columns: int, *, closed: bool = False) -> np.ndarray:
    """Triangles [T, 3] of a grid of vertices [rows, columns]; ``closed`` joins the last row to the first."""
    row = np.arange(rows if closed else rows - 1)[:, None]
    column = np.arange(columns - 1)[None]
    below = (row + 1) % rows
    a, b = row * columns + column, below * columns + column
    c, d = b + 1, a + 1
    first, second = np.stack([a, b, c], -1), np.stack([a, c, d], -1)
    return np.concatenate([first.reshape(-1, 3), second.reshape(-1, 3)]).astype(np.int32)
