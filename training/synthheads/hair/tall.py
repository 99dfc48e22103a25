"""Hair that stands: a quiff over the forehead, a crest from front to back."""

from __future__ import annotations

import numpy as np

from training.synth.mesh import Mesh

from ..parameters import HeadParameters
from ..scalp import Scalp
from .cap import Cap, Where, raise_cap, thin_at_sides
from .hairline import hairline_rad
from .locks import LockSet, grow, jitter, smoothstep
from .look import HairLook
from .wisps import Wisps, fray

_RINGS = 7
_QUIFF_ROWS, _QUIFF_WISPS = 64, Wisps(120, (0.15, 0.75), 0.22, 0.009, 0.005)
_CREST_ROWS, _CREST_COLUMNS = 46, 5
_CREST_FROM_DEG, _CREST_TO_DEG = 58.0, -118.0  # over the head: 0 is the crown, positive in front


def quiff(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """Short sides; the front is combed up and back into a roll."""
    sides = 0.004 + 0.004 * p.hair_volume
    tall = 0.026 + 0.018 * p.hair_length + 0.006 * p.hair_volume

    def thickness(where: Where) -> np.ndarray:
        return sides + 0.006 * (1 - smoothstep(np.deg2rad(45), np.deg2rad(80), where.polar_rad))

    def lift(where: Where) -> np.ndarray:
        return (tall * _roll(where))[..., None] * np.array([0.22 * p.parting, 1.0, 0.30])

    cap = Cap(
        (0.0, 0.85, -0.55), thickness, lambda azimuth: hairline_rad(azimuth, 1.0),
        edge=0.4, lean_m=lift, solidity=thin_at_sides, columns=216, rows=_QUIFF_ROWS,
    )  # fmt: skip
    look = HairLook(strand_frequency_across=260.0, strand_frequency_along=3.0, shine=0.95, scalp_tint=0.8)
    return fray([raise_cap(cap, scalp)], _QUIFF_ROWS, _QUIFF_WISPS), look


def _roll(where: Where) -> np.ndarray:
    """Share 0..1 of the quiff's height: steep over the forehead, sloping to the crown and the temples, in locks."""
    x, z = np.abs(where.direction[..., 0]), where.direction[..., 2]
    steep = np.sqrt(np.clip(1 - ((where.along - 0.74) / 0.26).clip(0, 1) ** 2, 0, 1))
    slope = smoothstep(-0.35, 0.60, z) * (1 - smoothstep(0.40, 0.85, x))
    locks = np.sin(where.around_rad * 34 + 3 * np.sin(where.around_rad * 9)) + 0.6 * np.sin(where.around_rad * 57)
    return steep * slope * (1 + 0.055 * locks * smoothstep(0.3, 0.9, slope))


def mohawk(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """Shaved sides and a tall narrow crest."""
    look = HairLook(strand_frequency_across=240.0, strand_frequency_along=4.0, shine=0.6, scalp_tint=0.6)
    return [_crest(p, scalp)], look


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
