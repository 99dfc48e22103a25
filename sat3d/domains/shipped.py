"""What a generator's pictures are of, where its file names a domain that comes with the package."""

from __future__ import annotations

from functools import cache

from ..errors import ConfigError
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


def check_describes(domain: Domain, drawn: str) -> None:
    """``drawn``: what a generator draws, by the name of a domain.

    Raises:
        ConfigError: phrases of people, for a generator of something else, which has nothing that they name.
    """
    if shipped_domain(domain.name) is not None and shows_people(domain.name) and not shows_people(drawn):
        raise ConfigError("The phrases of this domain do not describe what the generator draws", domain.name, drawn,
                          f"choose the domain {drawn}, or one of your own")  # fmt: skip
