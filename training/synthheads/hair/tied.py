"""Hair that is pulled back and tied: a bun on the crown, a high ponytail at one side."""

from __future__ import annotations

from math import comb

import numpy as np

from training.synth.mesh import Mesh

from ..parameters import HeadParameters
from ..scalp import Scalp
from ..scalp_map import direction
from .cap import Cap, Where, raise_cap
from .curtain import smoothstep
from .look import HairLook
from .tube import Ball, Tube, perpendicular, sweep, unit, wind
from .wisps import Wisps, fray

_COLUMNS, _ROWS = 168, 26
_LOCKS, _GROOVE_M = 26, 0.0011
_GATHERED_M = 0.007  # more hair on top of each other near the tie
_TIE_THICKNESS_M = 0.0052
_BUN_POLAR_DEG = 12.0  # behind the top of the head
_TAIL_AZIMUTH_DEG, _TAIL_PARTING_DEG, _TAIL_POLAR_DEG = 146.0, 12.0, 31.0
_TAIL_ROWS = 44
_TAIL_LAYERS = ((1.0, 0.86, 0.0, 0.1), (0.90, 0.66, 1.2, 0.5), (0.82, 0.62, -0.9, 0.8))  # reach, breadth, place, across
_TAIL_WISPS = Wisps(40, (0.25, 0.66), 0.20, 0.008, 0.006)
_LOOSE_WISPS = Wisps(90, (0.1, 0.75), 0.30, 0.008, 0.006)


