"""The block of the latent that moves the face: a named expression, or a free mixture of actions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from training.synth.categorical import Choice, simplex_choice
from training.synth.distributions import DECIMALS, Law, OftenZero, Signed, Uniform, draw_value, latent_number

from .actions import ACTION_NAMES, actions_of, expression_of
from .attributes import EXPRESSIONS
from .parameters import HeadParameters

_STEPS = 3  # decimals of what is multiplied: coarse enough to be found again in the product
_PURE_STRENGTH = Uniform(0.8, 1.0)
_FREE = len(EXPRESSIONS)  # the category behind the named ones
_MOUTH_SHAPES = ("", "pucker", "funnel", "lips_pressed", "mouth_stretched", "cheeks_puffed")


@dataclass(frozen=True)
class ActionsBlock:
    """``priors``: chances of the named expressions; what is left to 1 is a free mixture.

    Of opposites (smile and frown, brows up and down, lids closed and wide) a mixture has one at a time, of shapes of
    the mouth at most one, since together they could not be told apart. ``corners``: how often and which way mouth
    corners go: negative frowns, positive smiles.
    """

    priors: tuple[float, ...]
    corners: Law = field(default_factory=lambda: Signed(0.35, 0.4))
    name: str = "actions"

    @cached_property
    def choice(self) -> Choice:
        return simplex_choice((*self.priors, 1 - sum(self.priors)))

    @property
    def size(self) -> int:
        return self.choice.size + 1 + _MIXTURE_SIZE

    def decode(self, z: np.ndarray, earlier: Mapping[str, object]) -> tuple[float, ...]:
        count = self.choice.size
        category = self.choice.pick(z[:count])
        if category != _FREE:
            return actions_of(EXPRESSIONS[category], round(draw_value(_PURE_STRENGTH, z[count]), _STEPS))
        strengths = dict.fromkeys(ACTION_NAMES, 0.0)
        numbers = iter(z[count + 1 :])
        for part in self._parts():
            strengths |= part.decode(numbers)
        if strengths["brow_down_left"] or strengths["brow_down_right"]:
            strengths["brows_inner_up"] = 0.0
        return tuple(strengths.values())

    def encode(self, p: HeadParameters) -> np.ndarray:
        name, strength = expression_of(p.actions)
        strength = min(max(round(strength, _STEPS), _PURE_STRENGTH.low), 1.0)
        pure = name is not None and np.allclose(p.actions, actions_of(name, strength), atol=1e-5)
        category = EXPRESSIONS.index(name) if pure else _FREE
        strengths = dict(zip(ACTION_NAMES, p.actions, strict=True))
        mixture = [part.encode(strengths) for part in self._parts()]
        number = latent_number(_PURE_STRENGTH, strength if pure else _PURE_STRENGTH.low)
        return np.concatenate([self.choice.representative(category), [number], *mixture])

    def _parts(self) -> tuple[_Part, ...]:
        return (_Pair("smile", "frown", self.corners), *_PARTS)


@dataclass(frozen=True)
class NamedExpressionBlock:
    """Only named expressions, ``neutral`` with its own chance; what the domain drew before faces could move freely."""

    neutral: float
    name: str = "actions"

    @cached_property
    def choice(self) -> Choice:
        others = len(EXPRESSIONS) - 1
        return simplex_choice((self.neutral, *[(1 - self.neutral) / others] * others))

    @property
    def size(self) -> int:
        return self.choice.size + 1

    def decode(self, z: np.ndarray, earlier: Mapping[str, object]) -> tuple[float, ...]:
        return actions_of(EXPRESSIONS[self.choice.pick(z[:-1])], round(draw_value(_PURE_STRENGTH, z[-1]), _STEPS))

    def encode(self, p: HeadParameters) -> np.ndarray:
        name, strength = expression_of(p.actions)
        category = EXPRESSIONS.index(name or "neutral")
        return np.append(self.choice.representative(category), latent_number(_PURE_STRENGTH, strength))


@dataclass(frozen=True)
class _Single:
    """One action by one law; with ``opposite`` a signed law, whose negative values are the opposite's."""

    action: str
    law: Law
    opposite: str = ""
    size: int = 1

    def decode(self, numbers: Iterator[float]) -> dict[str, float]:
        value = draw_value(self.law, next(numbers))
        if not self.opposite:
            return {self.action: value}
        return {self.action: max(value, 0.0), self.opposite: max(-value, 0.0)}

    def encode(self, strengths: Mapping[str, float]) -> list[float]:
        return [latent_number(self.law, strengths[self.action] - strengths.get(self.opposite, 0.0))]


