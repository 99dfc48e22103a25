"""What each parameter of a thing may be: its range, its names, how it is written on a command line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from sat3d.errors import ConfigError, FileError

Colour = tuple[float, float, float]


def _refuse(name: str, got: object, wanted: object) -> ConfigError:
    return ConfigError(f"Not a value for {name}", repr(got), wanted, "choose one of these")


def _numbers(name: str, value: object, count: int, wanted: str) -> tuple[float, ...]:
    """``value`` (a sequence or an array) as ``count`` finite floats, or a refusal."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence) or len(value) != count:
        raise _refuse(name, value, wanted)
    return tuple(_number(name, item, wanted) for item in value)


def _number(name: str, value: object, wanted: str) -> float:
    try:
        number = math.nan if isinstance(value, str | bytes | bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise _refuse(name, value, wanted)
    return number


def _parse_numbers(name: str, text: str, wanted: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise _refuse(name, text, wanted) from None


@dataclass(frozen=True)
class NumberRule:
    """A number from ``low`` to ``high``."""

    low: float = 0.0
    high: float = 1.0

    @property
    def wanted(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"

    def check(self, name: str, value: object) -> float:
        number = _number(name, value, self.wanted)
        if not self.low <= number <= self.high:
            raise _refuse(name, value, self.wanted)
        return number

    def parse(self, name: str, text: str) -> float:
        numbers = _parse_numbers(name, text, self.wanted)
        return numbers[0] if len(numbers) == 1 else text


@dataclass(frozen=True)
class ChoiceRule:
    """One of some names."""

    values: tuple[str, ...]

    @property
    def wanted(self) -> str:
        return ", ".join(self.values)

    def check(self, name: str, value: object) -> str:
        if not isinstance(value, str) or value not in self.values:
            raise _refuse(name, value, self.wanted)
        return value

    def parse(self, name: str, text: str) -> str:
        return text


@dataclass(frozen=True)
class ColourRule:
    """An sRGB colour, 0..1, or the name of an anchor of its table."""

    anchors: Mapping[str, Colour]

    @property
    def wanted(self) -> str:
        return f"red,green,blue as three numbers 0..1, or one of: {', '.join(self.anchors)}"

    def check(self, name: str, value: object) -> Colour:
        if isinstance(value, str) and value in self.anchors:
            return self.anchors[value]
        colour = _numbers(name, value, 3, self.wanted)
        if not all(0 <= channel <= 1 for channel in colour):
            raise _refuse(name, value, self.wanted)
        return colour

    def parse(self, name: str, text: str) -> object:
        return text if text in self.anchors else _parse_numbers(name, text, self.wanted)


class SharesRule:
    """Three shares of a whole; scaled to the sum 1."""

    wanted = "three shares, none negative, not all zero"

    def check(self, name: str, value: object) -> Colour:
        shares = _numbers(name, value, 3, self.wanted)
        total = sum(shares)
        if min(shares) < 0 or not 0 < total < math.inf:
            raise _refuse(name, value, self.wanted)
        return shares if abs(total - 1) < 1e-9 else tuple(share / total for share in shares)

    def parse(self, name: str, text: str) -> list[float]:
        return _parse_numbers(name, text, self.wanted)


@dataclass(frozen=True)
class VectorRule:
    """Numbers from ``low`` to ``high`` with names: all in order, or a mapping of some names (the others 0)."""

    names: tuple[str, ...]
    low: float
    high: float

    @property
    def wanted(self) -> str:
        return f"{len(self.names)} numbers from {self.low:g} to {self.high:g}, or some of: {', '.join(self.names)}"

    def check(self, name: str, value: object) -> tuple[float, ...]:
        if isinstance(value, Mapping):
            if unknown := [key for key in value if key not in self.names]:
                near = get_close_matches(str(unknown[0]), self.names, n=8, cutoff=0.3)
                raise _refuse(name, unknown[0], ", ".join(near) or self.wanted)
            value = [value.get(key, 0.0) for key in self.names]
        numbers = _numbers(name, value, len(self.names), self.wanted)
        if outside := [number for number in numbers if not self.low <= number <= self.high]:
            raise _refuse(name, outside[0], f"{self.low:g} to {self.high:g} each")
        return numbers

    def parse(self, name: str, text: str) -> list[float]:
        return _parse_numbers(name, text, self.wanted)


@dataclass(frozen=True)
class Shorthand:
    """A name for points of a parameter: ``expression=smile`` is a whole vector of ``actions``."""

    parameter: str
    rule: ChoiceRule
    point: Callable[[str], object]


@dataclass(frozen=True)
class ParameterTable:
    """All parameters of a domain.

    ``kind``: the frozen dataclass of one thing, whose fields are the parameters and whose defaults are its usual
    values; ``special``: rules of those that are not just numbers 0..1; ``named``: parameters that are vectors, and the
    names of their numbers; ``shorthands`` by name; ``example`` of a setting, for messages; ``noun``: what a thing is.
    """

    kind: type
    special: Mapping[str, Any]
    noun: str
    example: str
    named: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shorthands: Mapping[str, Shorthand] = field(default_factory=dict)

    @cached_property
    def fields(self) -> dict[str, Any]:
        """Every parameter's rule, in the order of ``kind``."""
        return {entry.name: self.special.get(entry.name, NumberRule()) for entry in fields(self.kind)}

    @cached_property
    def _parts(self) -> dict[str, NumberRule]:
        """Single numbers of the named vectors."""
        rules = {parameter: self.fields[parameter] for parameter in self.named}
        return {
            name: NumberRule(rules[parameter].low, rules[parameter].high)
            for parameter, names in self.named.items()
            for name in names
        }

    def rule_of(self, name: str):
        """The rule of a parameter, of one of its named numbers ("jaw_open"), or of a shorthand ("expression").

        Raises:
            ConfigError: there is no such parameter.
        """
        short = self.shorthands.get(name)
        rule = self.fields.get(name) or (short.rule if short else self._parts.get(name))
        if rule is None:
            known = ", ".join(self.fields)
            raise ConfigError("There is no such attribute", repr(name), known, "choose one of these")
        return rule

    def change(self, p: Any, **values: object) -> Any:
        """``p`` with some parameters changed.

        Colours may be given by the name of an anchor; named vectors by a mapping of the numbers that change; a
        shorthand by its name, which replaces its parameter.

        Raises:
            ConfigError: an unknown parameter or a value out of range; the message lists what is allowed.
        """
        for name, short in self.shorthands.items():
            if name in values:
                point = short.point(short.rule.check(name, values.pop(name)))
                p = replace(p, **{short.parameter: point})
        for parameter, names in self.named.items():
            if isinstance(values.get(parameter), Mapping):
                values[parameter] = dict(zip(names, getattr(p, parameter), strict=True)) | values[parameter]
        return replace(p, **{name: self._parameter_rule(name).check(name, value) for name, value in values.items()})

    def _parameter_rule(self, name: str):
        if name in self._parts:
            parameter = self._owner(name)
            raise _refuse(parameter, name, f"{parameter}={{{name!r}: …}}")
        return self.rule_of(name)

    def _owner(self, part: str) -> str | None:
        """The vector that a named number belongs to."""
        return next((parameter for parameter, names in self.named.items() if part in names), None)

    def parse_settings(self, settings: Sequence[str]) -> dict[str, object]:
        """``["hair_style=afro", "jaw_open=0.8", "nose-hump-incr=0.5"]`` -> arguments of :meth:`change`.

        Raises:
            ConfigError: no "=", an unknown attribute, a value out of range.
        """
        values: dict[str, object] = {}
        parts: dict[str, dict[str, float]] = {parameter: {} for parameter in self.named}
        for setting in settings:
            name, equals, text = (part.strip() for part in setting.partition("="))
            if not equals:
                help_ = f"write for example {self.example}"
                raise ConfigError("Not a setting", repr(setting), "attribute=value", help_)
            key = name if name in self._parts else name.replace("-", "_")
            value = self.rule_of(key).check(key, self.rule_of(key).parse(key, text))
            if owner := self._owner(key):
                parts[owner][key] = value
            else:
                values[key] = value
        for parameter, some in parts.items():
            if some:
                whole = dict(zip(self.named[parameter], values.get(parameter, ()), strict=False))
                values[parameter] = whole | some
        return values

    def from_dict(self, values: object) -> Any:
        """The thing of :func:`.serialise.to_dict`; what is missing has its default.

        Raises:
            ConfigError: an unknown parameter or a value out of range.
            FileError: not a dictionary, or an empty one.
        """
        if not isinstance(values, Mapping) or not values:
            wanted = f"an object with {', '.join(self.fields)}"
            raise FileError(f"Not the parameters of a {self.noun}", repr(values)[:80], wanted)
        return self.kind(**{name: self.rule_of(name).check(name, value) for name, value in values.items()})
