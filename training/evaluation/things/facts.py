"""What decides about each attribute of a domain: named truths of the thing, and when they cannot be seen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from sat3d.domains import DescriptorGroup, Domain
from sat3d.errors import ConfigError
from sat3d.networks.reader import AttributeReader
from training.synth.domain import SynthDomain, find_domain
from training.synth.edits import true_edit
from training.synth.truths import HIDDEN, OTHER

_ADVICE = "compare sat3d/domains/{0}.json with training/{0}/domain.py"


@dataclass(frozen=True, eq=False)
class Facts:
    """``truths``: attribute to the facts that must all be right, of every attribute that is to be left alone;
    ``moved``: those of them that transfers are judged of. ``hiding``: attribute to (fact, values) with which it cannot
    be seen."""

    domain: SynthDomain
    truths: Mapping[str, tuple[str, ...]]
    moved: tuple[str, ...]
    hiding: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]

    @property
    def of_moved(self) -> dict[str, tuple[str, ...]]:
        return {name: self.truths[name] for name in self.moved}

    @property
    def used(self) -> tuple[str, ...]:
        """Every fact that counts anywhere."""
        return tuple(dict.fromkeys(fact for facts in self.truths.values() for fact in facts))

    def named(self, truths: Mapping[str, str], attribute: str) -> tuple[str, ...] | None:
        """What is true of a thing in an attribute; None if it is hidden or between two names."""
        values = tuple(truths[fact] for fact in self.truths[attribute])
        hidden = any(truths[fact] in some for fact, some in self.hiding.get(attribute, ()))
        return None if hidden or HIDDEN in values or OTHER in values else values

    def check_reader(self, reader: AttributeReader) -> None:
        """
        Raises:
            ConfigError: it does not read all that counts.
        """
        known = [name for name, _ in reader.config.categories]
        if missing := [fact for fact in self.used if fact not in known]:
            got, step = f"it lacks {missing}", "train one on data of this domain: training/train_reader.py"
            raise ConfigError(f"The reader is not of {self.domain.name}", got, f"all of {list(self.used)}", step)

    def can_be_judged(self, source: object, reference: object, attribute: str) -> bool:
        """Whether two things differ in the attribute, show it, and the edited one would, too."""
        own, theirs = (self.named(self.domain.attributes_of(p), attribute) for p in (source, reference))
        if None in (own, theirs) or own == theirs:
            return False
        return self.named(self._edited(source, reference, attribute), attribute) == theirs

    def kept(self, source: object, reference: object, attribute: str) -> list[bool]:
        """Of each attribute, in the order of ``truths``: whether it is another that a perfect transfer leaves as it
        was, to be seen and named."""
        before, after = self.domain.attributes_of(source), self._edited(source, reference, attribute)
        named = ((self.named(before, name), self.named(after, name)) for name in self.truths)
        return [
            name != attribute and own is not None and own == then
            for name, (own, then) in zip(self.truths, named, strict=True)
        ]

    def _edited(self, source: object, reference: object, attribute: str) -> dict[str, str]:
        return self.domain.attributes_of(true_edit(self.domain.edits, source, reference, attribute))


def find_facts(name: str, only: Iterable[str] = ()) -> Facts:
    """Of the domain of that name: of its package under ``training`` and its file in ``sat3d/domains``. ``only``: the
    attributes to be moved (all that both know).

    Raises:
        ConfigError, FileError: either is missing, or they do not fit together.
    """
    rendered = find_domain(name)
    facts = facts_of(rendered, rendered.described())
    if unknown := [attribute for attribute in only if attribute not in facts.moved]:
        raise ConfigError("These attributes cannot be judged", unknown, f"some of {list(facts.moved)}", "choose others")
    return replace(facts, moved=tuple(only) or facts.moved)


def facts_of(rendered: SynthDomain, described: Domain) -> Facts:
    """
    Raises:
        ConfigError: the description names facts that the things do not have, no attribute can be moved, or the two
            have other fronts.
    """
    groups = {**described.attributes, **described.kept}
    truths = {name: tuple(dict.fromkeys(group.truth for group in some if group.truth)) for name, some in groups.items()}
    truths = {name: facts for name, facts in truths.items() if facts}
    unknown = sorted({fact for facts in truths.values() for fact in facts} - set(rendered.attribute_values))
    moved = tuple(name for name in described.attributes if name in rendered.edits and name in truths)
    if unknown or not moved:
        got = f"unknown truths {unknown}" if unknown else f"edits {list(rendered.edits)}, with truths {list(truths)}"
        wanted = "truths of the things, and an attribute with both a truth and an edit"
        step = _ADVICE.format(rendered.name)
        raise ConfigError("The domain's file does not fit its things", got, wanted, step)
    _check_front(rendered, described)
    hiding = {name: tuple(_hiding(described, phrases)) for name, phrases in described.hidden.items()}
    return Facts(rendered, truths, moved, hiding)


def _check_front(rendered: SynthDomain, described: Domain) -> None:
    """Nodes begin with the file's front, codes with that of the things: they have to be one view."""
    front = rendered.views.front
    wanted = [round(math.degrees(angle), 3) for angle in (front.yaw_rad, front.pitch_rad)]
    if not np.allclose(described.front_deg, wanted, atol=0.01):
        got, step = f"front_deg {list(described.front_deg)}", _ADVICE.format(rendered.name)
        raise ConfigError("The domain's file calls another view its front", got, f"{wanted}, its views.front", step)


def _hiding(described: Domain, phrases: tuple[str, ...]) -> Iterable[tuple[str, tuple[str, ...]]]:
    for group in described:
        yield from _right_for(group, phrases)


def _right_for(group: DescriptorGroup, phrases: tuple[str, ...]) -> Iterable[tuple[str, tuple[str, ...]]]:
    if group.truth:
        yield from (
            (group.truth, some) for phrase, some in zip(group.phrases, group.values, strict=True) if phrase in phrases
        )
