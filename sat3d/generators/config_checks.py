"""Checks that all configs of generators share."""

import math
from functools import partial
from typing import Any

from .. import checks
from ..errors import ConfigError

MAX_RESOLUTION = 4096
MAX_CHANNELS = 16384
MAX_SAMPLES = 1024

check_range = partial(checks.check_whole, next_step="check the network's configuration")
check_number = partial(checks.check_number, next_step="check the network's configuration")


def check_resolution(name: str, value: Any) -> None:
    check_range(name, value, 4, MAX_RESOLUTION)
    if value & (value - 1):
        raise ConfigError(f"{name} is not a power of two", value, "4, 8, 16, …", "check the network's configuration")


def check_channels(channels: Any, blocks: int) -> None:
    """None listed, or as many as there are blocks."""
    if len(channels) not in (0, blocks):
        raise ConfigError(
            "channels do not fit the resolution", channels, f"{blocks} numbers, or none", "check the config"
        )
    for number in channels:
        check_range("channels", number, 1, MAX_CHANNELS)


def check_choice(name: str, value: Any, choices: tuple) -> None:
    if value not in choices:
        raise ConfigError(f"{name} is unknown", value, choices, "check the network's configuration")


def check_flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise ConfigError(f"{name} is neither true nor false", value, "true or false", "check the config")


def check_clamp(value: Any) -> None:
    if value is not None:
        check_number("conv_clamp", value, 1e-6, 1e9)


def check_axes(axes: Any) -> None:
    """Three numbers per axis, three axes per plane, one plane or more, and each plane's matrix has an inverse."""
    rows = [row for plane in axes for row in plane]
    if not axes or any(len(plane) != 3 for plane in axes) or any(len(row) != 3 for row in rows):
        raise ConfigError("plane_axes are not planes of three axes", axes, "3 × 3 numbers each", "check the config")
    for number in (number for row in rows for number in row):
        check_number("plane_axes", number, -1e6, 1e6)
    if any(abs(_determinant(plane)) < 1e-6 for plane in axes):
        raise ConfigError("plane_axes cannot be inverted", axes, "three independent axes per plane", "check the config")


def _determinant(m: Any) -> float:
    return sum(m[0][i] * (m[1][i - 2] * m[2][i - 1] - m[1][i - 1] * m[2][i - 2]) for i in range(3))


def check_orbit(radius: Any, pivot: Any) -> None:
    """A camera's sphere about the origin, and a point inside of it to look at."""
    check_number("avg_camera_radius", radius, 1e-3, 1e6)
    if len(pivot) != 3:
        raise ConfigError("avg_camera_pivot is not a point", pivot, "three numbers", "check the config")
    for number in pivot:
        check_number("avg_camera_pivot", number, -1e6, 1e6)
    if math.hypot(*pivot) >= radius:
        raise ConfigError(
            "The cameras look away from the head",
            f"avg_camera_pivot {pivot}, avg_camera_radius {radius}",
            "a pivot nearer to the origin than the cameras are",
            "check rendering_kwargs",
        )
