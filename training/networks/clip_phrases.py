"""What phrases are learned from: the descriptor groups of the domain, which are judged, and further wordings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sat3d.clip.tokenizer import vocabulary_of
from sat3d.domains import Domain, load_domain
from training.networks.targets import UNKNOWN
from training.synth.domain import SynthDomain, domain_of
from training.synth.looks import BACKGROUND_COLOURS
from training.synth.population import Population
from training.synthheads import captions
from training.synthheads.attributes import CLOTH_COLOURS, HAIR_COLOURS
from training.synthheads.domain import HEADS
from training.synthheads.parameter_spec import LIPSTICK_COLOURS
from training.synthheads.parameters import HeadParameters

DOMAIN = load_domain("synthheads")
_WORDINGS_FILE = Path(captions.__file__).with_name("wordings.json")  # attribute.fact -> value -> ways to say it
_HEARD_CAPTIONS = 2000  # of each population, in which every word is said
TEMPLATES = (
    DOMAIN.template,
    "a portrait with {}",
    "a picture of a head with {}",
    "a photo of a face with {}",
    "{}",
)  # the first is judged


@dataclass(frozen=True)
class Choice:
    """One answer of a group: the ``values`` of the truth it is right for, and ``ways`` to say it, the first judged."""

    values: tuple[str, ...]
    ways: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Choices about the truth ``fact``; a head whose value is in none of them does not count here."""

    attribute: str
    name: str
    fact: str
    choices: tuple[Choice, ...]

    @property
    def answers(self) -> tuple[str, ...]:
        return tuple(choice.ways[0] for choice in self.choices)

    def index_of(self, value: str) -> int:
        """Which choice is right for a value of ``fact``; UNKNOWN for none."""
        return next((i for i, choice in enumerate(self.choices) if value in choice.values), UNKNOWN)


def _each(names: Iterable[str], *patterns: str) -> dict[str, tuple[str, ...]]:
    words = {"sky": "sky-blue", "sage": "sage-green", "brick": "brick-red", "sand": "sand-coloured"}
    return {name: tuple(pattern.format(words.get(name, name)) for pattern in patterns) for name in names}


def _read_wordings() -> dict[tuple[str, str], Mapping[str, Sequence[str]]]:
    """All values of a truth against each other, in several wordings: learned from, beside the domain's own groups."""
    table = json.loads(_WORDINGS_FILE.read_text(encoding="utf-8"))
    wordings = {tuple(key.split(".")): choices for key, choices in table.items()}
    wordings["make_up", "lipstick"] |= _each(LIPSTICK_COLOURS, "{} lipstick", "lips painted {}")
    wordings["background", "background"] = _each(BACKGROUND_COLOURS, "a {} background", "a {} backdrop")
    return wordings


def _judged(domain: Domain) -> tuple[Group, ...]:
    """The groups of a domain's file."""
    return tuple(
        Group(group.attribute, group.name, group.truth, tuple(
            Choice(values, (phrase,)) for phrase, values in zip(group.phrases, group.values, strict=True)
        ))
        for group in domain
    )  # fmt: skip


JUDGED = _judged(DOMAIN)
GROUPS = JUDGED + tuple(
    Group(attribute, f"every {fact}", fact, tuple(Choice((value,), tuple(ways)) for value, ways in wordings.items()))
    for (attribute, fact), wordings in _read_wordings().items()
)


@dataclass(frozen=True, eq=False)
class PhraseBook:
    """Everything that the image-text model of a domain is told in words: ``judged`` groups, all ``groups`` that are
    learned from, ``templates`` (the first is judged) and the ``vocabulary``."""

    domain: SynthDomain
    judged: tuple[Group, ...]
    groups: tuple[Group, ...]
    templates: tuple[str, ...]
    vocabulary: tuple[str, ...]

    def targets(self, things: Iterable[Any], groups: Iterable[Group]) -> Tensor:
        """``[N, G]`` int64: the number of the true choice in each group, ``UNKNOWN`` where none is true or visible."""
        groups = tuple(groups)
        told = map(self.domain.attributes_of, things)
        rows = [[group.index_of(truths[group.fact]) for group in groups] for truths in told]
        return torch.tensor(rows, dtype=torch.int64).reshape(-1, len(groups))

    def judged_texts(self, group: Group) -> list[str]:
        """One text a choice, as the domain says it."""
        return [self.templates[0].format(answer) for answer in group.answers]


@cache
def book_of(domain: SynthDomain) -> PhraseBook:
    """The phrases of a domain: heads have wordings of their own, others those of ``sat3d/domains`` and of captions."""
    if domain is HEADS:
        return HEADS_BOOK
    file, rng = domain.described(), np.random.default_rng(0)
    groups, templates = _judged(file), (file.template, "{}")
    said = (domain.caption(p, rng) for people in domain.populations.values() for p in _drawn(people))
    answers = [answer for group in groups for answer in group.answers]
    return PhraseBook(domain, groups, groups, templates, vocabulary_of([*said, *answers, *templates]))


def _drawn(people: Population) -> Iterator[Any]:
    return (people.draw(0, index) for index in range(_HEARD_CAPTIONS))


def book_for(things: Sequence[Any]) -> PhraseBook:
    """That of the domain which the things are of."""
    return book_of(domain_of(things[0]))


def targets(people: Iterable[HeadParameters], groups: Iterable[Group] = GROUPS) -> Tensor:
    """:meth:`PhraseBook.targets` of heads."""
    return HEADS_BOOK.targets(people, groups)


def judged_texts(group: Group) -> list[str]:
    """:meth:`PhraseBook.judged_texts` of heads."""
    return HEADS_BOOK.judged_texts(group)


# What the captions' grammar puts between its phrases, and a few words that users put there.
_JOINING = "a an and the with without no or wearing in front of against skin eyes lipstick lips painted"


def vocabulary() -> tuple[str, ...]:
    """Every word that a caption of the domain or a phrase can hold."""
    texts = [text for name, value in vars(captions).items() if not name.startswith("__") for text in _strings(value)]
    texts += [way for group in GROUPS for choice in group.choices for way in choice.ways]
    colours = _each((*HAIR_COLOURS, *BACKGROUND_COLOURS, *CLOTH_COLOURS), "{}").values()
    return vocabulary_of([*texts, *TEMPLATES, *(text for part in colours for text in part), _JOINING])


def _strings(value: object) -> Iterator[str]:
    """The texts in nested tables, without the names of their fields."""
    if isinstance(value, str):
        for field in ("colour", "noun", "parting", "volume", "length"):
            value = value.replace("{" + field + "}", " ")
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _strings(part)
    elif isinstance(value, Mapping):
        yield from _strings([*value.keys(), *value.values()])


HEADS_BOOK = PhraseBook(HEADS, JUDGED, GROUPS, TEMPLATES, vocabulary())
