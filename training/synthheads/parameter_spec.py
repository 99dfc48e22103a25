"""What each parameter of a head may be: its range, its names, how it is written on a command line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches

from sat3d.errors import ConfigError

from .actions import ACTION_NAMES, actions_of
from .attributes import (
    BACKDROPS,
    BACKGROUND_COLOURS,
    BEARDS,
    CLOTH_COLOURS,
    EXPRESSIONS,
    FRAME_COLOURS,
    GLASSES,
    HAIR_COLOURS,
    HAIR_STYLES,
    IRIS_COLOURS,
    NECKLINES,
    SHAPE_NAMES,
)
from .parameters import Colour, HeadParameters

LIPSTICK_COLOURS = {
    "red": (0.70, 0.10, 0.18),
    "pink": (0.88, 0.40, 0.55),
    "coral": (0.90, 0.42, 0.32),
    "plum": (0.40, 0.10, 0.26),
    "brown": (0.48, 0.25, 0.19),
}


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


class AncestryRule:
    """Shares of the three ancestral head shapes; scaled to the sum 1."""

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


_SIGNED = NumberRule(-1.0, 1.0)
_SPECIAL = {
    "shape": VectorRule(SHAPE_NAMES, -1.0, 1.0),
    "actions": VectorRule(ACTION_NAMES, 0.0, 1.0),
    "gaze_yaw": _SIGNED,
    "gaze_pitch": _SIGNED,
    "ancestry": AncestryRule(),
    "skin_warmth": _SIGNED,
    "skin_redness": _SIGNED,
    "parting": _SIGNED,
    "hair_style": ChoiceRule(HAIR_STYLES),
    "beard": ChoiceRule(BEARDS),
    "glasses": ChoiceRule(GLASSES),
    "neckline": ChoiceRule(NECKLINES),
    "hair_colour": ColourRule(HAIR_COLOURS),
    "beard_colour": ColourRule(HAIR_COLOURS),
    "iris_colour": ColourRule(IRIS_COLOURS),
    "frame_colour": ColourRule(FRAME_COLOURS),
    "lipstick_colour": ColourRule(LIPSTICK_COLOURS),
    "cloth_colour": ColourRule(CLOTH_COLOURS),
    "backdrop": ChoiceRule(BACKDROPS),
    "background": ColourRule(BACKGROUND_COLOURS),
    "background_second": ColourRule(BACKGROUND_COLOURS),
    "light_yaw_deg": NumberRule(-90.0, 90.0),
    "light_pitch_deg": NumberRule(-20.0, 80.0),
    "light_warmth": _SIGNED,
}
FIELDS = {field.name: _SPECIAL.get(field.name, NumberRule()) for field in fields(HeadParameters)}


EXPRESSION = "expression"  # not a parameter: a name for a point among the actions
_NAMED = {"shape": SHAPE_NAMES, "actions": ACTION_NAMES}  # parameters whose numbers have names
_SHORTHANDS = {EXPRESSION: ChoiceRule(EXPRESSIONS)} | {
    name: NumberRule(FIELDS[parameter].low, FIELDS[parameter].high)
    for parameter, names in _NAMED.items()
    for name in names
}


def rule_of(name: str):
    """The rule of a parameter, of one of its named numbers ("jaw_open"), or of "expression".

    Raises:
        ConfigError: there is no such parameter.
    """
    rule = FIELDS.get(name) or _SHORTHANDS.get(name)
    if rule is None:
        raise ConfigError("There is no such attribute", repr(name), ", ".join(FIELDS), "choose one of these")
    return rule


def change(p: HeadParameters, **values: object) -> HeadParameters:
    """``p`` with some parameters changed.

    Colours may be given by the name of an anchor; ``shape`` and ``actions`` by a mapping of the numbers that change;
    ``expression`` by its name, which replaces all actions.

    Raises:
        ConfigError: an unknown parameter or a value out of range; the message lists what is allowed.
    """
    if EXPRESSION in values:
        p = replace(p, actions=actions_of(rule_of(EXPRESSION).check(EXPRESSION, values.pop(EXPRESSION))))
    for parameter, names in _NAMED.items():
        if isinstance(values.get(parameter), Mapping):
            values[parameter] = dict(zip(names, getattr(p, parameter), strict=True)) | values[parameter]
    return replace(p, **{name: _parameter_rule(name).check(name, value) for name, value in values.items()})


def _parameter_rule(name: str):
    if name in _SHORTHANDS:
        parameter = next(parameter for parameter, names in _NAMED.items() if name in names)
        raise _refuse(parameter, name, f"{parameter}={{{name!r}: …}}")
    return rule_of(name)


def parse_settings(settings: Sequence[str]) -> dict[str, object]:
    """``["hair_style=afro", "jaw_open=0.8", "nose-hump-incr=0.5"]`` -> arguments of :func:`change`.

    Raises:
        ConfigError: no "=", an unknown attribute, a value out of range.
    """
    values: dict[str, object] = {}
    parts: dict[str, dict[str, float]] = {parameter: {} for parameter in _NAMED}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not equals:
            raise ConfigError("Not a setting", repr(setting), "attribute=value", "write for example hair_style=afro")
        key = name if name in SHAPE_NAMES else name.replace("-", "_")
        value = rule_of(key).check(key, rule_of(key).parse(key, text))
        owner = next((parameter for parameter, names in _NAMED.items() if key in names), None)
        if owner:
            parts[owner][key] = value
        else:
            values[key] = value
    for parameter, some in parts.items():
        if some:
            whole = dict(zip(_NAMED[parameter], values.get(parameter, ()), strict=False))
            values[parameter] = whole | some
    return values
