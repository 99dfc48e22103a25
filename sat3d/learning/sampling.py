"""Who gives what to whom in a step: plain functions of seed and step, so that nothing about chance need be saved."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..domains import Domain
from ..qmm import Measurement
from ..seeds import SEED_LIMIT, mixed_seed

_LIKELY = 0.5
_FAR = 1e6  # more than any difference


@dataclass(frozen=True)
class Draw:
    """B transfers: numbers of source and reference pairs, and the one target attribute of each (|Ω| = 1)."""

    source: Tensor  # [B]
    reference: Tensor  # [B], or [B, K] to choose from
    target: Tensor  # [B]

    def chosen(self, place: int) -> Draw:
        """With the references at ``place`` among those to choose from."""
        return replace(self, reference=self.reference[:, place])

    def part(self, rank: int, world: int) -> Draw:
        """The transfers of one of several processes."""
        return Draw(*(numbers[rank::world] for numbers in (self.source, self.reference, self.target)))


def draw_transfers(seed: int, step: int, batch: int, num_pairs: int, num_attributes: int, choices: int = 1) -> Draw:
    """Step ``step``'s transfers, with ``choices`` references each; every attribute is the target equally often."""
    generator = torch.Generator().manual_seed(2 * mixed_seed(seed, step) % SEED_LIMIT)
    source = torch.randint(num_pairs, (batch,), generator=generator)
    other = torch.randint(num_pairs - 1, (batch, choices), generator=generator)
    first = step * batch
    target = torch.tensor([_target(seed, first + i, num_attributes) for i in range(batch)])
    return Draw(source, other + (other >= source[:, None]), target)


def most_different(draw: Draw, scores: Tensor, domain: Domain) -> Draw:
    """Of each transfer's K references ``[B, K]`` the one that differs most from the source in the target attribute.

    ``scores [N, phrases]``: QMM of all pairs. Faces that hide the attribute (``domain.hidden``) neither give nor get
    it: the next face is the source instead, and a reference that shows it goes first.
    """
    names, visible = list(domain.attributes), shown(scores, domain)
    sources, best = [], []
    for first, references, target in zip(draw.source.tolist(), draw.reference, draw.target.tolist(), strict=True):
        source = _next_shown(first, visible[:, target])
        there = Measurement(scores[references], domain)
        off = there.differences(Measurement(scores[source][None], domain))[names[target]]
        sources.append(source)
        best.append(references[torch.where(visible[references, target], off, off - _FAR).argmax()])
    return replace(draw, source=torch.tensor(sources), reference=torch.stack(best))


def shown(scores: Tensor, domain: Domain) -> Tensor:
    """``scores [N, phrases]`` -> ``[N, m]`` bool: which attributes can be seen, by what QMM says of the phrases that
    hide them."""
    phrases = [(group.attribute, phrase) for group in domain for phrase in group.phrases]
    seen = torch.ones(len(scores), len(domain.attributes), dtype=torch.bool)
    for place, name in enumerate(domain.attributes):
        hiding = [i for i, (_, phrase) in enumerate(phrases) if phrase in domain.hidden.get(name, ())]
        seen[:, place] = (scores[:, hiding] < _LIKELY).all(1).cpu()
    return seen


def _next_shown(first: int, visible: Tensor) -> int:
    """The first visible number from ``first`` on, around the end; ``first`` itself if there is none."""
    order = (torch.arange(len(visible)) + first) % len(visible)
    return int(order[visible[order].int().argmax()])


def _target(seed: int, number: int, count: int) -> int:
    """Attributes come in rounds of random order: as random as drawing each, with less noise in the gradients."""
    turn, place = divmod(number, count)
    generator = torch.Generator().manual_seed((2 * mixed_seed(seed, turn) + 1) % SEED_LIMIT)
    return int(torch.randperm(count, generator=generator)[place])
