"""Categories from latent numbers: the largest score wins; offsets make it win as often as wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr

_CENTRE = 1.5  # how far along its own direction a category's representative lies: about the mean of those drawn
_NODES = np.linspace(-10.0, 12.0, 441)
_ITERATIONS, _STEP = 160, 0.25  # a chance of 1/1000 answers its offset three times as strongly as one of a half


@dataclass(frozen=True)
class Choice:
    """One of K categories from ``size`` latent numbers: arg max of ``directions @ z + offsets``.

    ``directions`` [K, size]: the corners of a simplex (size K − 1; the same as arg max over K independent scores,
    which have one number too many) or points on a circle (size 2; for what matters less than a face).
    ``offsets`` [K]: zero where all are equally frequent.
    """

    directions: np.ndarray
    offsets: np.ndarray

    @property
    def size(self) -> int:
        return self.directions.shape[1]

    def pick(self, z: np.ndarray) -> int:
        """The category of latent numbers [size]."""
        return int(np.argmax(self.directions @ z + self.offsets))

    def representative(self, category: int) -> np.ndarray:
        """Latent numbers [size] well inside the region of a category."""
        direction = self.directions[category] / np.linalg.norm(self.directions[category])
        gain = (self.directions[category] - self.directions) @ direction
        lead = self.offsets - self.offsets[category]
        needed = max((lead[k] / gain[k] for k in range(len(gain)) if k != category and lead[k] > 0), default=0.0)
        return (_CENTRE + needed) * direction


def simplex_choice(priors: tuple[float, ...]) -> Choice:
    """A choice with given probabilities [K] (they are scaled to the sum 1)."""
    return Choice(simplex_directions(len(priors)), calibrated_offsets(priors))


def circle_choice(count: int) -> Choice:
    """A choice of equally probable categories around a circle."""
    angle = 2 * math.pi * np.arange(count) / count
    return Choice(np.stack([np.cos(angle), np.sin(angle)], axis=1), np.zeros(count))


def simplex_directions(count: int) -> np.ndarray:
    """[K, K − 1]: orthonormal columns, each of sum zero (Helmert's), so that K scores stay exchangeable."""
    directions = np.zeros((count, count - 1))
    for column in range(count - 1):
        directions[: column + 1, column] = 1.0
        directions[column + 1, column] = -(column + 1.0)
        directions[:, column] /= math.sqrt((column + 1.0) * (column + 2.0))
    return directions


@cache
def _calibrate(priors: tuple[float, ...]) -> tuple[float, ...]:
    wanted = np.asarray(priors) / sum(priors)
    offsets = np.zeros(len(wanted))
    if np.ptp(wanted) > 1e-12:
        for _ in range(_ITERATIONS):
            offsets += _STEP * np.log(wanted / win_probabilities(offsets))
            offsets -= offsets.mean()
    return tuple(round(float(offset), 4) for offset in offsets)


def calibrated_offsets(priors: tuple[float, ...]) -> np.ndarray:
    """Offsets [K] that give independent N(0, 1) scores these chances to be the largest. Rounded, to be portable."""
    return np.array(_calibrate(tuple(priors)))


def win_probabilities(offsets: np.ndarray) -> np.ndarray:
    """[K]: how often each of K independent N(offset, 1) scores is the largest; by quadrature."""
    levels, inverse = np.unique(offsets, return_inverse=True)
    shifted = _NODES[None] - levels[:, None]
    below = np.maximum(ndtr(shifted), 1e-300)[inverse]
    density = np.exp(-0.5 * shifted**2)[inverse]
    chances = (density * np.exp(np.log(below).sum(0) - np.log(below))).sum(1)
    return chances / chances.sum()
