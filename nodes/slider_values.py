"""Values of sliders as text: JSON, by group or by name alone, of one face or of several."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ..sat3d.checks import is_finite_number
from ..sat3d.errors import ConfigError
from ..sat3d.sliders import Sliders

LONGEST = 1_000_000  # characters
_MOST_FACES, _MOST_NAMES = 1024, 1024
_WANTED = '{"jaw_open": 0.7}, or as Read Face Parameters writes it'
Values = Mapping[str, float] | Sequence[Mapping[str, float]]


def read_values(text: str) -> Values:
    """Name -> value, for all faces; or a list of such, one for each.

    Raises:
        ConfigError: no JSON, or of another form.
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        _refuse(f"{len(text):,} characters" if isinstance(text, str) else text, f"at most {LONGEST:,} characters")
    if not text.strip():
        return {}
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _error(repr(error)[:100], _WANTED) from error
    if isinstance(found, list):
        if len(found) > _MOST_FACES:
            _refuse(f"{len(found)} faces", f"at most {_MOST_FACES}")
        return [_face(each) for each in found]
    return _face(found)


def _face(found: Any) -> dict[str, float]:
    if not isinstance(found, dict):
        _refuse(type(found).__name__, _WANTED)
    values: dict[str, float] = {}
    for name, entry in found.items():
        values |= _group(entry) if isinstance(entry, dict) else {name: _number(name, entry)}
    if len(values) > _MOST_NAMES:
        _refuse(f"{len(values)} sliders", f"at most {_MOST_NAMES}")
    return values


def _group(found: Mapping[str, Any]) -> dict[str, float]:
    return {name: _number(name, value) for name, value in found.items()}


def _number(name: str, value: Any) -> float:
    if not is_finite_number(value):
        _refuse(f"{name[:40]}: {str(value)[:20] if not isinstance(value, int) else 'a huge number'}", "a finite number")
    return float(value)


def write_values(rows: Sequence[Mapping[str, float]], sliders: Sliders) -> str:
    """By group, of one face or of a list of them; :func:`read_values` takes it back."""
    faces = [
        {group: {each.name: row[each.name] for each in own} for group, own in sliders.groups.items()} for row in rows
    ]
    return json.dumps(faces[0] if len(faces) == 1 else faces, indent=1, ensure_ascii=False)


def write_ranges(sliders: Sliders) -> str:
    """For people: every slider with its range, by group."""
    lines = []
    for group, own in sliders.groups.items():
        lines.append(group)
        lines += [f"  {each.name}: {each.low:g} to {each.high:g}{each.unit and ' ' + each.unit}" for each in own]
    return "\n".join(lines)


def beyond_range(values: Values, sliders: Sliders) -> list[str]:
    """The sliders that are asked for more than heads of the generator have."""
    found = []
    for row in [values] if isinstance(values, Mapping) else values:
        for name, value in row.items():
            if name in sliders.names:
                slider = sliders.slider(name)
                found += [name] if not slider.low <= value <= slider.high else []
    return list(dict.fromkeys(found))


def names_in(text: str) -> list[str]:
    """Names of sliders or groups, separated by commas."""
    return [name for part in text.replace("\n", ",").split(",") if (name := part.strip())]


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _refuse(got: object, wanted: str) -> NoReturn:
    raise _error(got, wanted)


def _error(got: object, wanted: str) -> ConfigError:
    return ConfigError("The values of the sliders are not usable", got, wanted, "correct the JSON, or leave it empty")
