"""Domains, kinds of pictures with their attributes: those of the pack, then a user's own."""

from ..sat3d.domains import SCHEMA, Domain, domain_names, load_domain
from .library import Library

HEADS = "synthheads"
LIBRARY = Library("sat3d_domains", SCHEMA, "domains", "a .json file like those in sat3d/domains", extensions=(".json",))


def list_domains() -> list[str]:
    """What a combo lists: the built-in heads first."""
    own = [entry for entry in LIBRARY.own_files() if entry.lower().endswith(".json")]
    return [*sorted(domain_names(), key=lambda name: (name != HEADS, name)), *own]


def check(entry: str) -> bool | str:
    """For ``validate_inputs``; an entry that comes by a wire is not known yet, hence empty."""
    return True if entry in domain_names() else LIBRARY.check(entry)


def read(entry: str) -> Domain:
    """
    Raises:
        FileError: no such domain. ConfigError: its file has the wrong form.
    """
    return load_domain(entry if entry in domain_names() else LIBRARY.path(entry))


def stamp(entry: str) -> str:
    """Changes when the file does."""
    return entry if entry in domain_names() else LIBRARY.stamp(entry)
