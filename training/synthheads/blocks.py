"""Blocks that heads alone have: local shapes, ancestry, the colour of beards. See ``training/synth/blocks.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from training.synth.blocks import Known
from training.synth.categorical import Choice, circle_choice, simplex_directions
from training.synth.distributions import DECIMALS, Law, draw_value, latent_number
from training.synth.rules import Colour

from .attributes import SHAPE_NAMES
from .parameter_spec import FIELDS
from .parameters import HeadParameters

BEARD_DARKNESS = 0.85  # beards are a little darker than the hair of the same person
_STEPS = 3  # decimals of shares inside colours: coarse enough to be found again in a rounded colour


@dataclass(frozen=True)
class ShapeBlock:
    """All shape values by one law; ``middles``: what the law's values are added to, by name, for the head so far."""

    law: Law
    middles: Callable[[Known], Mapping[str, float]] = field(default=lambda known: {})
    name: str = "shape"
    size: int = len(SHAPE_NAMES)

    def decode(self, z: np.ndarray, earlier: Known) -> tuple[float, ...]:
        middles = self.middles(earlier)
        values = zip(SHAPE_NAMES, z, strict=True)
        return tuple(
            min(max(round(middles.get(name, 0.0) + draw_value(self.law, number), DECIMALS), -1.0), 1.0)
            for name, number in values
        )

    def encode(self, p: HeadParameters) -> np.ndarray:
        middles = self.middles(vars(p))
        values = zip(SHAPE_NAMES, p.shape, strict=True)
        return np.array([latent_number(self.law, value - middles.get(name, 0.0)) for name, value in values])


@dataclass(frozen=True)
class AncestryBlock:
    """Three shares by a softmax of two numbers; ``spread`` 0 gives thirds, large values pure shapes."""

    spread: float
    name: str = "ancestry"
    size: int = 2

    def decode(self, z: np.ndarray, earlier: Known) -> Colour:
        weights = np.exp(self.spread * (simplex_directions(3) @ z))
        first, second, _ = np.round(weights / weights.sum(), DECIMALS).tolist()
        return first, second, max(round(1 - first - second, DECIMALS), 0.0)

    def encode(self, p: HeadParameters) -> np.ndarray:
        # Shares that were rounded to zero come back as something that rounds to zero again.
        return simplex_directions(3).T @ np.log(np.maximum(p.ancestry, 2e-7)) / self.spread


@dataclass(frozen=True)
class BeardColourBlock:
    """The hair's colour, darker, mixed with a colour of the beard's own by a share that is often zero."""

    anchors: np.ndarray
    choice: Choice
    share: Law
    name: str = "beard_colour"

    @property
    def size(self) -> int:
        return self.choice.size + 1

    def decode(self, z: np.ndarray, earlier: Known) -> Colour:
        base = BEARD_DARKNESS * np.asarray(earlier["hair_colour"])
        own = self.anchors[self.choice.pick(z[:-1])]
        share = round(draw_value(self.share, z[-1]), _STEPS)
        return tuple(np.round(base + share * (own - base), DECIMALS).tolist())

    def encode(self, p: HeadParameters) -> np.ndarray:
        base = BEARD_DARKNESS * np.asarray(p.hair_colour)
        towards, offset = self.anchors - base, np.asarray(p.beard_colour) - base
        shares = np.clip((towards @ offset) / np.maximum(np.square(towards).sum(1), 1e-9), 0, 1)
        category = int(np.argmin(np.square(shares[:, None] * towards - offset).sum(1)))
        share = round(float(shares[category]), _STEPS)
        return np.append(self.choice.representative(category), latent_number(self.share, share))


def beard_colour_block(names: tuple[str, ...], share: Law) -> BeardColourBlock:
    table = FIELDS["beard_colour"].anchors
    return BeardColourBlock(np.array([table[name] for name in names]), circle_choice(len(names)), share)
