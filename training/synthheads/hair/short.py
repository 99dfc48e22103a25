"""Short hair: shaved close, cropped in tufts, parted and combed."""

from __future__ import annotations

import numpy as np

from ..mesh import Mesh
from ..parameters import HeadParameters
from ..scalp import Scalp
from .cap import Cap, Where, raise_cap
from .hairline import hairline_rad
from .locks import LockSet, away_from, grow, jitter, radial, smoothstep, spread
from .look import HairLook

_WHORL = np.array([0.0, 0.75, -0.66])  # where the crop's tufts turn away from
_TUFTS, _RINGS = 680, 5


def buzz_cut(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """Millimetres: a velvet over the scalp with a soft hairline."""
    height = 0.0018 + 0.0016 * p.hair_length + 0.0008 * p.hair_volume

    def solidity(where: Where) -> np.ndarray:
        return 1.0 - 0.75 * smoothstep(0.90, 1.0, where.along)

    cap = Cap((0.0, 1.0, -0.35), lambda where: np.full_like(where.along, height), edge=0.6, solidity=solidity)
    look = HairLook(strand_frequency_across=420.0, strand_frequency_along=60.0, shine=0.12, scalp_tint=0.75)
    return [raise_cap(cap, scalp)], look


def short_crop(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """Textured tufts that are combed forward from the whorl and stand up a little."""
    lift = (0.008 + 0.006 * p.hair_length) * (0.7 + 0.6 * p.hair_volume)

    def thickness(where: Where) -> np.ndarray:
        return lift * (0.50 + 0.50 * _top(where.polar_rad))

    cap = Cap(_WHORL, thickness, lambda azimuth: hairline_rad(azimuth, 1.0), edge=0.35)
    tufts = _tufts(p, scalp, lift)
    look = HairLook(strand_frequency_across=230.0, strand_frequency_along=4.0, shine=0.7, scalp_tint=0.85)
    return [raise_cap(cap, scalp), tufts], look


def _tufts(p: HeadParameters, scalp: Scalp, lift_m: float) -> Mesh:
    azimuth, polar = spread(_TUFTS, np.deg2rad(138))
    inside = smoothstep(0.0, 0.16, hairline_rad(azimuth, 1.0) - polar)
    keep = inside > 0
    azimuth, polar, inside = azimuth[keep], polar[keep], inside[keep]
    count = len(azimuth)
    root, normal = scalp.sample(azimuth, polar)
    flow = away_from(_WHORL, normal)
    sideways = np.cross(normal, flow)
    length = (0.020 + 0.012 * p.hair_length) * (0.60 + 0.40 * _top(polar)) * (1 + 0.25 * jitter(count, 1)) * inside
    s = np.linspace(0, 1, _RINGS)[None, :, None]
    rise = (0.18 + 0.30 * p.hair_volume) * (0.5 + 0.5 * _top(polar))[:, None, None]
    path = (
        root[:, None] + normal[:, None] * (lift_m * 0.55 * inside)[:, None, None]
        + length[:, None, None] * (flow[:, None] * s + normal[:, None] * rise * s * (1 - 0.45 * s))
        + (length * 0.6 * jitter(count, 2))[:, None, None] * sideways[:, None] * s**2
    )  # fmt: skip
    width = 0.0045 * (0.7 + 0.3 * inside)[:, None] * (1 - 0.85 * s[..., 0] ** 1.5)
    return grow(LockSet(path, width * np.sqrt(inside)[:, None], azimuth / (2 * np.pi), normal, 0.55))


def side_part(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """A line of skin at one side; hair is combed over to the other and down."""
    side = _part_side(p.parting)
    lift = 0.009 + 0.007 * p.hair_length + 0.009 * p.hair_volume
    line = radial(np.deg2rad([26.0, 120.0]) * side, np.deg2rad([60.0, 26.0]))

    def thickness(where: Where) -> np.ndarray:
        from_part = smoothstep(0.0, 0.16, where.along)
        across = -np.sin(where.around_rad) * np.sign(side)  # 1: the side that hair is combed to
        over = 1 + (0.9 * smoothstep(-0.2, 0.7, across)) * _front(where) * _top(where.polar_rad)
        comb = 1 + 0.06 * np.sin(where.around_rad * 29 + 5 * where.along)
        return lift * from_part * over * comb * (0.40 + 0.60 * _top(where.polar_rad)) + 0.0005

    cap = Cap(line, thickness, lambda azimuth: hairline_rad(azimuth, 2.0), edge=0.45, columns=192, rows=52)
    look = HairLook(strand_frequency_across=210.0, strand_frequency_along=3.0, shine=1.0, scalp_tint=0.12)
    return [raise_cap(cap, scalp)], look


def _front(where: Where) -> np.ndarray:
    return smoothstep(-0.5, 0.4, where.direction[..., 2])


def _part_side(parting: float) -> float:
    """The part's place −1..1, never in the middle: from 0.55 to 1 at either side, without a jump in between."""
    return float(np.tanh(6 * parting) * (0.6 + 0.4 * abs(parting)))


def _top(polar_rad: np.ndarray) -> np.ndarray:
    """1 on top of the head .. 0 at its sides."""
    return 1 - smoothstep(np.deg2rad(52), np.deg2rad(100), polar_rad)
