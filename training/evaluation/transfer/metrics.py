"""From what the reader sees to scores: shares of triples, all 0..1 unless said otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from sat3d.metrics import d_mean, pixel_changes, shape_distance
from sat3d.regions import background_mask

from .renderer_and_judges import Seen, Shots, Stage
from .triples import SCORED, Cases


def alike(found: Seen, wanted: Seen, attribute: str) -> Tensor:
    """``[N]`` bool: the reader sees the same in all primary categories of the attribute."""
    return torch.stack([found.found(c) == wanted.found(c) for c in SCORED[attribute].primary]).all(0)


def likely_alike(found: Seen, wanted: Seen, attribute: str) -> Tensor:
    """``[N]``, 0..1: the chance that the reader gives to what it sees in ``wanted``; as :func:`alike`, but smooth."""
    chances = [found.chances[c].gather(1, wanted.found(c)[:, None])[:, 0] for c in SCORED[attribute].primary]
    return torch.stack(chances).prod(0)


def true_to(found: Seen, truths: Sequence[Mapping[str, str]], attribute: str, values: Mapping) -> Tensor:
    """``[N]`` bool: the reader sees the truth in all primary categories. ``values``: of the reader, by category."""
    rows = []
    for category in SCORED[attribute].primary:
        known = values[category]
        wanted = [known.index(truth[category]) if truth[category] in known else -1 for truth in truths]
        rows.append(found.found(category) == torch.tensor(wanted))
    return torch.stack(rows).all(0)


def kept_share(same: Tensor, kept: Tensor) -> Tensor:
    """``same, kept [N, m]`` -> ``[N]``: the mean of what is kept of those that count; nan where none counts."""
    return (same * kept).sum(1) / torch.where(kept.any(1), kept.sum(1), torch.nan)


def all_alike(found: Seen, wanted: Seen, compare=alike) -> Tensor:
    """``[N, m]``: every attribute by ``compare``."""
    return torch.stack([compare(found, wanted, name) for name in SCORED], 1)


def score_cases(stage: Stage, cases: Cases, edit: Shots, source: Shots, reference: Shots, scale: Scale) -> dict:
    """All scores of N edits from the front; ``source`` and ``reference``: the same N."""
    name = cases.attribute
    arrived, same = alike(edit.seen, reference.seen, name), all_alike(edit.seen, source.seen)
    preservation = kept_share(same.double(), cases.kept).nanmean()
    away = shape_distance(edit.seen.numbers["shape"], source.seen.numbers["shape"], scale.shape_spread)
    cosine = (edit.seen.identity * source.seen.identity).sum(1)
    return {
        "transfer": share(arrived),
        "parts": {c: share(edit.seen.found(c) == reference.seen.found(c)) for c in SCORED[name].primary},
        "transfer_truth": share(true_to(edit.seen, scale.truths(cases.reference), name, scale.values)),
        "preservation": rounded(preservation),
        "product": rounded(arrived.double().mean() * preservation),
        "identity": rounded(away.mean()),
        "identity_cosine": rounded(cosine.mean()),
        "d_mean": rounded(background_change(stage, name, edit, source).nanmean()),
        "kept": {other: share(same[cases.kept[:, i], i]) for i, other in enumerate(SCORED) if other != name},
        "secondary": secondary(edit.seen, reference.seen, name),
        "count": len(cases),
    }


class Scale:
    """What readings are measured by: the truth, the reader's values, and how much its shape numbers vary."""

    def __init__(self, all_truths: Sequence[Mapping[str, str]], reader, seen: Seen):
        self._truths = all_truths
        self.values: dict[str, tuple[str, ...]] = dict(reader.config.categories)
        self.shape_spread = seen.numbers["shape"].std(0)

    def truths(self, people: Tensor) -> list[Mapping[str, str]]:
        return [self._truths[i] for i in people.tolist()]


def background_change(stage: Stage, attribute: str, edit: Shots, source: Shots) -> Tensor:
    """D_mean ``[N]`` in levels of 0..255, outside the alterable regions of source and edit."""
    regions = (stage.region(shots.labels, attribute) for shots in (source, edit))
    return d_mean(pixel_changes(source.images.float(), edit.images.float()), background_mask(*regions))


def secondary(edit: Seen, reference: Seen, attribute: str) -> dict[str, float | None]:
    """Categories that decide nothing: how often as in the reference."""
    return {name: share(edit.found(name) == reference.found(name)) for name in SCORED[attribute].secondary}


def score_views(cases: Cases, edits: list[Shots], sources: list[Shots], references: list[Shots], front: int) -> dict:
    """``view_consistency``: the share of triples for which the verdict, arrived or not, is from every side that from
    the front; ``views_held``: of those that arrived seen from the front, the share that did so from every side. Edit
    and reference are always seen from the same side. ``views``: transfer and preservation of each."""
    name, rows = cases.attribute, list(zip(edits, sources, references, strict=True))
    arrived = torch.stack([alike(edit.seen, reference.seen, name) for edit, _, reference in rows])
    kept = [kept_share(all_alike(edit.seen, source.seen).double(), cases.kept).nanmean() for edit, source, _ in rows]
    held = arrived.all(0)[arrived[front]]
    return {
        "view_consistency": share((arrived == arrived[front]).all(0)),
        "views_held": share(held),
        "views": [{"transfer": share(a), "preservation": rounded(k)} for a, k in zip(arrived, kept, strict=True)],
        "views_count": len(cases),
    }


def share(verdicts: Tensor) -> float | None:
    return rounded(verdicts.double().mean())


def rounded(value: Tensor | float) -> float | None:
    """Four decimals; None for NaN, which is no JSON."""
    value = float(value)
    return None if value != value else round(value, 4)
