"""How a domain's things are best shown on contact sheets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .cameras import FRONT, Pose


@dataclass(frozen=True)
class SheetHints:
    """``calm``: what the one thing of a sheet of attributes gets, so that one value at a time is seen; ``shown_with``:
    what a parameter needs beside it to be seen; ``whole``: parameters whose cells show the whole picture, others a
    close-up, whose left and top edges are at the shares ``close_up`` of a cell; ``turned``: parameters that are shown
    from ``side``; ``viewed``: of the thing that is shown from all sides; ``near``, ``far``: of pictures of depth."""

    calm: Mapping[str, object] = field(default_factory=dict)
    shown_with: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    whole: tuple[str, ...] | None = None  # None: all
    close_up: tuple[float, float] = (1 / 2, 1 / 2)
    turned: tuple[str, ...] = ()
    side: Pose = FRONT
    viewed: Mapping[str, object] = field(default_factory=dict)
    near: float = 2.38
    far: float = 2.88
