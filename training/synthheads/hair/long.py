"""Hair that hangs: chin-length with a fringe, and long, straight or wavy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.synth.mesh import Mesh

from ..parameters import HeadParameters
from ..scalp import Scalp
from ..scalp_map import direction
from .curtain import ROWS, Curtain, Gather, Locks, Wave, hang, smoothstep
from .drape import ear_reach_m
from .look import HairLook
from .wisps import Wisps, fray

# By azimuth in degrees (0 front, 180 back): the polar angles where hair comes off the head and over which it goes.
_AZIMUTHS, _LEAVE_POLARS, _VIA_POLARS = (60, 90, 130, 180), (91, 92, 98, 100), (75, 61, 55, 55)
_FACE_DEG = 58.0  # azimuth of the edge that frames the face
_PART_FRONT_DEG, _PART_LENGTH_DEG, _PART_REACH_DEG = 61.0, 85.0, 28.0
_PART_HALF_WIDTH_RAD = 0.012
_SIDE_X_M = 0.075  # of the scalp over the ears
_PART_TINT = 0.35  # of the skin under long hair: a parting shows
_EAR_MARGIN_M = 0.006
_CROWN_TILT_DEG = 8.0
_LONG_WISPS = Wisps(64, (0.05, 0.80), 0.26, 0.011, 0.008)
_BOB_WISPS = Wisps(64, (0.15, 0.75), 0.30, 0.008, 0.006)


@dataclass(frozen=True)
class Panel:
    """A sheet's range of azimuths in degrees, 0..360 around to the right; over how many degrees its sides are round."""

    start: float
    stop: float
    columns: int
    start_round: float
    stop_round: float

    @property
    def azimuth(self) -> np.ndarray:
        """[C] radians."""
        return np.deg2rad(np.linspace(self.start, self.stop, self.columns))

    @property
    def edge(self) -> np.ndarray:
        """[C]: 0 at a side .. 1 inside."""
        place = np.linspace(self.start, self.stop, self.columns)
        return np.minimum((place - self.start) / self.start_round, (self.stop - place) / self.stop_round)


_FRONT_PANELS = (Panel(_FACE_DEG, 106, 37, 18, 14), Panel(254, 360 - _FACE_DEG, 37, 14, 18))
_BACK_PANEL = Panel(76, 284, 65, 16, 16)
_BOB_PANEL, _FRINGE_PANEL = Panel(50, 310, 89, 9, 9), Panel(-60, 60, 45, 10, 10)


@dataclass(frozen=True)
class Fall:
    """What differs between long styles, metres: height over the scalp, thickness, more width lower down, waves."""

    lift_m: float
    thickness_m: float
    spread_m: float = 0.0
    wave: Wave | None = None


