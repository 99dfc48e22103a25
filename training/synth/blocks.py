"""Blocks of the un-rotated latent: each turns its own few numbers into one parameter, and back.

What a block draws may depend on the parameters of earlier blocks: then its law or its chances are functions of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .categorical import Choice, circle_choice, simplex_choice
from .distributions import DECIMALS, Law, Uniform, draw_value, latent_number
from .rules import Colour, ParameterTable

_STEPS = 3  # decimals of jitters and shares inside colours: coarse enough to be found again in a rounded colour


Known = Mapping[str, object]  # the parameters of a thing by name, or those that are drawn so far
LawFor = Callable[[Known], Law]


class Block(Protocol):
    """``decode`` gets its latent numbers [size] and the parameters that earlier blocks gave."""

    name: str  # of the parameter
    size: int

    def decode(self, z: np.ndarray, earlier: Known) -> object: ...

    def encode(self, p: Any) -> np.ndarray: ...


@dataclass(frozen=True)
class NumberBlock:
    """One number by one law, or by the law for the thing as it is so far."""

    name: str
    law: Law | LawFor
    size: int = 1

    def decode(self, z: np.ndarray, earlier: Known) -> float:
        return draw_value(_law(self.law, earlier), z[0])

    def encode(self, p: Any) -> np.ndarray:
        return np.array([latent_number(_law(self.law, vars(p)), getattr(p, self.name))])


def _law(law: Law | LawFor, known: Known) -> Law:
    return law(known) if callable(law) else law


ChoiceFor = Callable[[Known], Choice]


def _choice(choice: Choice | ChoiceFor, known: Known) -> Choice:
    return choice if isinstance(choice, Choice) else choice(known)


@dataclass(frozen=True)
class ChoiceBlock:
    """One of the parameter's names."""

    name: str
    values: tuple[str, ...]
    choice: Choice | ChoiceFor

    @property
    def size(self) -> int:
        return len(self.values) - 1

    def decode(self, z: np.ndarray, earlier: Known) -> str:
        return self.values[_choice(self.choice, earlier).pick(z)]

    def encode(self, p: Any) -> np.ndarray:
        return _choice(self.choice, vars(p)).representative(self.values.index(getattr(p, self.name)))


def choice_block(table: ParameterTable, name: str, **priors: float) -> ChoiceBlock:
    """``priors``: the chances of some names; the others share the rest equally."""
    values = table.fields[name].values
    rest = (1 - sum(priors.values())) / max(len(values) - len(priors), 1)
    return ChoiceBlock(name, values, simplex_choice(tuple(priors.get(value, rest) for value in values)))


@dataclass(frozen=True)
class ColourBlock:
    """A named anchor plus a small jitter: ``lightness`` on all channels, ``warmth`` on red against blue (0: none)."""

    name: str
    anchors: np.ndarray
    choice: Choice | ChoiceFor
    lightness: float
    warmth: float = 0.0

    @property
    def size(self) -> int:
        return self._choice_size + 1 + bool(self.warmth)

    @property
    def _choice_size(self) -> int:
        return self.choice.size if isinstance(self.choice, Choice) else len(self.anchors) - 1

    def decode(self, z: np.ndarray, earlier: Known) -> Colour:
        count = self._choice_size
        jitter = [round(draw_value(_JITTER, number), _STEPS) for number in z[count:]]
        colour = self.anchors[_choice(self.choice, earlier).pick(z[:count])] + jitter[0] * self.lightness
        if self.warmth:
            colour = colour + jitter[1] * self.warmth * _WARMER
        return tuple(np.round(colour, DECIMALS).tolist())

    def encode(self, p: Any) -> np.ndarray:
        colour = np.asarray(getattr(p, self.name))
        category = int(np.argmin(np.square(self.anchors - colour).sum(1)))
        offset = colour - self.anchors[category]
        jitter = [offset.mean() / self.lightness]
        if self.warmth:
            jitter.append(offset @ _WARMER / 2 / self.warmth)
        numbers = [latent_number(_JITTER, round(value, _STEPS)) for value in jitter]
        return np.concatenate([_choice(self.choice, vars(p)).representative(category), numbers])


_JITTER = Uniform(-1.0, 1.0)
_WARMER = np.array([1.0, 0.0, -1.0])


def colour_block(
    table: ParameterTable,
    name: str,
    lightness: float,
    warmth: float = 0.0,
    *,
    circle: bool = False,
    choice: ChoiceFor | None = None,
) -> ColourBlock:
    """A colour of the parameter's table; all anchors equally often, or as ``choice`` says."""
    anchors = np.array(list(table.fields[name].anchors.values()))
    even = circle_choice(len(anchors)) if circle else simplex_choice((1.0,) * len(anchors))
    return ColourBlock(name, anchors, choice or even, lightness, warmth)
