"""Blocks of the un-rotated latent: each turns its own few numbers into one or more parameters, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .attributes import SHAPE_NAMES
from .categorical import Choice, circle_choice, simplex_choice, simplex_directions
from .distributions import DECIMALS, Law, Uniform, draw_value, latent_number
from .parameter_spec import FIELDS
from .parameters import Colour, HeadParameters

BEARD_DARKNESS = 0.85  # beards are a little darker than the hair of the same person
_STEPS = 3  # decimals of jitters and shares inside colours: coarse enough to be found again in a rounded colour


class Block(Protocol):
    """``decode`` gets its latent numbers [size] and the parameters that earlier blocks gave."""

    name: str  # of the parameter
    size: int

    def decode(self, z: np.ndarray, earlier: Mapping[str, object]) -> object: ...

    def encode(self, p: HeadParameters) -> np.ndarray: ...


@dataclass(frozen=True)
class NumberBlock:
    """One number by one law."""

    name: str
    law: Law
    size: int = 1

    def decode(self, z: np.ndarray, earlier: Mapping[str, object]) -> float:
        return draw_value(self.law, z[0])

    def encode(self, p: HeadParameters) -> np.ndarray:
        return np.array([latent_number(self.law, getattr(p, self.name))])


@dataclass(frozen=True)
class ShapeBlock:
    """All shape values, each by the same law."""

    law: Law
    name: str = "shape"
    size: int = len(SHAPE_NAMES)

    def decode(self, z: np.ndarray, earlier: Mapping[str, object]) -> tuple[float, ...]:
        return tuple(draw_value(self.law, number) for number in z)

    def encode(self, p: HeadParameters) -> np.ndarray:
        return np.array([latent_number(self.law, value) for value in p.shape])


@dataclass(frozen=True)
class AncestryBlock:
    """Three shares by a softmax of two numbers; ``spread`` 0 gives thirds, large values pure shapes."""

    spread: float
    name: str = "ancestry"
    size: int = 2

    def decode(self, z: np.ndarray, earlier: Mapping[str, object]) -> Colour:
        weights = np.exp(self.spread * (simplex_directions(3) @ z))
        first, second, _ = np.round(weights / weights.sum(), DECIMALS).tolist()
        return first, second, max(round(1 - first - second, DECIMALS), 0.0)

    def encode(self, p: HeadParameters) -> np.ndarray:
        # Shares that were rounded to zero come back as something that rounds to zero again.
        return simplex_directions(3).T @ np.log(np.maximum(p.ancestry, 2e-7)) / self.spread


@dataclass(frozen=True)
class ChoiceBlock:
    """One of the field's names; ``priors`` name the chances of some, the others share the rest equally."""

    name: str
    values: tuple[str, ...]
    choice: Choice

    @property
    def size(self) -> int:
        return self.choice.size

    def decode(self, z: np.ndarray, earlier: Mapping[str, object]) -> str:
        return self.values[self.choice.pick(z)]

    def encode(self, p: HeadParameters) -> np.ndarray:
        return self.choice.representative(self.values.index(getattr(p, self.name)))


def choice_block(name: str, **priors: float) -> ChoiceBlock:
    values = FIELDS[name].values
    rest = (1 - sum(priors.values())) / (len(values) - len(priors))
    return ChoiceBlock(name, values, simplex_choice(tuple(priors.get(value, rest) for value in values)))


@dataclass(frozen=True)
class ColourBlock:
    """A named anchor plus a small jitter: ``lightness`` on all channels, ``warmth`` on red against blue (0: none)."""

    name: str
    anchors: np.ndarray
    choice: Choice
    lightness: float
    warmth: float = 0.0

    @property
    def size(self) -> int:
        return self.choice.size + 1 + bool(self.warmth)

    def decode(self, z: np.ndarray, earlier: Mapping[str, object]) -> Colour:
        jitter = [round(draw_value(_JITTER, number), _STEPS) for number in z[self.choice.size :]]
        colour = self.anchors[self.choice.pick(z[: self.choice.size])] + jitter[0] * self.lightness
        if self.warmth:
            colour = colour + jitter[1] * self.warmth * _WARMER
        return tuple(np.round(colour, DECIMALS).tolist())

    def encode(self, p: HeadParameters) -> np.ndarray:
        colour = np.asarray(getattr(p, self.name))
        category = int(np.argmin(np.square(self.anchors - colour).sum(1)))
        offset = colour - self.anchors[category]
        jitter = [offset.mean() / self.lightness]
        if self.warmth:
            jitter.append(offset @ _WARMER / 2 / self.warmth)
        numbers = [latent_number(_JITTER, round(value, _STEPS)) for value in jitter]
        return np.concatenate([self.choice.representative(category), numbers])


_JITTER = Uniform(-1.0, 1.0)
_WARMER = np.array([1.0, 0.0, -1.0])


def colour_block(name: str, lightness: float, warmth: float = 0.0, *, circle: bool = False) -> ColourBlock:
    """A colour of the field's table, all anchors equally often."""
    anchors = np.array(list(FIELDS[name].anchors.values()))
    choice = circle_choice(len(anchors)) if circle else simplex_choice((1.0,) * len(anchors))
    return ColourBlock(name, anchors, choice, lightness, warmth)


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

    def decode(self, z: np.ndarray, earlier: Mapping[str, object]) -> Colour:
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
