"""Refusals that all configs share."""

from typing import Any

from ..errors import ConfigError

MAX_RESOLUTION = 4096
MAX_CHANNELS = 16384
MAX_SAMPLES = 1024


def check_range(name: str, value: Any, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ConfigError(
            f"{name} is out of range", value, f"an integer from {low} to {high}", "check the network's configuration"
        )


def check_resolution(name: str, value: Any) -> None:
    check_range(name, value, 4, MAX_RESOLUTION)
    if value & (value - 1):
        raise ConfigError(f"{name} is not a power of two", value, "4, 8, 16, …", "check the network's configuration")


def check_choice(name: str, value: Any, choices: tuple) -> None:
    if value not in choices:
        raise ConfigError(f"{name} is unknown", value, choices, "check the network's configuration")


def check_number(name: str, value: Any, low: float, high: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise ConfigError(
            f"{name} is out of range", value, f"a number from {low} to {high}", "check the network's configuration"
        )
