"""What the shading has to know about a head's hair as a whole."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HairLook:
    """``strand_frequency_across``: strands per unit of ``rest[0]``; ``…_along``: how often their tone changes from root
    to tip; ``shine`` 0..1; ``scalp_tint`` 0..1: how much the skin under the hair takes its colour; ``tip_raggedness``
    0..1: share of the strands' length by which tips may differ."""

    strand_frequency_across: float = 230.0
    strand_frequency_along: float = 3.0
    shine: float = 1.0
    scalp_tint: float = 0.9
    tip_raggedness: float = 0.0
