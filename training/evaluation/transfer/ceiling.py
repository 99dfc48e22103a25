"""What no method can be better than: reader and generator themselves, on the heads of the triples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from sat3d.generators import TriplaneGenerator
from training.synthheads.edits import values_of
from training.synthheads.populations import FIRST

from .metrics import Scale, alike, share, true_to
from .renderer_and_judges import Shots, Stage, pick
from .triples import Cases, People
from .truth import Truth, score_truth

NOTHING_OWN = {"delta": None, "leak": None, "specifics": None}


def ceiling(cases: Cases, shots: Shots, scale: Scale) -> dict:
    """``truth``: how often the reader sees in the generated reference what is true of it; ``unedited``: how often it
    sees in source and reference the same, though they truly differ. ``shots``: of all people."""
    name = cases.attribute
    source, reference = (shots.seen.select(index) for index in (cases.source, cases.reference))
    right = true_to(reference, scale.truths(cases.reference), name, scale.values)
    return {"truth": share(right), "unedited": share(alike(source, reference, name)), "count": len(cases)}


def draw_own_edits(stage: Stage, people: People, all_cases: Mapping[str, Cases]) -> dict[str, Shots]:
    """How the generator itself draws the true edits, by attribute; empty if it cannot be asked for them."""
    if people.latents is None:
        return {}
    return {name: stage.shoot(own_styles(stage.network, people, cases)) for name, cases in all_cases.items()}


@torch.no_grad()
def own_styles(network: TriplaneGenerator, people: People, cases: Cases) -> Tensor:
    """Styles ``[N, S]`` of the true edits: of the source's z with the attribute's part of it changed, and no other.

    The latent of the edited head would say the same of all else in other numbers, which a generator draws a little
    differently: with a generator of 128 pixels that costs 0.03 (hair style) to 2.6 (eyeglasses) of ``delta``.
    """
    pairs = zip(cases.source.tolist(), cases.reference.tolist(), strict=True)
    latents = [
        FIRST.edit(people.latents[own].numpy(), **values_of(people.parameters[theirs], cases.attribute))
        for own, theirs in pairs
    ]
    z = torch.from_numpy(np.stack(latents)).float()
    return network.styles(network.map(z.to(network.device)))


def score_own(truth: Truth, own: Shots | None, shots: Shots, cases: Cases) -> dict:
    """``delta``, ``leak``, ``specifics`` of the generator's own true edits; None each if it makes none."""
    return NOTHING_OWN if own is None else score_truth(truth, own, pick(shots, cases.source))
