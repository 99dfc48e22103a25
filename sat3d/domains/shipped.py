"""What a generator's pictures are of, where its file names a domain that comes with the package."""

from __future__ import annotations

from functools import cache

from .domain import Domain
from .reading import domain_names, load_domain

_OF_PEOPLE = ("face", "head", "synthheads")


@cache
def shipped_domain(name: str) -> Domain | None:
    """The domain of this name; None: none is named, or a user's own."""
    return load_domain(name) if name in domain_names() else None


def shows_people(name: str) -> bool:
    """Whether pictures of this domain may show people; those of no domain, or of a user's own, are taken to."""
    return name in _OF_PEOPLE or shipped_domain(name) is None
