"""Hair that stands: a quiff over the forehead, a crest from front to back."""

from __future__ import annotations

import numpy as np

from ..mesh import Mesh
from ..parameters import HeadParameters
from ..scalp import Scalp
from .cap import Cap, Where, raise_cap
from .hairline import hairline_rad
from .locks import LockSet, grow, jitter, smoothstep
from .look import HairLook
from .short import buzz_cut

_RINGS = 7
_QUIFF_ROWS, _QUIFF_COLUMNS = 9, 22
_CREST_ROWS, _CREST_COLUMNS = 46, 5
_CREST_FROM_DEG, _CREST_TO_DEG = 58.0, -118.0  # over the head: 0 is the crown, positive in front


def quiff(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """Short sides; the front is combed up and back into a roll."""
    sides = 0.005 + 0.004 * p.hair_volume

    def thickness(where: Where) -> np.ndarray:
        top = 1 - smoothstep(np.deg2rad(38), np.deg2rad(72), where.polar_rad)
        return sides + (0.012 + 0.012 * p.hair_volume) * top * _front_half(where.azimuth_rad)

    cap = Cap((0.0, 0.85, -0.55), thickness, lambda azimuth: hairline_rad(azimuth, 1.0), edge=0.4)
    look = HairLook(strand_frequency_across=210.0, strand_frequency_along=3.0, shine=0.95, scalp_tint=0.8)
    return [raise_cap(cap, scalp), _quiff_locks(p, scalp)], look


def _front_half(azimuth_rad: np.ndarray) -> np.ndarray:
    return 1 - smoothstep(0.9, 2.4, np.abs(azimuth_rad))


def _quiff_locks(p: HeadParameters, scalp: Scalp) -> Mesh:
    """Rows from the forehead to the crown; the foremost are the tallest, all roll backwards."""
    row, column = (
        grid.ravel()
        for grid in np.meshgrid(np.linspace(0, 1, _QUIFF_ROWS), np.linspace(-1, 1, _QUIFF_COLUMNS), indexing="ij")
    )
    column = column + (row * (_QUIFF_ROWS - 1) % 2) / _QUIFF_COLUMNS
    azimuth = np.deg2rad(44) * column * (1 + 1.2 * row)
    polar = np.deg2rad(61 - 44 * row)
    root, normal = scalp.sample(azimuth, polar)
    count = len(root)
    tall = (
        (0.042 + 0.026 * p.hair_length)
        * (1 - 0.55 * row)
        * (1 - 0.45 * np.abs(column) ** 3)
        * (1 + 0.10 * jitter(count, 3))
    )
    s = np.linspace(0, 1, _RINGS)[None, :, None]
    up = np.array([0.0, 1.0, 0.28]) + 0.5 * normal + np.stack([0.10 * column, 0 * row, 0 * row], 1)
    back = np.array([0.0, -0.15, -1.0])
    roll = 0.55 + 0.25 * p.hair_volume
    path = root[:, None] + tall[:, None, None] * (up[:, None] * (s - 0.25 * s**2) + roll * back * s**2)
    width = (0.0085 + 0.002 * p.hair_volume) * (1 - 0.8 * s[..., 0] ** 2.2) * np.ones((count, 1))
    return grow(LockSet(path, width, 0.5 + column * 0.16 + row * 0.06, -back * np.ones((count, 1)), 0.7))


def mohawk(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """Shaved sides and a tall narrow crest."""
    shaved, _ = buzz_cut(p, scalp)
    look = HairLook(strand_frequency_across=240.0, strand_frequency_along=4.0, shine=0.6, scalp_tint=0.5)
    return [*shaved, _crest(p, scalp)], look


def _crest(p: HeadParameters, scalp: Scalp) -> Mesh:
    along, across = (
        grid.ravel()
        for grid in np.meshgrid(np.linspace(0, 1, _CREST_ROWS), np.linspace(-1, 1, _CREST_COLUMNS), indexing="ij")
    )
    angle = np.deg2rad(_CREST_FROM_DEG + (_CREST_TO_DEG - _CREST_FROM_DEG) * along)
    azimuth = np.where(angle >= 0, 0.0, np.pi)
    root, normal = scalp.sample(azimuth, np.abs(angle))
    root = root + np.stack([0.013 * across, -0.002 * across**2, 0 * across], 1)
    count = len(root)
    tall = (0.042 + 0.024 * p.hair_length + 0.006 * p.hair_volume) * (
        0.55 + 0.45 * np.sin(np.pi * np.clip(along * 1.15, 0, 1))
    )
    tall = tall * (1 - 0.18 * np.abs(across)) * (1 + 0.06 * jitter(count, 4))
    s = np.linspace(0, 1, _RINGS)[None, :, None]
    lean = normal + np.array([0.0, 0.25, -0.15]) + np.stack([0.10 * across, 0 * across, 0 * across], 1)
    inward = np.stack([-0.006 * across, 0 * across, 0 * across], 1)
    path = root[:, None] + tall[:, None, None] * lean[:, None] * s + inward[:, None] * s**2
    width = 0.0080 * (1 - 0.82 * s[..., 0] ** 2.5) * np.ones((count, 1))
    return grow(LockSet(path, width, along * 0.9 + 0.03 * across, np.tile([1.0, 0.0, 0.0], (count, 1)), 0.8))
