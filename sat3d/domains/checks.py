"""Checks of the pieces of a domain file; every message says where and what."""

import math
import re
import reprlib
from collections.abc import Sequence
from typing import Any

from ..errors import ConfigError
from ..texts import fold

HELP = "compare it with sat3d/domains/synthheads.json"
LONGEST_TEXT = 300
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MOST = {"kept": 64, "attributes": 64, "groups": 32, "phrases": 32, "values": 64, "parts": 16, "labels": 64}


def name(content: Any, where: str) -> str:
    if not isinstance(content, str) or not _NAME.fullmatch(content):
        raise wrong(where, content, "a name of a-z, 0-9 and _ that starts with a letter, at most 40 long")
    return content


def text(content: Any, where: str, longest: int = LONGEST_TEXT) -> str:
    good = isinstance(content, str) and 0 < len(content) <= longest
    if not good or not content.isprintable() or content != content.strip():
        raise wrong(where, content, f"printable text, 1 to {longest} characters, no space at the ends")
    return content


def sized(content: Any, kind: type, what: str, where: str, least: int) -> Any:
    """``content`` if it is a list or an object of a reasonable length."""
    if not isinstance(content, kind) or not least <= len(content) <= _MOST[what]:
        form = "an object" if kind is dict else "a list"
        raise wrong(where, content, f"{form} of {least} to {_MOST[what]} {what}")
    return content


def number(content: Any, where: str, low: float, high: float) -> float:
    """A finite number from ``low`` to ``high``."""
    if not is_number(content) or not low <= content <= high:
        raise wrong(where, content, f"a number from {low:g} to {high:g}")
    return float(content)


def interval(content: Any, where: str, low: float, high: float) -> tuple[float, float]:
    """Two numbers within ``low`` … ``high``, the first not above the second."""
    if not isinstance(content, list) or len(content) != 2:
        raise wrong(where, content, f"two numbers [from, to] within {low:g} … {high:g}")
    first, last = (number(value, where, low, high) for value in content)
    if first > last:
        raise wrong(where, content, "[from, to] with the smaller number first")
    return first, last


def is_number(content: Any) -> bool:
    # bool is a kind of int; a whole number of thousands of digits is no float.
    if isinstance(content, bool) or not isinstance(content, (int, float)):
        return False
    return abs(content) < 1 << 60 and math.isfinite(content)


def distinct(texts: Sequence[str], where: str) -> None:
    """Refuse two that look alike: without a model, no more can be known of what they mean."""
    seen: dict[str, str] = {}
    for item in texts:
        form = fold(item)
        if form in seen:
            raise ConfigError(
                "Two alternatives of the domain file are one and the same",
                f"{where}: {brief([seen[form], item])}",
                "a difference in more than capitals, spaces or how characters are encoded",
                "say one of the two with other words, or leave it out",
            )
        seen[form] = item


def keys(content: Any, required: set[str], optional: set[str], where: str) -> None:
    """Refuse what is no object with these keys."""
    if not isinstance(content, dict):
        raise wrong(where, content, f"an object with the keys {sorted(required | optional)}")
    missing, unknown = sorted(required - content.keys()), sorted(content.keys() - required - optional)
    if missing or unknown:
        raise wrong(where, f"missing {missing}, unknown {unknown}", f"the keys {sorted(required | optional)}")


def wrong(where: str, got: Any, wanted: str) -> ConfigError:
    return ConfigError("The domain file has the wrong form", f"{where}: {brief(got)}", wanted, HELP)


def brief(content: Any) -> str:
    # Not repr: content that is nested deeply exhausts the stack.
    shortener = reprlib.Repr()
    shortener.maxstring, shortener.maxlevel = LONGEST_TEXT, 3
    return shortener.repr(content)
