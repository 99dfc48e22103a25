"""Hanging hair as one thick closed sheet: strands leave the scalp, fall, and gather into locks at their ends.

A sheet has C columns (strands, side by side) and R rows (from root to tip).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.synth.mesh import Mesh, grid_triangles, make_mesh

from ..materials import Material
from ..scalp import Scalp
from .drape import clear_of_body, pull_together, wave_offsets

SCALP_ROWS, FALL_ROWS = 14, 26
ROWS = SCALP_ROWS + FALL_ROWS
_UNDER_SCALP_M = 0.003  # the inner side starts below the skin, so no gap shows at the roots
_CLEAR_FROM_M = 0.0  # above, the lift keeps hair off the head
_END_DENSITY = 1.25  # rows get closer towards the tip, which is round
_BEND_M = 0.012
_TIP_SHARE = 0.80  # where the tip's rounding starts


@dataclass(frozen=True)
class Locks:
    """Strands gather in ``count`` locks around the head: grooves of ``depth_m`` between them; ends differ by
    ``stagger_m``."""

    count: float
    depth_m: float
    stagger_m: float


@dataclass(frozen=True)
class Gather:
    """Where strands go between the heights ``high_m`` and ``low_m``: to ``x_m``, ``z_m`` [C]."""

    x_m: np.ndarray
    z_m: np.ndarray
    high_m: float
    low_m: float


@dataclass(frozen=True)
class Wave:
    """S-waves: ``amplitude_m`` at the tips, ``length_m`` from crest to crest."""

    amplitude_m: float
    length_m: float


@dataclass(frozen=True)
class Curtain:
    """Everything that shapes a sheet of hanging hair; lengths in metres.

    ``across`` [C]: place around the head, 0..1. ``root``, ``via``, ``leave`` [C, 3]: unit directions from the scalp's
    centre where strands start, turn, and come off the head (via above leave: straight down). ``edge`` [C]: 0 at a free
    side of the sheet .. 1 inside. ``lift_m`` [C]: height over the scalp. ``thickness_m``: of the hanging part.
    ``tip_m`` [C]: height y of the ends. ``outward(fallen_m, share)`` [C, R]: how far from the plumb line a strand is
    after it has fallen so many metres, and that share 0..1 of its way. ``clearance_m``: kept off the skin; None: falls
    through it. ``root_lift``: share of the lift at the root itself; little shows a parting. ``seam``: share of the way
    over the scalp from where on the free sides are round; before, they are level with a neighbour sheet.
    """

    across: np.ndarray
    root: np.ndarray
    via: np.ndarray
    leave: np.ndarray
    edge: np.ndarray
    lift_m: np.ndarray
    thickness_m: float
    tip_m: np.ndarray
    outward: Callable[[np.ndarray, np.ndarray], np.ndarray]
    locks: Locks
    root_lift: float = 0.12
    seam: float = 0.0
    gather: Gather | None = None
    wave: Wave | None = None
    clearance_m: float | None = None
    tip_weight: float = 0.4


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 at ``low``, 1 at ``high``, smooth in between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def hang(curtain: Curtain, scalp: Scalp) -> Mesh:
    """The sheet as a closed mesh."""
    ridge, variety = _lock_shape(curtain)
    surface, normal = _over_scalp(curtain, scalp)
    rise = curtain.root_lift + (1 - curtain.root_lift) * smoothstep(0, 0.35, np.linspace(0, 1, SCALP_ROWS))
    height = curtain.lift_m[:, None] * rise
    on_head, under = surface + normal * height[..., None], surface - normal * _UNDER_SCALP_M
    falling, share = _fall(curtain, on_head, _level(normal[:, -1]), variety)
    falling = _arrange(curtain, scalp, falling)
    outward = _facing(falling, _level(normal[:, -1]))
    thick = _thickness(curtain, height[:, -1] + _UNDER_SCALP_M, share)
    inside = falling - outward * thick[..., None]
    if curtain.wave is not None:
        sway = wave_offsets(falling, outward, curtain.across, curtain.wave.amplitude_m, curtain.wave.length_m)
        falling, inside = falling + sway, inside + sway
    outer, inner = np.concatenate([on_head, falling], 1), np.concatenate([under, inside], 1)
    return _close(curtain, outer, inner, ridge, share)


def _lock_shape(curtain: Curtain) -> tuple[np.ndarray, np.ndarray]:
    """Per column: 1 in the middle of a lock .. 0 in the groove; and how much longer its lock is, -1..1."""
    place = curtain.across * curtain.locks.count
    place = place + 0.22 * np.sin(place * 2.3) + 0.13 * np.sin(place * 5.1 + 1)
    within = np.abs(2 * (place - np.floor(place)) - 1)
    ridge = 1 - within**2.5
    return ridge, ridge * (0.5 + np.sin(np.floor(place) * 2.4)) - 0.5


def _over_scalp(curtain: Curtain, scalp: Scalp) -> tuple[np.ndarray, np.ndarray]:
    """Points and normals ``[C, SCALP_ROWS, 3]`` along curves from root to leave that turn at via."""
    share = np.linspace(0, 1, SCALP_ROWS)[None, :, None]
    start, middle, end = (way[:, None] for way in (curtain.root, curtain.via, curtain.leave))
    way = (1 - share) ** 2 * start + 2 * share * (1 - share) * middle + share**2 * end
    way /= np.linalg.norm(way, axis=-1, keepdims=True)
    azimuth, polar = np.arctan2(way[..., 0], way[..., 2]), np.arccos(np.clip(way[..., 1], -1, 1))
    return scalp.sample(azimuth, polar)


def _level(direction: np.ndarray) -> np.ndarray:
    level = direction * np.float32([1, 0, 1])
    return level / np.maximum(np.linalg.norm(level, axis=-1, keepdims=True), 1e-6)


def _fall(curtain: Curtain, on_head, outward, variety) -> tuple[np.ndarray, np.ndarray]:
    """Points ``[C, FALL_ROWS, 3]`` below the last of ``on_head``, and the share of the way down [FALL_ROWS]."""
    start, step = on_head[:, -1], on_head[:, -1] - on_head[:, -2]
    slope = np.clip((step * outward).sum(-1) / np.maximum(-step[:, 1], 1e-3), -0.3, 1.5)[:, None]
    share = 1 - (1 - np.arange(1, FALL_ROWS + 1) / FALL_ROWS) ** _END_DENSITY
    length = np.maximum(start[:, 1] - curtain.tip_m + curtain.locks.stagger_m * variety, 0.01)
    fallen = length[:, None] * share
    out = curtain.outward(fallen, np.broadcast_to(share, fallen.shape))
    out = out + slope * _BEND_M * (1 - np.exp(-fallen / _BEND_M))  # no kink where hair comes off the head
    points = start[:, None] + outward[:, None] * out[..., None]
    points[..., 1] -= fallen
    return points, share


def _arrange(curtain: Curtain, scalp: Scalp, points: np.ndarray) -> np.ndarray:
    """Gathered, and off the skin."""
    if curtain.gather is not None:
        pull = smoothstep(curtain.gather.high_m, curtain.gather.low_m, points[..., 1])
        points = pull_together(points, curtain.gather.x_m, curtain.gather.z_m, pull)
    if curtain.clearance_m is not None and scalp.head is not None:
        below = smoothstep(_CLEAR_FROM_M, _CLEAR_FROM_M - 0.04, points[..., 1])
        points = clear_of_body(points, scalp.head, curtain.clearance_m, below)
    return points


def _facing(points: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Level unit vectors ``[C, R, 3]`` out of the sheet; those of ``start`` [C, 3] at the top."""
    side = np.gradient(points, axis=0)
    square = _level(np.stack([side[..., 2], 0 * side[..., 1], -side[..., 0]], -1))
    square *= np.sign((square * start[:, None]).sum(-1).mean())
    share = smoothstep(0, 0.3, np.linspace(0, 1, points.shape[1]))[None, :, None]
    return _level(start[:, None] * (1 - share) + square * share)


