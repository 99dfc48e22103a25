"""Many tapered locks at once, each a bent tube of few sides: tufts, curls, crests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.synth.mesh import Mesh, make_mesh

from ..materials import Material
from ..scalp_map import direction
from .tube import unit

_GOLDEN_RAD = np.pi * (3 - np.sqrt(5))


@dataclass(frozen=True)
class LockSet:
    """``path`` [L, R, 3] metres from root to tip; ``radius_m`` [L, R]; ``across`` [L]: the strands' place (``Mesh``);
    ``up`` [L, 3]: the direction that locks are flat against; ``flatness``: their height over their width; ``sides`` of
    the tubes."""

    path: np.ndarray
    radius_m: np.ndarray
    across: np.ndarray
    up: np.ndarray
    flatness: float = 1.0
    sides: int = 5


def spread(count: int, polar_end_rad: float = np.deg2rad(150)) -> tuple[np.ndarray, np.ndarray]:
    """Azimuths and polar angles [count] of evenly spread places on the sphere down to ``polar_end_rad``."""
    index = np.arange(count) + 0.5
    polar = np.arccos(1 - index / count * (1 - np.cos(polar_end_rad)))
    return (index * _GOLDEN_RAD + np.pi) % (2 * np.pi) - np.pi, polar


def jitter(count: int, salt: float) -> np.ndarray:
    """[count] numbers in -1..1 that look random and are the same everywhere."""
    value = np.modf(np.sin((np.arange(count) + 1) * 12.9898 + salt * 78.233) * 43758.5453)[0]
    return 2 * np.abs(value) - 1


def smoothstep(low: float, high: float, value):
    """0 below ``low``, 1 above ``high``, smooth in between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def away_from(pole: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Unit directions [L, 3] in the surface, away from a whorl at ``pole`` [3]."""
    return unit(normal * (normal @ unit(pole))[:, None] - unit(pole))


def radial(azimuth_rad, polar_rad) -> np.ndarray:
    """Unit vectors [..., 3] from the head's centre."""
    return direction(azimuth_rad, polar_rad).astype(np.float64)


def grow(locks: LockSet) -> Mesh:
    """All locks as one mesh."""
    path, (count, rings) = locks.path, locks.path.shape[:2]
    tangent = unit(np.gradient(path, axis=1))
    up = locks.up[:, None] - tangent * (tangent * locks.up[:, None]).sum(-1, keepdims=True)
    up = unit(up)
    side = np.cross(up, tangent)
    angle = np.pi / 2 + np.arange(locks.sides) / locks.sides * 2 * np.pi
    section = np.cos(angle)[:, None] * side[:, :, None] + locks.flatness * np.sin(angle)[:, None] * up[:, :, None]
    radius = locks.radius_m * (np.arange(rings) < rings - 1)  # closed at the tip
    position = path[:, :, None] + section * radius[..., None, None]
    radial_normal = np.cos(angle)[:, None] * side[:, :, None] + np.sin(angle)[:, None] * up[:, :, None] / locks.flatness
    step = np.linalg.norm(np.gradient(path, axis=1), axis=-1)
    taper = -np.gradient(radius, axis=1) / np.maximum(step, 1e-6)  # where a lock narrows it faces its tip
    normal = radial_normal + np.clip(taper, -0.5, 3.0)[..., None, None] * tangent[:, :, None]
    along = np.broadcast_to(np.linspace(0, 1, rings)[None, :, None], position.shape[:3])
    across = locks.across[:, None, None] + 0.012 * np.cos(angle)  # a lock holds some strands
    height = np.clip(0.55 + 0.45 * np.sin(angle), 0, 1)
    rest = np.stack(np.broadcast_arrays(across, along, height), -1)
    extra = np.broadcast_to(np.float32([1, 0, 0, 0]), (*position.shape[:3], 4))
    strand = np.broadcast_to(tangent[:, :, None], position.shape)
    return make_mesh(
        position,
        _tube_triangles(count, rings, locks.sides),
        Material.HAIR,
        normal=unit(normal),
        tangent=strand,
        rest=rest,
        extra=extra,
    )


def _tube_triangles(count: int, rings: int, sides: int) -> np.ndarray:
    ring, side = np.arange(rings - 1)[:, None], np.arange(sides)[None]
    a, b = ring * sides + side, ring * sides + (side + 1) % sides
    c, d = b + sides, a + sides
    one = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return (one[None] + (np.arange(count) * rings * sides)[:, None, None]).reshape(-1, 3)
