"""Simple surfaces as grids of points, to be painted: ellipsoids, lofts, tubes, discs."""

from __future__ import annotations

import numpy as np

from .mesh import grid_triangles

Surface = tuple[np.ndarray, np.ndarray]  # points [V, 3], triangles [T, 3]


def loft(sections: np.ndarray, *, closed: bool = True) -> Surface:
    """``[R, C, 3]``: R outlines of C points each; ``closed``: the last point of each is joined to its first."""
    rows, columns = sections.shape[:2]
    triangles = grid_triangles(columns, rows, closed=closed)
    return sections.transpose(1, 0, 2).reshape(-1, 3), triangles


def directions(rows: int, columns: int) -> np.ndarray:
    """``[R, C, 3]`` unit vectors, the rows from straight up to straight down, the columns once around."""
    polar = np.linspace(0, np.pi, rows)[:, None]
    turn = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    x, y, z = np.sin(polar) * np.sin(turn), np.cos(polar) + 0 * turn, np.sin(polar) * np.cos(turn)
    return np.stack([x, y, z], -1)


def ellipsoid(centre, radii, rows: int = 24, columns: int = 32) -> Surface:
    return loft(np.asarray(centre) + directions(rows, columns) * np.asarray(radii))


def rounded(angle: np.ndarray, power: float) -> tuple[np.ndarray, np.ndarray]:
    """Points of a superellipse of half axes 1 in these directions: ``power`` 2 is a circle, large ones are squares."""
    cos, sin = np.cos(angle), np.sin(angle)
    reach = (np.abs(cos) ** power + np.abs(sin) ** power) ** (-1 / power)
    return cos * reach, sin * reach


def cushion(centre, radii, power: float = 4.0, rows: int = 16, columns: int = 24) -> Surface:
    """An ellipsoid with corners: a superellipsoid, for lamps, plates and the like."""
    d = directions(rows, columns)
    reach = (np.abs(d) ** power).sum(-1, keepdims=True) ** (-1 / power)
    return loft(np.asarray(centre) + d * reach * np.asarray(radii))


def lathe(profile: np.ndarray, centre, axis: int = 0, columns: int = 40) -> Surface:
    """``profile [R, 2]`` (along the axis, radius) turned about the x, y or z axis through ``centre``."""
    turn = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    along, radius = profile[:, :1], profile[:, 1:]
    parts = [along + 0 * turn, radius * np.cos(turn), radius * np.sin(turn)]
    return loft(np.stack(parts[-axis:] + parts[:-axis] if axis else parts, -1) + np.asarray(centre))


def tube(path: np.ndarray, radius: np.ndarray | float, sides: int = 6) -> Surface:
    """A round tube along ``path [N, 3]``; ``radius``: one or ``[N]``."""
    ahead = np.gradient(path, axis=0)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    first = np.cross(ahead, (0.0, 1.0, 0.05))
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    second = np.cross(ahead, first)
    turn = np.linspace(0, 2 * np.pi, sides, endpoint=False)[None, :, None]
    reach = np.broadcast_to(np.asarray(radius, float), len(path))[:, None, None]
    return loft(path[:, None] + reach * (np.cos(turn) * first[:, None] + np.sin(turn) * second[:, None]))


def smooth(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 below ``low``, 1 above ``high``, smooth in between."""
    t = np.clip((np.asarray(value, float) - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)