def _thickness(curtain: Curtain, at_start: np.ndarray, share: np.ndarray) -> np.ndarray:
    """[C, FALL_ROWS] metres, from the head's lift to the hanging thickness."""
    wide = smoothstep(0, 0.3, share)
    return (at_start[:, None] * (1 - wide) + curtain.thickness_m * wide) * (1 - 0.35 * share)


def _close(curtain: Curtain, outer, inner, ridge, share) -> Mesh:
    """Round the free sides and the tips, press the grooves in, and join the outer to the inner side."""
    along = _arc_length(outer)
    plump = _plumpness(curtain, share)
    middle, half = (outer + inner) / 2, (outer - inner) / 2
    groove = (1 - ridge)[:, None] * (0.35 + 0.65 * along) * smoothstep(0.05, 0.3, along)
    press = np.clip(curtain.locks.depth_m * groove / np.maximum(np.linalg.norm(half, axis=-1), 1e-5), 0, 0.9)
    outer, inner = middle + half * (plump * (1 - press))[..., None], middle - half * plump[..., None]
    position = np.concatenate([outer, inner[::-1]])
    across = np.concatenate([curtain.across, curtain.across[::-1]])[:, None]
    height = np.concatenate([1 - 0.6 * groove, np.full_like(groove, 0.1)])
    rest = np.stack(np.broadcast_arrays(across, np.concatenate([along, along[::-1]]), height), -1)
    extra = np.tile(np.float32([1, curtain.tip_weight, 0, 0]), (*height.shape, 1))
    triangles = grid_triangles(*height.shape, closed=True)[:, ::-1]
    return make_mesh(position, triangles, Material.HAIR, tangent=_tangent(position), rest=rest, extra=extra)


def _plumpness(curtain: Curtain, share: np.ndarray) -> np.ndarray:
    """[C, R]: the share of the thickness that is left at the round sides and tips."""
    tip = np.sqrt(1 - np.clip((share - _TIP_SHARE) / (1 - _TIP_SHARE), 0, 1) ** 2)
    side = np.sqrt(1 - (1 - np.clip(curtain.edge, 0, 1)) ** 2)[:, None]
    level = 1 - smoothstep(curtain.seam - 0.3, curtain.seam, np.linspace(0, 1, SCALP_ROWS))
    on_head = side + (1 - side) * level if curtain.seam > 0 else np.repeat(side, SCALP_ROWS, 1)
    return np.concatenate([on_head, side * tip], 1)


def _arc_length(points: np.ndarray) -> np.ndarray:
    """[C, R]: 0 at the root .. 1 at the tip."""
    steps = np.linalg.norm(np.diff(points, axis=1), axis=-1)
    length = np.concatenate([np.zeros((len(points), 1)), np.cumsum(steps, 1)], 1)
    return length / np.maximum(length[:, -1:], 1e-6)


def _tangent(position: np.ndarray) -> np.ndarray:
    tangent = np.gradient(position, axis=1)
    return tangent / np.maximum(np.linalg.norm(tangent, axis=-1, keepdims=True), 1e-9)
