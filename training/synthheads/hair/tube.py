"""Tails and knots: tapered tubes along a path, and a wound ball of hair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.synth.mesh import Mesh, grid_triangles, make_mesh

from ..materials import Material

COLUMNS = 36
_SHADE_OF_GROOVE = 0.55


@dataclass(frozen=True)
class Tube:
    """Hair bound to a tail; lengths in metres.

    ``path`` [N, 3]; ``radius_m`` [N]; ``across`` (from, span): the strands' places, see ``Mesh``; ``twist_rad``: how
    far strands turn around the path; ``flatness``: height over width of the section; ``locks``: how many grooves,
    ``lock_depth``: their share of the radius at the tip; ``tip_weight``: how ragged the end may be.
    """

    path: np.ndarray
    radius_m: np.ndarray
    across: tuple[float, float] = (0.0, 0.3)
    twist_rad: float = 0.0
    flatness: float = 1.0
    locks: int = 7
    lock_depth: float = 0.25
    tip_weight: float = 0.5
    band: bool = False


@dataclass(frozen=True)
class Ball:
    """A wound knot of hair: ``centre`` [3] and unit ``axis`` [3]; ``radius_m`` around the axis, ``height_m`` along it
    from the centre; ``turns``: of the spiral it is wound in; ``groove``: its depth as a share of the radius."""

    centre: np.ndarray
    axis: np.ndarray
    radius_m: float
    height_m: float
    turns: float = 2.5
    groove: float = 0.13


def sweep(tube: Tube) -> Mesh:
    """The tube as a mesh that is closed where its radius is 0 at the ends."""
    path, along = np.asarray(tube.path, np.float64), _arc_length(tube.path)
    around = np.linspace(0, 2 * np.pi, COLUMNS + 1)[:, None]
    angle = around + tube.twist_rad * along
    ridge = 1 - np.abs(np.cos(tube.locks * around / 2 + 0.5 * np.sin(2 * around))) ** 3
    depth = tube.lock_depth * (1 - ridge) * (0.3 + 0.7 * along)
    side, up = frames(path)
    section = np.cos(angle)[..., None] * side + tube.flatness * np.sin(angle)[..., None] * up
    position = path + section * (tube.radius_m * (1 - depth))[..., None]
    across = tube.across[0] + tube.across[1] * around / (2 * np.pi)
    height = 1 - _SHADE_OF_GROOVE * (1 - ridge) * (0.3 + 0.7 * along)
    along, height = (0 * along, 0 * height) if tube.band else (along, height)
    rest = np.stack(np.broadcast_arrays(across, along, height), -1)
    return _grid_mesh(position, rest, unit(np.gradient(position, axis=1)), (tube.tip_weight, float(tube.band)))


def wind(ball: Ball, rows: int = 28) -> Mesh:
    """The knot: strands run around its axis, and a spiral groove goes from its foot to its top."""
    around = np.linspace(0, 2 * np.pi, COLUMNS + 1)[:, None]
    polar = np.linspace(0.02, np.pi - 0.02, rows)[None]
    up, side = perpendicular(ball.axis)  # in this order faces look outward
    spiral = ball.turns * (1 - np.cos(polar)) / 2 + around / (2 * np.pi)
    within = np.abs(2 * (spiral - np.floor(spiral)) - 1)
    ridge = 1 - within**3
    reach = 1 - ball.groove * (1 - ridge) * np.sin(polar)
    level = (np.cos(around)[..., None] * side + np.sin(around)[..., None] * up) * (
        ball.radius_m * np.sin(polar) * reach
    )[..., None]
    position = ball.centre + level + ball.axis * (ball.height_m * np.cos(polar) * reach)[..., None]
    across = 0.45 * polar / np.pi + 0.18 * around / (2 * np.pi)
    rest = np.stack(np.broadcast_arrays(across, 0.6 + 0.2 * np.cos(around), 1 - 0.8 * (1 - ridge)), -1)
    tangent = unit(np.gradient(position, axis=0) + 0.25 * np.gradient(position, axis=1))
    return _grid_mesh(position, rest, tangent, (0.0, 0.0))


def frames(path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors ``[N, 3]`` square to a path ``[N, 3]``, turning as little as they can along it."""
    tangent = unit(np.gradient(path, axis=0))
    side = np.empty_like(tangent)
    side[0] = perpendicular(tangent[0])[0]
    for i in range(1, len(path)):
        side[i] = side[i - 1] - tangent[i] * (side[i - 1] @ tangent[i])
        side[i] /= np.linalg.norm(side[i])
    return side, np.cross(tangent, side)


def perpendicular(axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors square to a unit vector [3] that is not along x."""
    side = unit(np.array([1.0, 0.0, 0.0]) - axis * axis[0])
    return side, np.cross(axis, side)


def unit(vectors: np.ndarray) -> np.ndarray:
    """The vectors ``[..., 3]`` with length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _arc_length(path: np.ndarray) -> np.ndarray:
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    return length / length[-1]


def _grid_mesh(position, rest, tangent, tip_and_band: tuple[float, float]) -> Mesh:
    """A grid whose first and last column lie on each other: there the strands' numbers start anew."""
    columns, rows = position.shape[:2]
    extra = np.tile(np.float32([1, *tip_and_band, 0]), (columns, rows, 1))
    mesh = make_mesh(position, grid_triangles(columns, rows), Material.HAIR, tangent=tangent, rest=rest, extra=extra)
    _close_normals(mesh.normal.reshape(columns, rows, 3))
    return mesh


def _close_normals(normal: np.ndarray) -> None:
    """The same normals on both sides of the seam, in place."""
    normal[0] = normal[-1] = unit(normal[0] + normal[-1])
