"""From what the reader sees to scores: shares of triples, all 0..1 unless said otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..transfer.metrics import kept_share, rounded, share
from ..transfer.triples import Cases, People
from .facts import Facts
from .stage import Names


def alike(found: Sequence[Names], wanted: Sequence[Names], facts: Sequence[str]) -> Tensor:
    """``[N]`` bool: all of these facts have the same value in both."""
    pairs = zip(found, wanted, strict=True)
    return torch.tensor([all(own[fact] == theirs[fact] for fact in facts) for own, theirs in pairs], dtype=torch.bool)


def score_seen(
    facts: Facts,
    people: People,
    cases: Cases,
    edit: Sequence[Names],
    source: Sequence[Names],
    reference: Sequence[Names],
) -> dict:
    """Scores of N edits by what is seen in them, and in the generated sources and references: ``transfer``,
    ``transfer_truth``, ``kept``, ``kept_of``, ``product``, ``dragged``, ``dragged_by`` and ``count``, see
    :func:`.command.run`."""
    own = facts.truths[cases.attribute]
    arrived = alike(edit, reference, own)
    kept = kept_attributes(facts, cases, edit, source)
    dragged = dragged_along(facts, people, cases, edit, source, reference)
    known = [value for value in dragged.values() if value is not None]
    return {
        "transfer": share(arrived),
        "transfer_truth": share(alike(edit, [people.truths[i] for i in cases.reference.tolist()], own)),
        "kept": rounded(kept),
        "kept_of": kept_one_by_one(facts, cases, edit, source),
        "product": rounded(arrived.double().mean() * kept),
        "dragged": rounded(sum(known) / len(known)) if known else None,
        "dragged_by": dragged,
        "count": len(cases),
    }


def kept_attributes(facts: Facts, cases: Cases, edit: Sequence[Names], source: Sequence[Names]) -> Tensor:
    """A number: the share of the attributes to be kept that are seen as in the source; the mean over triples."""
    same = torch.stack([alike(edit, source, some) for some in facts.truths.values()], 1)
    return kept_share(same.double(), cases.kept).nanmean()


def kept_one_by_one(
    facts: Facts, cases: Cases, edit: Sequence[Names], source: Sequence[Names]
) -> dict[str, float | None]:
    """Of each other attribute: the share of triples in which it is seen as in the source, of those in which it counts.
    None: there are none."""
    columns = [name for name in facts.truths if name != cases.attribute]
    same = {name: alike(edit, source, facts.truths[name]) for name in columns}
    counts = dict(zip(facts.truths, cases.kept.unbind(1), strict=True))
    return {name: share(same[name][counts[name]]) for name in columns}


def dragged_along(
    facts: Facts,
    people: People,
    cases: Cases,
    edit: Sequence[Names],
    source: Sequence[Names],
    reference: Sequence[Names],
) -> dict[str, float | None]:
    """Of each other attribute: the share of triples in which it is seen as in the reference, of those in which source
    and reference differ in it, both truly and as they are seen. None: there are none."""
    found = {}
    for column, (name, some) in enumerate(facts.truths.items()):
        if name != cases.attribute:
            differ = cases.kept[:, column] & truly_differ(facts, people, cases, name) & ~alike(source, reference, some)
            found[name] = share(alike(edit, reference, some)[differ])
    return found


def truly_differ(facts: Facts, people: People, cases: Cases, attribute: str) -> Tensor:
    """``[N]`` bool: source and reference both have a name for the attribute, and not the same."""
    own, theirs = (
        [facts.named(people.truths[i], attribute) for i in part.tolist()] for part in (cases.source, cases.reference)
    )
    pairs = zip(own, theirs, strict=True)
    return torch.tensor([None not in (a, b) and a != b for a, b in pairs], dtype=torch.bool)


def ceiling(facts: Facts, people: People, seen: Sequence[Names], attribute: str) -> float | None:
    """How often the reader sees the truth of an attribute in generated, unedited things, of those that show it."""
    right = alike(seen, people.truths, facts.truths[attribute])
    shown = torch.tensor([facts.named(truths, attribute) is not None for truths in people.truths], dtype=torch.bool)
    return share(right[shown])
