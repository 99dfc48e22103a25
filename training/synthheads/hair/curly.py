"""Curled hair: a round afro, and ringlets."""

from __future__ import annotations

import numpy as np

from ..mesh import Mesh
from ..parameters import HeadParameters
from ..scalp import Scalp
from .cap import Cap, Where, raise_cap
from .hairline import hairline_rad
from .locks import LockSet, away_from, grow, jitter, smoothstep, spread
from .look import HairLook
from .tube import unit

_CROWN = np.array([0.0, 0.95, -0.30])
_RINGLETS, _RINGLET_RINGS, _TURNS = 300, 16, 2.0
_CURL_M = 0.011
_CURL_WAVES = (
    ((0.9, 0.3, -0.3), 38.0, 0.3), ((-0.2, 0.8, 0.6), 41.0, 1.7), ((0.4, -0.5, 0.8), 35.0, 2.9),
    ((0.7, 0.7, 0.2), 61.0, 0.9), ((-0.6, 0.2, 0.8), 57.0, 2.2),
)  # fmt: skip


def afro(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """A ball of fine curls."""
    height = 0.034 + 0.022 * p.hair_volume + 0.012 * p.hair_length

    def thickness(where: Where) -> np.ndarray:
        lower = 1 - 0.40 * smoothstep(np.deg2rad(72), np.deg2rad(128), where.polar_rad)
        return height * lower + _CURL_M * curls(where.direction)

    cap = Cap(
        (0.0, 1.0, -0.30), thickness, lambda azimuth: hairline_rad(azimuth, 1.0, -4.0),
        edge=0.25, edge_from=0.66, columns=216, rows=84,
    )  # fmt: skip
    look = HairLook(strand_frequency_across=170.0, strand_frequency_along=44.0, shine=0.25, scalp_tint=0.9)
    return [raise_cap(cap, scalp)], look


def curls(direction: np.ndarray) -> np.ndarray:
    """Bumps 0..1 of about a centimetre all over a ball, at unit vectors [..., 3]: ridged waves in three directions."""
    waves = [np.abs(np.sin(direction @ np.array(axis) * frequency + phase)) for axis, frequency, phase in _CURL_WAVES]
    return 1 - sum(waves) / len(waves)


def curly(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """Ringlets that fall from the crown over the forehead and the ears."""
    lift = 0.012 + 0.012 * p.hair_volume

    def thickness(where: Where) -> np.ndarray:
        return lift * (1 - 0.3 * smoothstep(np.deg2rad(70), np.deg2rad(125), where.polar_rad))

    cap = Cap(_CROWN, thickness, lambda azimuth: hairline_rad(azimuth, 1.0), edge=0.5)
    look = HairLook(strand_frequency_across=120.0, strand_frequency_along=6.0, shine=0.7, scalp_tint=0.9)
    return [raise_cap(cap, scalp), _ringlets(p, scalp, lift)], look


def _ringlets(p: HeadParameters, scalp: Scalp, lift_m: float) -> Mesh:
    azimuth, polar = spread(_RINGLETS, np.deg2rad(132))
    inside = smoothstep(0.0, 0.10, hairline_rad(azimuth, 1.0) - polar)
    keep = inside > 0
    azimuth, polar, inside = azimuth[keep], polar[keep], inside[keep]
    root, normal = scalp.sample(azimuth, polar)
    count = len(root)
    flow = unit(away_from(_CROWN, normal) + 0.25 * normal + np.array([0.0, -0.35, 0.0]))
    length = (0.042 + 0.026 * p.hair_length) * (1 + 0.2 * jitter(count, 9)) * inside
    length = length * (1 - 0.45 * np.exp(-((azimuth / 0.75) ** 4)) * smoothstep(0.7, 1.1, polar))  # eyes stay free
    s = np.linspace(0, 1, _RINGLET_RINGS)[None, :, None]
    rise = normal[:, None] * (lift_m * 0.6 + 0.008 * (0.5 + p.hair_volume) * np.sin(np.pi * 0.8 * s))
    middle = root[:, None] + rise + length[:, None, None] * flow[:, None] * s
    side = np.cross(normal, flow)
    phase = 2 * np.pi * _TURNS * s + np.pi * jitter(count, 10)[:, None, None]
    coil = (0.0060 + 0.0020 * p.hair_volume) * inside[:, None, None] * np.minimum(1, 4 * s)
    path = middle + coil * (np.cos(phase) * side[:, None] + np.sin(phase) * normal[:, None])
    width = 0.0046 * np.sqrt(inside)[:, None] * (1 - 0.55 * s[..., 0] ** 3)
    return grow(LockSet(path, width, azimuth / (2 * np.pi) + 0.05 * jitter(count, 11), normal, 0.85))