_UNEVEN = Signed(0.6, 0.5, 0.25)  # positive: the left side is weaker


@dataclass(frozen=True)
class _Pair:
    """An action of both sides, mostly even; with ``opposite`` as in :class:`_Single`."""

    action: str
    opposite: str
    law: Law
    size: int = 2

    def decode(self, numbers: Iterator[float]) -> dict[str, float]:
        value = round(draw_value(self.law, next(numbers)), _STEPS)
        uneven = round(draw_value(_UNEVEN, next(numbers)), _STEPS)
        left, right = (round(abs(value) * (1 - max(side * uneven, 0.0)), DECIMALS) for side in (1, -1))
        own, other = (self.action, self.opposite) if value >= 0 else (self.opposite, self.action)
        found = {f"{own}_left": left, f"{own}_right": right}
        return found | ({f"{other}_left": 0.0, f"{other}_right": 0.0} if other else {})

    def encode(self, strengths: Mapping[str, float]) -> list[float]:
        def sides(action: str) -> tuple[float, float]:
            return (strengths[f"{action}_left"], strengths[f"{action}_right"]) if action else (0.0, 0.0)

        sign = 1.0 if max(sides(self.action)) >= max(sides(self.opposite)) else -1.0
        left, right = sides(self.action if sign > 0 else self.opposite)
        most = max(left, right)
        uneven = (right - left) / most if most else 0.0
        return [latent_number(self.law, round(sign * most, _STEPS)), latent_number(_UNEVEN, round(uneven, _STEPS))]


@dataclass(frozen=True)
class _OneOf:
    """At most one of some actions; "" is none of them."""

    actions: tuple[str, ...]
    choice: Choice
    law: Law

    @property
    def size(self) -> int:
        return self.choice.size + 1

    def decode(self, numbers: Iterator[float]) -> dict[str, float]:
        chosen = self.actions[self.choice.pick(np.array([next(numbers) for _ in range(self.choice.size)]))]
        value = draw_value(self.law, next(numbers))
        return {action: value if action == chosen else 0.0 for action in self.actions if action}

    def encode(self, strengths: Mapping[str, float]) -> list[float]:
        values = [strengths.get(action, 0.0) for action in self.actions]
        category = int(np.argmax(values))
        return [*self.choice.representative(category), latent_number(self.law, values[category])]


_Part = _Single | _Pair | _OneOf


def _sometimes(zero_share: float) -> Law:
    return OftenZero(zero_share, Uniform(0.15, 1.0))


_PARTS: tuple[_Part, ...] = (
    _Single("jaw_open", _sometimes(0.5)),
    _OneOf(_MOUTH_SHAPES, simplex_choice((0.4, 0.15, 0.12, 0.12, 0.12, 0.09)), Uniform(0.3, 1.0)),
    _Single("mouth_right", Signed(0.75), "mouth_left"),
    _Single("upper_lip_up", _sometimes(0.7)),
    _Single("lower_lip_down", _sometimes(0.7)),
    _Single("chin_up", _sometimes(0.8)),
    _Single("nose_wrinkled", _sometimes(0.75)),
    _Single("brows_inner_up", _sometimes(0.7)),
    _Pair("brow_outer_up", "brow_down", Signed(0.45, 0.5)),
    _Pair("lid_closed", "lid_wide", Signed(0.45, 0.4)),
    _Pair("cheek_up", "", _sometimes(0.6)),
)
_MIXTURE_SIZE = 2 + sum(part.size for part in _PARTS)
