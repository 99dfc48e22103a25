"""Who gives what to whom: people of the domain, and random (source, reference, attribute) triples of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from sat3d.errors import ConfigError
from training.networks.coded_heads import Coder
from training.synth.streams import SEED_LIMIT
from training.synth.truths import HIDDEN, OTHER
from training.synthheads.edits import true_edit
from training.synthheads.labels import attributes_of
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


FEWEST_PEOPLE = 32


@dataclass(frozen=True)
class People:
    """P people of the domain, and their codes in a generator. ``latents``: z of each, if the generator's z is the
    population's latent."""

    parameters: list[HeadParameters]
    truths: list[dict[str, str]]
    w: Tensor  # [P, w_dim]
    styles: Tensor  # [P, S]
    latents: Tensor | None = None  # [P, Z]

    def __len__(self) -> int:
        return len(self.parameters)


def draw_people(coder: Coder, seed: int, count: int) -> People:
    """``count`` people of a seed (any whole number)."""
    heads = coder.draw(seed % SEED_LIMIT, range(count))
    truths = [attributes_of(p) for p in heads.parameters]
    return People(heads.parameters, truths, heads.w, heads.styles, heads.latents)


@dataclass(frozen=True)
class Cases:
    """N transfers of one attribute. ``kept [N, m]``: which attributes, in the order of ``SCORED``, must stay."""

    attribute: str
    source: Tensor  # [N] numbers of people
    reference: Tensor  # [N]
    kept: Tensor  # bool

    def __len__(self) -> int:
        return len(self.source)

    def select(self, index: Tensor | slice) -> Cases:
        return Cases(self.attribute, self.source[index], self.reference[index], self.kept[index])


def draw_cases(people: People, seed: int, count: int, attributes: tuple[str, ...] = tuple(SCORED)) -> dict[str, Cases]:
    """``count`` triples in all, shared evenly among the attributes; the two people differ in the attribute.

    Raises:
        ConfigError: too few people to find so many.
    """
    shares = [len(range(i, count, len(attributes))) for i in range(len(attributes))]
    return {name: _draw(people, seed, name, n) for name, n in zip(attributes, shares, strict=True)}


def _draw(people: People, seed: int, attribute: str, count: int) -> Cases:
    stream = np.random.default_rng([seed % SEED_LIMIT, list(SCORED).index(attribute)])
    found: dict[tuple[int, int], list[str]] = {}
    for number in stream.permutation(len(people) ** 2).tolist():
        if len(found) == count:
            break
        pair = divmod(number, len(people))
        source, reference = (people.parameters[i] for i in pair)
        if can_be_judged(source, reference, attribute):  # not so of a person and itself
            found[pair] = kept_attributes(source, reference, attribute)
    if len(found) < count:
        raise ConfigError(f"Too few people differ in {attribute}", len(found), f"{count} pairs", "raise --count")
    kept = torch.tensor([[name in names for name in SCORED] for names in found.values()]).reshape(-1, len(SCORED))
    pairs = torch.tensor(list(found), dtype=torch.long).reshape(-1, 2)
    return Cases(attribute, pairs[:, 0], pairs[:, 1], kept)
