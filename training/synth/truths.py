"""From numbers to words: steps of a scale, and the name of a colour where it has one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .rules import Colour

NONE, HIDDEN, OTHER = "none", "hidden", "other"  # nothing to name; cannot be seen; between two names
_UNAMBIGUOUS = 0.75  # a colour has a name if the next anchor is this much farther away


def colour_name(colour: Colour, anchors: Mapping[str, Colour]) -> str:
    """The nearest anchor's name, or "other" where two are about as near."""
    distance = np.linalg.norm(np.array(list(anchors.values())) - np.asarray(colour), axis=1)
    nearest, second = np.argsort(distance, kind="stable")[:2]
    return list(anchors)[nearest] if distance[nearest] <= _UNAMBIGUOUS * distance[second] else OTHER


def step(steps: tuple[tuple[str, float], ...], value: float) -> str:
    """The first name whose upper end is not below ``value``."""
    return next(name for name, upper in steps if value <= upper)
