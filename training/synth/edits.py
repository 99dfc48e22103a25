"""True edits in any domain: the thing that has all parameters of an attribute from another, and nothing besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sat3d.errors import ConfigError


def values_of(edits: Mapping[str, tuple[str, ...]], thing: Any, attribute: str) -> dict[str, object]:
    """The attribute's parameters of a thing, by name; ``edits``: attribute -> its parameters.

    Raises:
        ConfigError: there is no such attribute.
    """
    if attribute not in edits:
        raise ConfigError("There is no such attribute", repr(attribute), ", ".join(edits), "choose one of these")
    return {name: getattr(thing, name) for name in edits[attribute]}


def true_edit(edits: Mapping[str, tuple[str, ...]], source: Any, reference: Any, attribute: str) -> Any:
    """The thing that a perfect transfer makes: the source with the attribute of the reference.

    Raises:
        ConfigError: there is no such attribute.
    """
    return replace(source, **values_of(edits, reference, attribute))
