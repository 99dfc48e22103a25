"""Short hair: shaved close, cropped in tufts, parted and combed."""

from __future__ import annotations

import numpy as np

from training.synth.mesh import Mesh

from ..parameters import HeadParameters
from ..scalp import Scalp
from .cap import Cap, Thickness, Where, raise_cap
from .hairline import hairline_rad
from .locks import LockSet, away_from, grow, jitter, radial, smoothstep, spread
from .look import HairLook
from .part import Combed, along_flow, comb, place_at
from .wisps import RINGS, Wisps, lift_off

_WHORL = np.array([0.0, 0.75, -0.66])  # where the crop's tufts turn away from
_TUFTS, _RINGS = 680, 5
_PART_AZIMUTH_DEG, _PART_POLAR_DEG = 44.0, 42.0  # where the line runs, at its farthest from the middle
_PART_WIDTH_RAD, _PART_DEPTH_M = 0.060, 0.0015  # its ground is under the skin: a bare line is seen
_LOOSE_WISPS = Wisps(90, rise_m=0.008, stray_m=0.004)


def buzz_cut(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """Millimetres: a velvet over the scalp with a soft hairline."""
    height = 0.0018 + 0.0016 * p.hair_length + 0.0008 * p.hair_volume

    def solidity(where: Where) -> np.ndarray:
        return (0.88 + 0.12 * p.hair_length) * (1.0 - 0.75 * smoothstep(0.90, 1.0, where.along))

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
    parting = radial(np.deg2rad(_PART_AZIMUTH_DEG) * side, np.deg2rad(_PART_POLAR_DEG))
    lift = 0.010 + 0.007 * p.hair_length + 0.010 * p.hair_volume

    def hairline(azimuth: np.ndarray) -> np.ndarray:
        fringe = np.exp(
            -(((azimuth + 0.42 * side) / 0.50) ** 2)
        )  # on the far side hair falls a little over the forehead
        return hairline_rad(azimuth, 1.0) + np.deg2rad(3.0 + 6.0 * p.hair_length) * fringe * abs(side)

    def thickness(where: Where) -> np.ndarray:
        return _combed_over(where, comb(where.direction, parting), lift, side)

    cap = Cap((0.0, 1.0, -0.20), thickness, hairline, edge=0.42, edge_from=0.80, columns=208, rows=60)
    look = HairLook(strand_frequency_across=330.0, strand_frequency_along=3.0, shine=1.0, scalp_tint=0.12)
    loose = _loose(scalp, parting, lambda way: _combed_over(way, comb(way.direction, parting), lift, side))
    return [along_flow(raise_cap(cap, scalp), parting), loose], look


def _loose(scalp: Scalp, parting: np.ndarray, thickness: Thickness) -> Mesh:
    """Strands that come off hair which is combed over, on both sides of the parting."""
    count = _LOOSE_WISPS.count
    across, first = 0.57 + 0.22 * jitter(count, 13), 0.52 + 0.37 * jitter(count, 14)
    sign = np.where(np.arange(count) % 2, -0.65, 0.65)
    turn = sign[:, None] * (first[:, None] + np.linspace(0, 0.5, RINGS))
    way = place_at(turn, across[:, None], parting)
    azimuth, polar = np.arctan2(way[..., 0], way[..., 2]), np.arccos(np.clip(way[..., 1], -1, 1))
    point, normal = scalp.sample(azimuth, polar)
    path = point + normal * thickness(Where(azimuth, polar, way, 0 * polar, 0 * polar))[..., None]
    size = smoothstep(0.02, 0.14, (hairline_rad(azimuth) - polar).min(1))
    return lift_off(path, normal.astype(np.float64), across, _LOOSE_WISPS, size=size)


def _combed_over(where: Where, combed: Combed, lift_m: float, side: float) -> np.ndarray:
    """Metres: flat on the parting's own side, a wave on the other, nothing on the line itself."""
    turn = -combed.turn_rad * np.clip(side / 0.5, -1, 1)  # > 0 on the side that hair is combed to
    front = smoothstep(-0.75, 0.35, where.direction[..., 2])
    wave = 0.55 + 0.75 * front * smoothstep(0.0, 0.55, turn) * (1 - smoothstep(0.9, 2.1, turn))
    locks = 1 + 0.07 * np.sin(combed.across * 62 + 2.0 * turn) * smoothstep(0.05, 0.5, np.abs(turn))
    line = front * np.exp(-((combed.turn_rad / _PART_WIDTH_RAD) ** 2))
    return lift_m * wave * locks * (1 - line) * (0.42 + 0.58 * _top(where.polar_rad)) - _PART_DEPTH_M * line**3


def _part_side(parting: float) -> float:
    """The part's place −1..1, never in the middle: from 0.6 to 1 at either side, without a jump in between."""
    return float(np.tanh(6 * parting) * (0.6 + 0.4 * abs(parting)))


def _top(polar_rad: np.ndarray) -> np.ndarray:
    """1 on top of the head .. 0 at its sides."""
    return 1 - smoothstep(np.deg2rad(52), np.deg2rad(100), polar_rad)
