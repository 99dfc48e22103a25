"""No hair, and hair that is left at the sides and the back."""

from __future__ import annotations

import numpy as np

from training.synth.mesh import Mesh

from ..parameters import HeadParameters
from ..scalp import Scalp
from .cap import Cap, Where, raise_cap
from .locks import smoothstep
from .look import HairLook

_BARE_AZIMUTH_DEG, _BARE_POLAR_DEG = (
    (0, 50, 62, 85, 120, 180),
    (200, 124, 84, 70, 61, 57),
)  # bare above this polar angle
_BELOW_SKIN_M = 0.004


def bald(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """Nothing but a shadow of hair."""
    return [], HairLook(scalp_tint=0.0)


def balding(p: HeadParameters, scalp: Scalp) -> tuple[list[Mesh], HairLook]:
    """A horseshoe from temple to temple; forehead and crown are bare."""
    lift = 0.006 + 0.009 * p.hair_volume + 0.004 * p.hair_length

    def thickness(where: Where) -> np.ndarray:
        turn = np.abs(np.rad2deg(where.azimuth_rad))
        limit = np.deg2rad(np.interp(turn, _BARE_AZIMUTH_DEG, _BARE_POLAR_DEG))
        hairy = smoothstep(-0.05, 0.36, where.polar_rad - limit) ** 0.75
        waves = 1 + 0.10 * np.sin(where.azimuth_rad * 23) * np.sin(where.polar_rad * 17)
        thin = 0.35 + 0.65 * smoothstep(60, 105, turn)  # at the temples
        return (lift * thin * waves + _BELOW_SKIN_M) * hairy - _BELOW_SKIN_M

    cap = Cap((0.0, 1.0, -0.05), thickness, edge=0.35, ragged=0.07, rows=56)
    look = HairLook(strand_frequency_across=260.0, strand_frequency_along=9.0, shine=0.5, scalp_tint=0.0)
    return [raise_cap(cap, scalp)], look
