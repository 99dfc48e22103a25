"""Range checks of numbers in configurations and options."""

import math
from typing import Any

from .errors import ConfigError


def check_whole(name: str, value: Any, low: int, high: int, next_step: str = "check the file") -> None:
    """Refuse what is not a whole number from ``low`` to ``high``.

    Raises:
        ConfigError: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ConfigError(f"{name} is out of range", value, f"a whole number from {low} to {high}", next_step)


def check_number(name: str, value: Any, low: float, high: float, next_step: str = "check the file") -> None:
    """Refuse what is not a number from ``low`` to ``high``, NaN included.

    Raises:
        ConfigError: it is not.
    """
    if not is_finite_number(value) or not low <= value <= high:
        raise ConfigError(f"{name} is out of range", value, f"a number from {low:g} to {high:g}", next_step)


def is_finite_number(value: Any) -> bool:
    """Whether a value, as JSON may hold it, is a number that a float can be; true and false are none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number of hundreds of digits
        return False
