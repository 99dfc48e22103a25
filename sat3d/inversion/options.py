"""Options of an inversion. The defaults suit the built-in generator on a CPU."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import check_number, check_whole
from ..errors import ConfigError
from .parameters import METHODS as OPTIMISED

METHODS = ("encoder", *OPTIMISED)
MOST_STEPS = 100_000
ADVICE = "check the options"
LEAST_SHARE = 1e-4  # of a ray's colour, from which a sample gets a gradient; no less exact than 0, in 0.4 of its time


@dataclass(frozen=True)
class Rates:
    """Adam's learning rates: of the likely face and of departures from it, in units of the population's spread; of the
    camera, in radians."""

    face: float = 0.1
    departure: float = 0.05
    camera: float = 0.005


@dataclass(frozen=True)
class Weights:
    """Of the parts of the loss: mean squared error of pixels, features, identity, LPIPS, points of the face and regions
    of the head where they are at hand; unlikely faces, departures."""

    pixel: float = 5.0
    features: float = 1.0
    identity: float = 0.1
    lpips: float = 0.5
    points: float = 0.5
    regions: float = 0.5
    face: float = 0.002
    departure: float = 0.02


@dataclass(frozen=True)
class InversionOptions:
    """``method``: see ``METHODS``. ``seed``: of all that is random; the same gives the same latent.

    The first steps render ``low_resolution``² rays with ``low_samples`` of the generator's samples on each, the last
    ``full_share`` of them ``full_resolution``² (None: the generator's) with all. ``patience``: steps of one phase
    without gain after which it ends (0: never).

    Raises:
        ConfigError: a value out of range.
    """

    method: str = "W+"
    steps: int = 100
    seed: int = 0
    low_resolution: int = 48
    low_samples: float = 0.5
    full_resolution: int | None = None
    full_share: float = 0.05
    patience: int = 40
    rates: Rates = Rates()
    weights: Weights = Weights()

    def __post_init__(self):
        if self.method not in METHODS:
            raise ConfigError("Unknown inversion method", self.method, f"one of {METHODS}", "choose one of these")
        check_whole("The number of steps", self.steps, 1, MOST_STEPS, ADVICE)
        check_whole("low_resolution", self.low_resolution, 8, 1024, ADVICE)
        check_number("low_samples", self.low_samples, 0.1, 1, ADVICE)
        check_number("full_share", self.full_share, 0, 1, ADVICE)
        check_whole("patience", self.patience, 0, MOST_STEPS, ADVICE)
        for part in (self.rates, self.weights):
            for name, value in vars(part).items():
                check_number(f"The {name} of {type(part).__name__}", value, 0, 1e6, ADVICE)

    @property
    def full_steps(self) -> int:
        """Steps at the full resolution; at least one, since the best face is chosen among them."""
        return max(1, round(self.steps * self.full_share))
