"""What a generator of a domain is told besides pictures, cameras and depth: sizes, and where to look closely."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Somewhere that things of a domain differ in a few pixels, such as eyes; nothing is said of what is there.

    ``at``: world units, where it is in all of them; ``weight`` of its pixels, 1 being an edge's; ``spread`` across and
    up, world units.
    """

    at: tuple[float, float, float]
    weight: float
    spread: tuple[float, float]


@dataclass(frozen=True)
class Learning:
    """Lengths are world units.

    ``size``: what errors of depth are shares of. ``box``: the volume's side, about the origin; ``rays``: where they
    begin and end; ``plane_warp``: see ``RenderingConfig``. ``magnified``: 1 where networks should look at the middle
    as closely as they look at a face, 0 where all of a picture counts alike. ``whole_above``: pictures show the whole
    thing above this height, so that what is in none of them is empty there (-inf: they show all of it).
    ``camera_spread_rad``: of the angles that an encoder finds. ``backdrop_share``: how much of what is behind counts
    in first codes: less where things fill little of their pictures. ``places``: where pixels teach most. ``faces``:
    whether a network that knows people's faces has something to say.
    """

    size: float = 0.5
    box: float = 0.72
    rays: tuple[float, float] = (2.3, 3.1)
    plane_warp: float = 0.0
    magnified: float = 0.0
    whole_above: float = -math.inf
    camera_spread_rad: float = 0.3
    backdrop_share: float = 1.0
    places: tuple[Place, ...] = ()
    faces: bool = False
