"""What a domain is to the framework, and how it is found by name."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

import training
from sat3d.domains import Domain, load_domain
from sat3d.domains import domain_names as described_domains
from sat3d.errors import ConfigError, FileError, Sat3dError

from .cameras import Views
from .learning import Learning
from .population import Population, population_named
from .rules import ParameterTable
from .sheet_hints import SheetHints

if TYPE_CHECKING:
    from .scene import Model


def _nothing(p: Any) -> dict[str, object]:
    return {}


@dataclass(frozen=True, eq=False)
class SynthDomain:
    """A domain of rendered things: a geometry function, a table of parameters, laws and words.

    ``name`` is that of its package under ``training``, whose module ``domain`` holds the one SynthDomain; ``version``
    changes whenever the same parameters give another picture. ``populations``: the laws, the default first; ``views``:
    where cameras stand; ``labels``: what the numbers of label pictures mean, the background first; ``build``: geometry
    and colours; ``caption(p, rng)``: a true sentence; ``attributes_of(p)``: the named truths, of ``attribute_values``;
    ``facts``: what else is told of each view; ``edits``: the parameters of each attribute that can be moved (see
    :mod:`.edits`); ``learning``: what generators are told; ``hints``: how things are best shown.
    """

    name: str
    version: int
    table: ParameterTable
    populations: Mapping[str, Population]
    views: Views
    labels: tuple[str, ...]
    build: Callable[[Any], Model]
    caption: Callable[[Any, np.random.Generator], str]
    attributes_of: Callable[[Any], dict[str, str]]
    attribute_values: Mapping[str, tuple[str, ...]]
    facts: Callable[[Any], dict[str, object]] = _nothing
    edits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    learning: Learning = field(default_factory=Learning)
    hints: SheetHints = field(default_factory=SheetHints)

    @property
    def id(self) -> str:
        """Name and version: what data sets say they are of."""
        return f"{self.name}.{self.version}"

    @property
    def noun(self) -> str:
        return self.table.noun

    @property
    def default(self) -> Any:
        """The thing with the usual value of every parameter."""
        return self.table.kind()

    def population(self, name: str) -> Population:
        """
        Raises:
            ConfigError: there is no such population.
        """
        return population_named(self.populations, name)

    def described(self) -> Domain:
        """Its attributes and phrases: the file of its name in ``sat3d/domains``.

        Raises:
            FileError: there is none. ConfigError: it has the wrong form.
        """
        if self.name not in described_domains():
            file = f"sat3d/domains/{self.name}.json"
            raise FileError(f"The attributes of {self.name} are not described", f"no {file}", "a file of that name",
                            "write it: step 7 of docs/new_domain.md")  # fmt: skip
        return load_domain(self.name)

    def parameters_of(self, document: Mapping, name: str) -> Any:
        """The thing of a document: one with an entry "parameters", or the parameters themselves.

        Raises:
            FileError: they are not the parameters of such a thing.
        """
        try:
            return self.table.from_dict(document.get("parameters", document))
        except Sat3dError as error:
            raise FileError(f"{name} does not hold the parameters of a {self.noun}", error) from error


@cache
def domain_names() -> tuple[str, ...]:
    """The packages under ``training`` that are domains."""
    packages = (entry for entry in pkgutil.iter_modules(training.__path__) if entry.ispkg)
    names = (entry.name for entry in packages)
    return tuple(name for name in names if name != "synth" and _holds_domain(name))


def _holds_domain(name: str) -> bool:
    return any(entry.name == "domain" for entry in pkgutil.iter_modules(f"{path}/{name}" for path in training.__path__))


def find_domain(id_or_name: object) -> SynthDomain:
    """The domain of a name, or of a data set's "name.version" (any version: see :meth:`SynthDomain.id`).

    Raises:
        ConfigError: there is no such domain.
    """
    name = id_or_name.partition(".")[0] if isinstance(id_or_name, str) else ""
    if name not in domain_names():
        wanted = ", ".join(domain_names())
        raise ConfigError("There is no such domain of rendered things", repr(id_or_name), wanted, "choose one of these")
    module = import_module(f"training.{name}.domain")
    return next(value for value in vars(module).values() if isinstance(value, SynthDomain))


def domain_of(thing: object) -> SynthDomain:
    """The domain that a thing, by its parameters, is of."""
    return next(domain for domain in map(find_domain, domain_names()) if isinstance(thing, domain.table.kind))
