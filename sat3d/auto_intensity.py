"""Search for the smallest intensity δ at which QMM says that an attribute has arrived, with few pictures."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from .errors import ConfigError, ShapeError
from .qmm import Measurement

_ROUNDING = 1e-6

Distance = Callable[[float], float]  # δ -> Σ_φ |D(I_edit(δ), φ) − D(I_ref, φ)|, the inner sum of equation (1)


@dataclass(frozen=True)
class Search:
    """Where is looked, and what *arrived* means.

    ``lowest``, ``highest``: the range of δ, of which multiples of ``precision`` above ``lowest`` are tried. ``step``:
    the range is walked upwards in such steps, so that an attribute that arrives and then grows too strong within less
    than a step may be passed over. Arrived: the distance to the reference is at most the share ``left`` of what it
    was before the edit, or at most ``alike``, which is as near as makes no difference (2 is the most for each
    descriptor group).
    """

    lowest: float = 0.25
    highest: float = 2.25
    step: float = 0.4
    precision: float = 0.05
    left: float = 0.25
    alike: float = 0.1

    def __post_init__(self):
        in_order = 0 <= self.lowest < self.highest < math.inf
        if not (in_order and 0 < self.precision <= self.step < math.inf and 0 <= self.left < 1 and self.alike >= 0):
            raise ConfigError(
                "The search for an intensity is not usable",
                self,
                "0 <= lowest < highest, 0 < precision <= step, 0 <= left < 1, alike at least 0",
                "use the defaults",
            )

    @property
    def last_tick(self) -> int:
        """Intensities are counted in units of ``precision`` from ``lowest``, so that no rounding adds up."""
        return math.floor((self.highest - self.lowest) / self.precision + _ROUNDING)

    @property
    def ticks_per_step(self) -> int:
        return max(1, round(self.step / self.precision))

    def intensity(self, tick: int) -> float:
        return round(self.lowest + tick * self.precision, 9)


@dataclass(frozen=True)
class Found:
    """``intensity``: the smallest one measured at which the attribute has arrived; where it never does, the one that
    came nearest. ``distance`` is the distance to the reference there, ``before`` the one without an edit.
    """

    intensity: float
    arrived: bool
    distance: float
    before: float
    measured: tuple[tuple[float, float], ...]  # (δ, distance) in the order of measuring

    def __str__(self) -> str:
        way = f"distance to the reference {self.before:.2f} before, {self.distance:.2f} at intensity {self.intensity:g}"
        return f"arrived: {way}" if self.arrived else f"did not arrive, nearest taken: {way}"


def smallest_intensity(distance: Distance, search: Search | None = None) -> Found:
    """Walk up in steps until the attribute has arrived, then bisect the last step: with the defaults at most 10 calls.

    ``distance`` is called with intensities in the range, and with 0 first. It need not fall everywhere, but the
    answer is the true smallest only if it does until the attribute has arrived.

    Example:
        >>> smallest_intensity(lambda δ: abs(1 - δ)).intensity  # at most 0.25 is left from 0.75 on
        0.75

    Raises:
        ShapeError: a distance that is negative or not finite.
    """
    search = search or Search()
    measured: dict[float, float] = {}

    def at(intensity: float) -> float:
        if intensity not in measured:
            measured[intensity] = _checked(distance(intensity), intensity)
        return measured[intensity]

    enough = max(search.left * at(0.0), search.alike)
    tick = _first_arrival(lambda tried: at(search.intensity(tried)) <= enough, search)
    tried = sorted(intensity for intensity in measured if intensity >= search.lowest)
    nearest = min(tried, key=at) if tick is None else search.intensity(tick)
    return Found(nearest, tick is not None, at(nearest), at(0.0), tuple(measured.items()))


def _first_arrival(arrived: Callable[[int], bool], search: Search) -> int | None:
    """The number of the lowest intensity at which it has arrived."""
    below, tick = None, 0
    while not arrived(tick):
        if tick == search.last_tick:
            return None
        below, tick = tick, min(tick + search.ticks_per_step, search.last_tick)
    while below is not None and tick - below > 1:
        middle = (below + tick) // 2
        below, tick = (below, middle) if arrived(middle) else (middle, tick)
    return tick


def _checked(distance: float, intensity: float) -> float:
    if not 0 <= distance < math.inf:
        raise ShapeError(
            f"The distance to the reference at intensity {intensity:g} is not usable",
            distance,
            "a finite number, 0 or more",
            "check the faces: a picture may hold NaN",
        )
    return distance


def distance_to(
    reference: Tensor, edited: Callable[[float], Tensor], measure: Callable[[Tensor], Measurement], attribute: str
) -> Distance:
    """The distance that :func:`smallest_intensity` asks for, by QMM.

    Args:
        reference: pictures ``[B, 3, H, W]`` in -1..1 of the faces that have the attribute.
        edited: δ -> as many pictures, or one, of the edit. Of several faces the mean distance counts.
        measure: ``QMM.measure``.

    Raises:
        ConfigError: the domain of the measurement has no such attribute.
    """
    wanted = measure(reference)
    wanted.domain.groups(attribute)
    return lambda intensity: float(measure(edited(intensity)).differences(wanted)[attribute].mean())