def bob(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """A straight fringe over the brows; the rest ends between jaw and chin, curled in."""
    sheets = [hang(_bob_sides(p, scalp), scalp), hang(_fringe(p), scalp)]
    return fray(sheets, ROWS, _BOB_WISPS, sides=2), HairLook(shine=0.9, tip_raggedness=0.04)


def long_straight(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """Sleek and parted, over the shoulders."""
    fall = Fall(0.010 + 0.012 * p.hair_volume, 0.016 + 0.008 * p.hair_volume)
    look = HairLook(shine=0.9, scalp_tint=_PART_TINT, tip_raggedness=0.08)
    return _long(p, scalp, fall), look


def long_wavy(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """Parted, over the shoulders, with waves that grow towards the tips."""
    wave = Wave(0.007 + 0.005 * p.hair_volume, 0.085)
    fall = Fall(0.016 + 0.012 * p.hair_volume, 0.020 + 0.010 * p.hair_volume, 0.012, wave)
    look = HairLook(strand_frequency_across=190.0, shine=0.7, scalp_tint=_PART_TINT, tip_raggedness=0.08)
    return _long(p, scalp, fall), look


def _long(p: HeadParameters, scalp: Scalp, fall: Fall) -> list[Mesh]:
    curtains = [_front(p, scalp, fall, panel) for panel in _FRONT_PANELS] + [_back(p, scalp, fall, _BACK_PANEL)]
    return fray([hang(curtain, scalp) for curtain in curtains], ROWS, _LONG_WISPS, sides=2)


def _front(p: HeadParameters, scalp: Scalp, fall: Fall, panel: Panel) -> Curtain:
    """Hair beside the face, that comes to lie on the chest."""
    side = np.sign(np.pi - panel.azimuth)
    inside = (_turn(panel.azimuth) - np.deg2rad(_FACE_DEG)) / np.deg2rad(48)
    gather = Gather(side * (0.062 + (0.050 + fall.spread_m) * inside), 0.036 - 0.026 * inside, -0.01, -0.15)
    return _sheet(p, scalp, fall, panel, taper_m=0.0, gather=gather, clearance_m=0.014)


def _back(p: HeadParameters, scalp: Scalp, fall: Fall, panel: Panel) -> Curtain:
    """Hair behind the shoulders: where it meets them it goes on inside, unseen."""
    return _sheet(p, scalp, fall, panel, taper_m=0.010)


def _sheet(p: HeadParameters, scalp: Scalp, fall: Fall, panel: Panel, taper_m: float, **more) -> Curtain:
    azimuth = panel.azimuth
    leave, via = _way_down(azimuth)
    lift = fall.lift_m * (0.6 + 0.4 * smoothstep(0, 0.2, _backness(azimuth)))
    over_ear = _over_ear(scalp, azimuth, lift)

    def outward(fallen_m, share):
        out = over_ear[:, None] * smoothstep(0, 0.05, fallen_m) + fall.spread_m * smoothstep(0, 0.10, fallen_m)
        return out - taper_m * smoothstep(0.05, 0.18, fallen_m)

    return Curtain(
        azimuth / (2 * np.pi), _parting(p, azimuth), via, leave, panel.edge, lift, fall.thickness_m,
        np.full(len(azimuth), -0.180 - 0.12 * p.hair_length), outward, Locks(30, 0.003, 0.010), wave=fall.wave, **more,
    )  # fmt: skip


def _bob_sides(p: HeadParameters, scalp: Scalp) -> Curtain:
    azimuth, lift = _BOB_PANEL.azimuth, _bob_lift(p) * np.ones(_BOB_PANEL.columns)
    leave, via = _way_down(azimuth)
    over_ear, belly = _over_ear(scalp, azimuth, lift), 0.006 + 0.006 * p.hair_volume

    def outward(fallen_m, share):
        out = over_ear[:, None] * smoothstep(0, 0.05, fallen_m) + belly * smoothstep(0, 0.08, fallen_m)
        return out - 0.024 * share**3

    return Curtain(
        azimuth / (2 * np.pi), _crown(p, azimuth), via, leave, _BOB_PANEL.edge, lift, 0.024 + 0.008 * p.hair_volume,
        np.full(len(azimuth), -0.078 - 0.038 * p.hair_length), outward, Locks(30, 0.0018, 0.002),
        root_lift=1.0, seam=0.7, tip_weight=0.3,
    )  # fmt: skip


def _fringe(p: HeadParameters) -> Curtain:
    azimuth = _FRINGE_PANEL.azimuth
    corner = smoothstep(np.deg2rad(38), np.deg2rad(60), np.abs(azimuth))
    polar = np.deg2rad(79 + 8 * corner)
    lift = _bob_lift(p) * (0.75 + 0.25 * corner) + 0.001
    tip = 0.035 - 0.006 * p.hair_length + 0.003 * p.parting * np.sin(azimuth) - 0.03 * corner
    return Curtain(
        azimuth / (2 * np.pi), _crown(p, azimuth), direction(azimuth, np.full_like(azimuth, np.deg2rad(50))),
        direction(azimuth, polar), _FRINGE_PANEL.edge, lift, 0.006, tip,
        lambda fallen_m, share: -0.003 * share**2, Locks(30, 0.0012, 0.001), root_lift=1.0, seam=0.9, tip_weight=0.2,
    )  # fmt: skip


def _bob_lift(p: HeadParameters) -> float:
    return 0.010 + 0.012 * p.hair_volume


def _turn(azimuth: np.ndarray) -> np.ndarray:
    """Radians from the front, 0..π."""
    return np.abs((azimuth + np.pi) % (2 * np.pi) - np.pi)


def _backness(azimuth: np.ndarray) -> np.ndarray:
    """0 at the edge that frames the face .. 1 at the back."""
    face = np.deg2rad(_FACE_DEG)
    return (_turn(azimuth) - face) / (np.pi - face)


def _way_down(azimuth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directions [C, 3] where strands come off the head, and over which they get there."""
    turn = np.rad2deg(_turn(azimuth))
    leave, via = (np.interp(turn, _AZIMUTHS, polars) for polars in (_LEAVE_POLARS, _VIA_POLARS))
    return direction(azimuth, np.deg2rad(leave)), direction(azimuth, np.deg2rad(via))


def _parting(p: HeadParameters, azimuth: np.ndarray) -> np.ndarray:
    """Roots [C, 3] on a line from the hairline to the crown; both sides start a little off it, so skin shows."""
    back = smoothstep(0, 0.75, _backness(azimuth))
    angle = np.deg2rad(_PART_FRONT_DEG - _PART_LENGTH_DEG * back)
    side = (np.deg2rad(_PART_REACH_DEG) * p.parting + np.sign(np.pi - azimuth) * _PART_HALF_WIDTH_RAD) * (1 - back)
    return np.stack([np.sin(side), np.cos(side) * np.cos(angle), np.cos(side) * np.sin(angle)], -1)


def _crown(p: HeadParameters, azimuth: np.ndarray) -> np.ndarray:
    """One root for all strands [C, 3]."""
    side, tilt = np.deg2rad(14) * p.parting, np.deg2rad(_CROWN_TILT_DEG)
    point = [np.sin(side), np.cos(side) * np.cos(tilt), -np.cos(side) * np.sin(tilt)]
    return np.broadcast_to(np.array(point), (len(azimuth), 3))


def _over_ear(scalp: Scalp, azimuth: np.ndarray, lift_m: np.ndarray) -> np.ndarray:
    """[C] metres that hair has to go further out to cover the ears."""
    missing = ear_reach_m(scalp.head) + _EAR_MARGIN_M - _SIDE_X_M - lift_m
    return np.maximum(missing, 0) * np.exp(-(((_turn(azimuth) - np.deg2rad(95)) / np.deg2rad(28)) ** 2))
