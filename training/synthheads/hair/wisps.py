"""Single strands that leave a surface of hair and fray its outline: geometry, so the same from every side."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from training.synth.mesh import Mesh

from .locks import LockSet, grow, jitter
from .tube import unit

RINGS, _SIDES = 6, 3
_RADIUS_M = 0.00095  # about a pixel wide at 256 pixels: thinner ones would flicker
_PROFILE = np.array([0.0, 0.9, 1.0, 0.9, 0.65, 0.0])  # pointed at both ends, so closed
_ROOT_DEPTH_M = 0.0012
_OWN_NORMAL = 0.75  # strands are lit much like the hair they come from, but never from behind
_FARTHEST = 1.03
_GOLDEN = 0.6180339887


@dataclass(frozen=True)
class Wisps:
    """``count`` strands; each starts at a share ``start`` (first, last) of the way from root to tip and follows the
    hair for a share ``span``, a little beyond the tip if need be; at its end it is up to ``rise_m`` over the surface
    and up to ``stray_m`` aside."""

    count: int
    start: tuple[float, float] = (0.1, 0.7)
    span: float = 0.35
    rise_m: float = 0.004
    stray_m: float = 0.004


def fray(sheets: list[Mesh], rows: int, wisps: Wisps, sides: int = 1) -> list[Mesh]:
    """``sheets`` with their wisps as one more mesh. Each is a grid [C, rows] of strands from root to tip; with
    ``sides`` 2 its second half of columns is an inner side, where none start."""
    parts = [_rooted_in(sheet, rows, sides, wisps, salt) for salt, sheet in enumerate(sheets)]
    path, up, across = (np.concatenate(values) for values in zip(*parts, strict=True))
    return [*sheets, lift_off(path, up, across, wisps)]


def lift_off(path: np.ndarray, up: np.ndarray, across: np.ndarray, wisps: Wisps, size=1.0) -> Mesh:
    """Strands along paths [N, RINGS, 3] in the surface of the hair, whose unit normals are ``up`` [N, RINGS, 3], that
    leave it towards their tips; ``across`` [N] their places as in ``Mesh``; ``size`` [N] 0..1: how thick each is."""
    rise, aside = (jitter(len(path), 20 + kind) for kind in range(2))
    s = np.linspace(0, 1, RINGS)
    side = unit(np.cross(up, np.gradient(path, axis=1)))
    height = (wisps.rise_m * (0.25 + 0.75 * rise**2))[:, None] * s**1.5 - _ROOT_DEPTH_M * (1 - s) ** 2
    path = path + height[..., None] * up + (wisps.stray_m * aside[:, None] * s**2)[..., None] * side
    radius = np.broadcast_to(size, len(path))[:, None] * (_RADIUS_M * _PROFILE)
    mesh = grow(LockSet(path, radius, across, up[:, 0], sides=_SIDES))
    like_hair = mesh.normal * _OWN_NORMAL + np.repeat(up.reshape(-1, 3), _SIDES, axis=0)
    on_top = mesh.rest * np.float32([1, 1, 0]) + np.float32([0, 0, 1])
    return replace(mesh, normal=unit(like_hair).astype(np.float32), rest=on_top)


def _rooted_in(sheet: Mesh, rows: int, sides: int, wisps: Wisps, salt: int) -> tuple[np.ndarray, ...]:
    """What ``lift_off`` takes of the strands of one sheet; ``salt``: its number."""
    position, normal, across = (
        values.reshape(-1, rows, values.shape[-1]).astype(np.float64)
        for values in (sheet.position, sheet.normal, sheet.rest[:, :1])
    )
    start, span = (jitter(wisps.count, 22 + 5 * salt + kind) for kind in range(2))
    column = ((np.arange(wisps.count) * _GOLDEN + 0.37 * salt) % 1 * (len(position) // sides)).astype(int)
    first = wisps.start[0] + (wisps.start[1] - wisps.start[0]) * (start + 1) / 2
    last = np.minimum(first + wisps.span * (1 + 0.45 * span), _FARTHEST)
    share = first[:, None] + (last - first)[:, None] * np.linspace(0, 1, RINGS)
    path, up = _along(position, column, share), unit(_along(normal, column, np.minimum(share, 0.97)))
    return path, up, across[column, 0, 0]


def _along(grid: np.ndarray, column: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Values [N, K, 3] of a grid [C, R, 3] on the given columns [N]; beyond share 1 it goes straight on."""
    place = share * (grid.shape[1] - 1)
    row = np.clip(place.astype(int), 0, grid.shape[1] - 2)
    before, after = grid[column[:, None], row], grid[column[:, None], row + 1]
    return before + (after - before) * (place - row)[..., None]
