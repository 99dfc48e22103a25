"""What happens to hair on its way down: it is kept off the body, pulled together, waved. Grids of points [C, R, 3]."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ..head import Head, HeadModel

_REACH_M = 0.020  # how far a skin vertex is felt: about the spacing of those used
_CELL_M = 0.015
_HIGHEST_M, _LOWEST_M = 0.045, -0.30
_FACE_WIDTH_M, _FACE_DEPTH_M, _CHIN_M = 0.040, 0.030, -0.11
_EAR, _CAVITY = 2, 3  # columns of ``extra``
_EAR_REACH_M = 0.089  # of the template
_STRIDE = (4, 3)  # columns and rows between points that are tested against the skin


def clear_of_body(points: np.ndarray, head: Head, clearance_m: float, share: np.ndarray) -> np.ndarray:
    """Points moved off the skin until they are ``clearance_m`` outside; ``share`` [C, R] of that move is made.

    The skin is the blend of the tangent planes of nearby vertices, so it is smooth and moves smoothly with the head.
    """
    columns, rows = (_every(step, count) for count, step in zip(points.shape[:2], _STRIDE, strict=True))
    coarse = points[np.ix_(columns, rows)].astype(np.float32)
    vertices = _felt_vertices(head.model)
    skin, normal = head.relaxed[vertices], head.relaxed_normal[vertices]
    moved = coarse.reshape(-1, 3)
    for _ in range(3):
        height, outward = _height_over_skin(moved, skin, normal)
        moved = moved + outward * np.maximum(clearance_m - height, 0)[:, None]
    move = moved.reshape(coarse.shape) - coarse
    move = _stretch(_stretch(move, columns, points.shape[0], 0), rows, points.shape[1], 1)
    return points + share[..., None] * move


def _every(step: int, count: int) -> np.ndarray:
    """Every ``step``-th of 0..count-1, and the last."""
    return np.unique(np.append(np.arange(0, count, step), count - 1))


def ear_reach_m(head: Head | None) -> float:
    """How far the ears stand out sideways, metres from the middle."""
    if head is None:
        return _EAR_REACH_M
    ears = head.model.is_skin & (head.model.extra[:, _EAR] > 0.3)
    return float(np.abs(head.relaxed[ears, 0]).max())


def pull_together(points: np.ndarray, x_m: np.ndarray, z_m: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """Points moved level towards ``x_m``, ``z_m`` [C] by the share ``pull`` [C, R]."""
    target = np.stack(np.broadcast_arrays(x_m[:, None], points[..., 1], z_m[:, None]), -1)
    return points + pull[..., None] * (target - points)


def wave_offsets(points, outward, across: np.ndarray, amplitude_m: float, length_m: float) -> np.ndarray:
    """Moves [C, R, 3] that make strands wave out of the sheet and, a quarter later, sideways in it."""
    fallen = points[:, :1, 1] - points[..., 1]
    drift = 1.1 * np.sin(across * 21) + 0.7 * np.sin(across * 47 + 2)  # neighbours wave almost together
    phase = 2 * np.pi * points[..., 1] / length_m + drift[:, None]
    amplitude = amplitude_m * np.clip(fallen / 0.09, 0, 1)
    sideways = np.stack([outward[..., 2], 0 * outward[..., 1], -outward[..., 0]], -1)
    return (amplitude * np.sin(phase))[..., None] * outward + (0.8 * amplitude * np.cos(phase))[..., None] * sideways


def _stretch(values: np.ndarray, at: np.ndarray, count: int, axis: int) -> np.ndarray:
    """Linear interpolation along ``axis`` from the places ``at`` to all of 0..count-1."""
    place = np.arange(count)
    before = np.clip(np.searchsorted(at, place, side="right") - 1, 0, len(at) - 2)
    share = ((place - at[before]) / (at[before + 1] - at[before])).astype(np.float32)
    share = share.reshape([-1 if i == axis else 1 for i in range(values.ndim)])
    return np.take(values, before, axis) * (1 - share) + np.take(values, before + 1, axis) * share


def _height_over_skin(points: np.ndarray, skin: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Height [N] metres over the blended tangent planes, and the unit direction [N, 3] away from them."""
    squared = (points**2).sum(1)[:, None] - 2 * points @ skin.T + (skin**2).sum(1)
    weight = np.exp((squared.min(1, keepdims=True) - squared) * np.float32(0.5 / _REACH_M**2))
    weight /= weight.sum(1, keepdims=True)
    outward = weight @ normal
    height = (points * outward).sum(1) - weight @ (skin * normal).sum(1)
    length = np.maximum(np.linalg.norm(outward, axis=1), 0.3)
    return height / length, outward / length[:, None]


def _felt_vertices(model: HeadModel) -> np.ndarray:
    """Vertex numbers, thinned: skin below the temples without ears, mouth and the middle of the face."""
    if "_drape_vertices" not in model.__dict__:
        x, y, z = model.rest.T
        skin = model.is_skin & (model.extra[:, _EAR] < 0.3) & (model.extra[:, _CAVITY] < 0.3)
        face = (np.abs(x) < _FACE_WIDTH_M) & (z > _FACE_DEPTH_M) & (y > _CHIN_M)
        candidates = np.nonzero(skin & ~face & (y < _HIGHEST_M) & (y > _LOWEST_M))[0]
        cell = np.round(model.rest[candidates] / _CELL_M).astype(np.int64)
        first = np.unique(cell, axis=0, return_index=True)[1]
        model.__dict__["_drape_vertices"] = candidates[np.sort(first)]
    return model.__dict__["_drape_vertices"]
