"""Which first subspace an attribute gets, or none: the one whose transfers between faces kept for this lose least."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ..losses import PAPER_WEIGHTS, LossWeights
from ..masks import AttributeMasks
from ..progress import Watch, no_watch
from ..subspaces import Subspace
from .carriers import Carrier, subspace_of
from .directions import Choice, Evidence
from .face_cache import Pairs
from .objective import Objective, gather
from .sampling import Draw, draw_transfers, most_different
from .studio import Studio

CHOICES = tuple(Choice(beta, leak, floor) for beta in (0.0, 0.3, 1.0) for leak, floor in ((1.0, 0.1), (4.0, 1.0)))
RANK = 48
TRANSFERS = 12  # of each attribute and choice
TEMPERATURE = 3.0  # of QMM, whose own answers are nearly steps
_REFERENCES = 4  # to choose from
_AT_ONCE = 4

Losses = Mapping[str, Mapping[str, float]]  # attribute -> way -> mean loss; the first way is *mask*


class _AsItIs(Carrier):
    """A carrier that does not learn: the masks' own way of one attribute."""

    def __init__(self, masks: AttributeMasks):
        super().__init__()
        self.masks = masks

    def forward(self, difference: Tensor, target: Tensor) -> Tensor:
        rows = [self.masks.change([self.masks.attributes[t]], difference[i : i + 1]) for i, t in enumerate(target)]
        return torch.cat(rows)


@torch.no_grad()
def transfer_losses(objective: Objective, pairs: Pairs, draw: Draw) -> Tensor:
    """λ_attr (L_ref + L_src) + λ_bg L_bg of each transfer, ``[B]`` (equation 7 without L_prob)."""
    weights, found = objective.weights, []
    for part in torch.arange(len(draw.target)).split(_AT_ONCE):
        some = Draw(draw.source[part], draw.reference[part], draw.target[part])
        ref, src, bg = objective.parts(gather(pairs, some, objective.studio.device))
        found.append(weights.attr * (ref + weights.src * src) + weights.bg * bg)
    return torch.cat(found).cpu()


def first_subspaces(
    studio: Studio,
    masks: AttributeMasks,
    evidence: Evidence,
    judges: Pairs,
    seed: int,
    watch: Watch = no_watch,
    weights: LossWeights = PAPER_WEIGHTS,
) -> tuple[dict[str, Subspace], Losses]:
    """Subspaces of the attributes that fare better with one of CHOICES than with their mask, and how every way fared.

    ``judges``: measured faces that nothing was learned from.
    """
    names, chosen, table = list(evidence.parts), {}, {}
    for row, name in enumerate(names):
        draw = _transfers(studio, judges, seed, row)
        objective = Objective(studio, _AsItIs(masks), weights, TEMPERATURE)
        losses = {"mask": float(transfer_losses(objective, judges, draw).mean())}
        ways: dict[str, Subspace] = {}
        for number, choice in enumerate(CHOICES if evidence.moments is not None else CHOICES[:1]):
            watch(row * len(CHOICES) + number, len(names) * len(CHOICES))
            way = subspace_of(evidence.matrix(name, choice), evidence.basis, RANK)
            with_it = Objective(studio, _AsItIs(replace(masks, subspaces={name: way})), weights, TEMPERATURE)
            losses[str(choice)] = float(transfer_losses(with_it, judges, draw).mean())
            ways[str(choice)] = way
        best = min(losses, key=losses.__getitem__)
        table[name] = losses
        if best in ways:
            chosen[name] = ways[best]
    return chosen, table


def _transfers(studio: Studio, judges: Pairs, seed: int, row: int) -> Draw:
    chances = draw_transfers(seed, row, TRANSFERS, len(judges), 1, _REFERENCES)
    aimed = Draw(chances.source, chances.reference, torch.full_like(chances.target, row))
    return most_different(aimed, judges.scores, studio.domain)
