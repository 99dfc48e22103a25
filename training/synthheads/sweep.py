"""Tubes along paths."""

from __future__ import annotations

import numpy as np

from training.synth.mesh import Mesh, grid_triangles, make_mesh

from .materials import Material

SIDES = 8


def sweep(
    path: np.ndarray,
    reference,
    along: np.ndarray | float,
    across: np.ndarray | float,
    closed=False,
    material=Material.FRAME,
) -> Mesh:
    """An elliptic tube around ``path`` [N, 3]: half axis ``along`` the reference direction, ``across`` at right angles.

    ``reference`` is one direction or one per point; None stands for upright bands that turn down: at right angles to
    the path and to x. ``closed`` joins the last point to the first. Lengths are metres, per point or for all.
    """
    ahead = _directions(path, closed)
    first = _standing(ahead) if reference is None else np.broadcast_to(np.asarray(reference, float), path.shape)
    first = first - ahead * (first * ahead).sum(1, keepdims=True)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    second = np.cross(ahead, first)
    turn = np.arange(SIDES) / SIDES * 2 * np.pi
    cos, sin = np.cos(turn)[:, None, None], np.sin(turn)[:, None, None]
    along, across = (np.broadcast_to(np.asarray(size, float), len(path))[:, None] for size in (along, across))
    around = cos * first * along + sin * second * across
    normal = cos * first / along + sin * second / across
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    columns = [(path + around), normal]
    if closed:
        columns = [np.concatenate([column, column[:, :1]], axis=1) for column in columns]
    triangles = grid_triangles(SIDES, columns[0].shape[1], closed=True)
    return make_mesh(columns[0], triangles, material, normal=columns[1])


def _directions(path: np.ndarray, closed: bool) -> np.ndarray:
    ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0)
    if not closed:
        ahead[0], ahead[-1] = path[1] - path[0], path[-1] - path[-2]
    return ahead / np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-12)


def _standing(ahead: np.ndarray) -> np.ndarray:
    upright = np.zeros_like(ahead)
    upright[:, 1] = 0.15 - ahead[:, 2]
    upright[:, 2] = ahead[:, 1]
    return upright