def bun(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """A wound knot on top of the head, so that it is seen from the front."""
    foot, _ = scalp.sample(np.pi, np.deg2rad(_BUN_POLAR_DEG))
    height = _height(p)
    radius = 0.027 + 0.006 * p.hair_length + 0.003 * p.hair_volume
    axis = unit(np.array([0.16 * p.parting, 1.0, -0.10]))
    knot = Ball(foot + axis * (height + 0.72 * radius), axis, radius, 0.86 * radius)
    smooth = pull_back(scalp, direction(np.pi, np.deg2rad(_BUN_POLAR_DEG)), height)
    return [smooth, wind(knot), _tie(foot + axis * (height + 0.002), axis, 0.70 * radius), *_loose(smooth)], _look()


def ponytail(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """The tail arcs up from the back of the crown and falls beside the head on to the chest, always at the same side:
    it has to be seen from the front, and one continuous parameter cannot choose the side without passing the middle."""
    azimuth = np.deg2rad(_TAIL_AZIMUTH_DEG - _TAIL_PARTING_DEG * p.parting)
    polar = np.deg2rad(_TAIL_POLAR_DEG)
    foot, out = scalp.sample(azimuth, polar)
    fullness = 0.022 + 0.009 * p.hair_volume
    tails, path = _tails(foot.astype(np.float64), out.astype(np.float64), 0.240 + 0.070 * p.hair_length, fullness)
    tie = _tie(path[4], unit(path[5] - path[3]), 0.54 * fullness + 0.4 * _TIE_THICKNESS_M)
    smooth = pull_back(scalp, direction(azimuth, polar), _height(p))
    return [smooth, *tails, tie, *_loose(smooth), *fray(tails, _TAIL_ROWS, _TAIL_WISPS)[len(tails) :]], _look()


def pull_back(scalp: Scalp, pole: np.ndarray, height_m: float) -> Mesh:
    """Smooth hair from the hairline to the unit direction ``pole`` [3], where it is tied."""

    def thickness(where: Where) -> np.ndarray:
        from_tie = np.arccos(np.clip(where.direction @ pole, -1, 1))
        gathered = _GATHERED_M * np.exp(-((from_tie / np.deg2rad(9)) ** 2))
        rise, groove = 1 - where.along, _GROOVE_M * _grooves(where.around_rad)
        return height_m * (0.10 + 0.90 * smoothstep(0, 0.22, rise)) + gathered - groove * smoothstep(0, 0.15, rise)

    mesh = raise_cap(Cap(tuple(pole), thickness, edge=1.0, ragged=0.10, columns=_COLUMNS, rows=_ROWS), scalp)
    turn = np.repeat(np.linspace(0, 2 * np.pi, _COLUMNS + 1), _ROWS)
    mesh.rest[:, 2] = 1 - 0.5 * _grooves(turn)
    return mesh


def _loose(smooth: Mesh) -> list[Mesh]:
    """Strands that come off hair which is pulled back."""
    return fray([smooth], _ROWS, _LOOSE_WISPS)[1:]


def _grooves(around: np.ndarray) -> np.ndarray:
    """0 on a lock .. 1 between two; locks differ in width."""
    place = around / (2 * np.pi) * _LOCKS + 0.25 * np.sin(7 * around) + 0.15 * np.sin(16 * around + 1)
    return np.abs(2 * (place - np.floor(place)) - 1) ** 2.5


def _tails(foot: np.ndarray, out: np.ndarray, length_m: float, fullness_m: float) -> tuple[list[Mesh], np.ndarray]:
    """The tail in layers that end one after the other, and the path [_TAIL_ROWS, 3] of the longest."""
    share = np.linspace(0, 1, _TAIL_ROWS)
    layers = []
    for reach, breadth, turn, first in _TAIL_LAYERS:
        path = _tail_path(foot, out, length_m * reach, fullness_m)
        aside = fullness_m * 0.45 * smoothstep(0.1, 0.5, share) * (turn != 0)
        path = path + aside[:, None] * np.array([np.cos(turn), 0, np.sin(turn)])
        radius = fullness_m * breadth * _tail_profile(share)
        layers.append(sweep(Tube(path, radius, (first, 0.35), twist_rad=1.3, flatness=0.85, locks=6, lock_depth=0.2)))
    return layers, _tail_path(foot, out, length_m, fullness_m)


def _tail_path(foot: np.ndarray, out: np.ndarray, length_m: float, fullness_m: float) -> np.ndarray:
    """[_TAIL_ROWS, 3]: out of the head, over the top, and down to ``length_m`` below the foot."""
    aside = 0.6 * fullness_m
    from_foot = np.array([
        -0.004 * out, 0.052 * out + [0.004, 0.022, 0], [0.062 + aside, 0.076, 0.0], [0.080 + aside, -0.05, 0.010],
        [0.058 + aside, -0.55 * length_m, 0.03], [0.074 + aside, -0.85 * length_m, 0.07],
        [0.044 + aside, -length_m, 0.09],
    ])  # fmt: skip
    share = np.linspace(0, 1, _TAIL_ROWS)[:, None]
    degree = len(from_foot) - 1
    return foot + sum(
        comb(degree, i) * (1 - share) ** (degree - i) * share**i * point for i, point in enumerate(from_foot)
    )


def _tail_profile(share: np.ndarray) -> np.ndarray:
    """Radius along the tail, 1 at its fullest: narrow at the tie, pointed at the tip."""
    full = 0.52 + 0.48 * smoothstep(0.08, 0.38, share)
    return full * np.sqrt(np.clip(1 - ((share - 0.30) / 0.70).clip(0) ** 2.4, 0, 1)) * (share > 0)


def _tie(centre: np.ndarray, axis: np.ndarray, radius_m: float) -> Mesh:
    """A ring around the hair."""
    turn = np.linspace(0, 2 * np.pi, 29)[:, None]
    side, up = perpendicular(axis)
    path = centre + radius_m * (np.cos(turn) * side + np.sin(turn) * up)
    return sweep(Tube(path, np.full(len(path), _TIE_THICKNESS_M), lock_depth=0.0, band=True))


def _height(p: HeadParameters) -> float:
    return 0.005 + 0.006 * p.hair_volume


def _look() -> HairLook:
    return HairLook(shine=0.9, tip_raggedness=0.04)
