"""How values are spread: from a share 0..1 of the population to a value and back.

A latent number from N(0, 1) becomes a share by the normal distribution function, and the share a value by the inverse
distribution function of a law below. Values are rounded to six decimals, so that the last bits of a platform's
arithmetic neither reach a picture nor break the way back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

DECIMALS = 6
_NORMAL = NormalDist()
# Keeps a value at the very end of its range at a latent of about 5 instead of infinity: it comes back within 1/1000.
_EDGE = 2e-7
_INSIDE = 1e-7  # keeps the least value of a law that is often zero from becoming zero by rounding


def share_of_normal(z: float) -> float:
    """The share 0..1 of N(0, 1) below ``z``."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def normal_of_share(share: float) -> float:
    """The inverse of :func:`share_of_normal`; shares at 0 and 1 give about -5 and 5."""
    return _NORMAL.inv_cdf(min(max(share, _EDGE), 1 - _EDGE))


@dataclass(frozen=True)
class Uniform:
    """Equally often everywhere from ``low`` to ``high``."""

    low: float = 0.0
    high: float = 1.0

    def value(self, share: float) -> float:
        return self.low + share * (self.high - self.low)

    def share(self, value: float) -> float:
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


@dataclass(frozen=True)
class Triangular:
    """Most often in the middle of ``low`` and ``high``, falling linearly to none at both ends."""

    low: float = 0.0
    high: float = 1.0

    def value(self, share: float) -> float:
        part = math.sqrt(share / 2) if share < 0.5 else 1 - math.sqrt((1 - share) / 2)
        return self.low + part * (self.high - self.low)

    def share(self, value: float) -> float:
        part = min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)
        return 2 * part**2 if part < 0.5 else 1 - 2 * (1 - part) ** 2


@dataclass(frozen=True)
class TruncatedNormal:
    """N(0, sigma²) between ``-limit`` and ``limit``."""

    sigma: float
    limit: float

    @property
    def _outside(self) -> float:
        return share_of_normal(-self.limit / self.sigma)

    def value(self, share: float) -> float:
        inner = self._outside + share * (1 - 2 * self._outside)
        return min(max(self.sigma * normal_of_share(inner), -self.limit), self.limit)

    def share(self, value: float) -> float:
        inner = share_of_normal(min(max(value, -self.limit), self.limit) / self.sigma)
        return min(max((inner - self._outside) / (1 - 2 * self._outside), 0.0), 1.0)


@dataclass(frozen=True)
class OftenZero:
    """Exactly zero for ``zero_share`` of the people, the inner law for the others."""

    zero_share: float
    law: Uniform

    def value(self, share: float) -> float:
        return 0.0 if share < self.zero_share else self.law.value((share - self.zero_share) / (1 - self.zero_share))

    def share(self, value: float) -> float:
        if value < self.law.low / 2:
            return self.zero_share / 2
        return self.zero_share + (1 - self.zero_share) * max(self.law.share(value), _INSIDE)


@dataclass(frozen=True)
class Signed:
    """Exactly zero for ``zero_share`` of the people; of the others ``negative_share`` from -1 to ``-least``, the rest
    from ``least`` to 1."""

    zero_share: float
    negative_share: float = 0.5
    least: float = 0.2

    @property
    def _below(self) -> float:
        return (1 - self.zero_share) * self.negative_share

    def value(self, share: float) -> float:
        if share < self._below:
            return -1 + share / self._below * (1 - self.least)
        if share < self._below + self.zero_share:
            return 0.0
        above = 1 - self._below - self.zero_share
        return self.least + (share - self._below - self.zero_share) / above * (1 - self.least)

    def share(self, value: float) -> float:
        if abs(value) < self.least / 2:
            return self._below + self.zero_share / 2
        part = max((abs(value) - self.least) / (1 - self.least), _INSIDE)
        if value < 0:
            return self._below * (1 - part)
        return self._below + self.zero_share + part * (1 - self._below - self.zero_share)


@dataclass(frozen=True)
class Bell:
    """N(mean, sigma²) between ``low`` and ``high``."""

    mean: float
    sigma: float
    low: float = 0.0
    high: float = 1.0

    def _ends(self) -> tuple[float, float]:
        return tuple(share_of_normal((end - self.mean) / self.sigma) for end in (self.low, self.high))

    def value(self, share: float) -> float:
        first, last = self._ends()
        value = self.mean + self.sigma * normal_of_share(first + share * (last - first))
        return min(max(value, self.low), self.high)

    def share(self, value: float) -> float:
        first, last = self._ends()
        inner = share_of_normal((min(max(value, self.low), self.high) - self.mean) / self.sigma)
        return min(max((inner - first) / (last - first), 0.0), 1.0)


@dataclass(frozen=True)
class Mixture:
    """The first law for ``share_of_first`` of the people, the second for the others; their ranges do not meet."""

    share_of_first: float
    first: Bell | Uniform
    second: Bell | Uniform

    def value(self, share: float) -> float:
        if share < self.share_of_first:
            return self.first.value(share / self.share_of_first)
        return self.second.value((share - self.share_of_first) / (1 - self.share_of_first))

    def share(self, value: float) -> float:
        if value <= self.first.high:
            return self.share_of_first * self.first.share(value)
        return self.share_of_first + (1 - self.share_of_first) * self.second.share(value)


Law = Uniform | Triangular | TruncatedNormal | OftenZero | Signed | Bell | Mixture


def draw_value(law: Law, z: float) -> float:
    """A rounded value of the law from a latent number."""
    return round(law.value(share_of_normal(z)), DECIMALS)


def latent_number(law: Law, value: float) -> float:
    """A latent number that gives ``value`` (or the nearest that the law has)."""
    return normal_of_share(law.share(value))
