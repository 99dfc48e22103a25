"""What counts as an attribute that has arrived, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from training.synthheads.edits import true_edit
from training.synthheads.labels import HIDDEN, OTHER, attributes_of
from training.synthheads.parameters import HeadParameters


@dataclass(frozen=True)
class Scored:
    """One attribute, in the names of the attribute reader.

    ``primary``: categories that must all be as in the reference (or, where the attribute is to be kept, as in the
    source). ``secondary``: categories that are reported and decide nothing. Numbers are in :mod:`.specifics`; what of
    a head belongs to the attribute, in :mod:`training.synthheads.edits`.
    """

    primary: tuple[str, ...]
    secondary: tuple[str, ...] = ()


SCORED: Mapping[str, Scored] = MappingProxyType(
    {
        "hairstyle": Scored(("hair_style",), ("parting",)),
        "hair_colour": Scored(("hair_colour",)),
        "eye_region": Scored(("iris_colour", "eye_shadow")),
        "expression": Scored(("expression",)),
        "beard": Scored(("beard",), ("beard_colour",)),
        "eyeglasses": Scored(("glasses",), ("frame_colour",)),
    }
)


def can_be_judged(source: HeadParameters, reference: HeadParameters, attribute: str) -> bool:
    """Whether the two differ in the attribute, both can be named, and the edited head would show it.

    Not so: an eye colour behind dark lenses, the hair colour of a bald head, a colour between two names.
    """
    own, theirs = named(attributes_of(source), attribute), named(attributes_of(reference), attribute)
    if None in (own, theirs) or own == theirs:
        return False
    return named(attributes_of(true_edit(source, reference, attribute)), attribute) == theirs


def kept_attributes(source: HeadParameters, reference: HeadParameters, attribute: str) -> list[str]:
    """The other attributes that a perfect transfer leaves as they were, and that can be seen and named.

    Dark lenses hide the eyes, and the hair of a head that was bald has a colour that nobody asked for.
    """
    before, after = attributes_of(source), attributes_of(true_edit(source, reference, attribute))
    others = [name for name in SCORED if name != attribute]
    return [name for name in others if (own := named(before, name)) is not None and own == named(after, name)]


def named(truths: Mapping[str, str], attribute: str) -> tuple[str, ...] | None:
    """What is true of a head, in the primary categories; None if one is hidden or between two names."""
    values = tuple(truths[name] for name in SCORED[attribute].primary)
    return None if HIDDEN in values or OTHER in values else values
