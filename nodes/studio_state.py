"""What the studio's editor keeps in its node: JSON, read and checked before anything is done with it.

``{"version": 1, "edits": {"beard": {"intensity": 1.0, "reference": 2}}, "view": {"yaw_deg": 20, "pitch_deg": -5}}``;
all of it may be left out, and a mere number stands for the intensity of an edit by the first reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ..sat3d.errors import ConfigError

VERSION = 1
LEAST, MOST = -2.0, 3.0  # intensity
YAW_DEG, PITCH_DEG = 180.0, 80.0  # at most, to either side
MOST_REFERENCES = 16
LONGEST = 20_000  # characters
_MOST_EDITS, _LONGEST_NAME = 64, 100


@dataclass(frozen=True)
class Change:
    """How much of an attribute is taken from which reference; references are counted from 1."""

    intensity: float
    reference: int = 1


@dataclass(frozen=True)
class StudioState:
    """The edits by attribute, and from where the head is seen, counted from the front."""

    edits: Mapping[str, Change] = field(default_factory=dict)
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0


def read_state(text: str) -> StudioState:
    """
    Raises:
        ConfigError: no JSON, or values outside what the editor can make.
    """
    if not isinstance(text, str) or len(text) > LONGEST:
        _refuse(f"{len(text):,} characters" if isinstance(text, str) else text, f"at most {LONGEST:,} characters")
    if not text.strip():
        return StudioState()
    try:
        found = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _error(repr(error)[:100], 'JSON such as {"edits": {"beard": 1}}') from error
    return check_state(found)


def check_state(found: Any) -> StudioState:
    """The same of what JSON has been read from.

    Raises:
        ConfigError: see :func:`read_state`.
    """
    _check_keys("the state", found, {"version", "edits", "view"})
    if found.get("version", VERSION) != VERSION:
        _refuse(f"version {str(found['version'])[:20]}", f"version {VERSION}", "update the pack")
    edits, view = found.get("edits", {}), found.get("view", {})
    if not isinstance(edits, dict) or len(edits) > _MOST_EDITS:
        _refuse(f"edits {type(edits).__name__}", f"an object of at most {_MOST_EDITS} attributes")
    _check_keys("view", view, {"yaw_deg", "pitch_deg"})
    return StudioState(
        {_name(name): _change(name, entry) for name, entry in edits.items()},
        _number("yaw_deg", view.get("yaw_deg", 0.0), -YAW_DEG, YAW_DEG),
        _number("pitch_deg", view.get("pitch_deg", 0.0), -PITCH_DEG, PITCH_DEG),
    )


def _change(name: str, entry: Any) -> Change:
    if not isinstance(entry, dict):
        return Change(_number(name, entry, LEAST, MOST))
    _check_keys(name, entry, {"intensity", "reference"})
    reference = entry.get("reference", 1)
    if type(reference) is not int or not 1 <= reference <= MOST_REFERENCES:
        _refuse(f"{name}, reference {str(reference)[:20]}", f"a number from 1 to {MOST_REFERENCES}")
    return Change(_number(name, entry.get("intensity", 0.0), LEAST, MOST), reference)


def _name(name: str) -> str:
    if not 0 < len(name) <= _LONGEST_NAME:
        _refuse(f"an attribute with a name of {len(name)} characters", f"1 to {_LONGEST_NAME}")
    return name


def _number(name: str, value: Any, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        _refuse(f"{name} {str(value)[:20]}", f"a number from {least:g} to {most:g}")
    return float(value)


def _check_keys(what: str, found: Any, known: set[str]) -> None:
    if not isinstance(found, dict) or not set(found) <= known:
        got = ", ".join(sorted(found))[:100] if isinstance(found, dict) else type(found).__name__
        _refuse(f"{what}: {got}", f"an object with {', '.join(sorted(known))}")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _refuse(got: object, wanted: str, next_step: str = "reset it in the editor, or correct the JSON") -> NoReturn:
    raise _error(got, wanted, next_step)


def _error(got: object, wanted: str, next_step: str = "reset it in the editor, or correct the JSON") -> ConfigError:
    return ConfigError("The state of the studio is not usable", got, wanted, next_step)
