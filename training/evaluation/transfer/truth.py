"""Edits against the true picture of the edited head, which the domain knows.

A transfer of an attribute should change the picture as the renderer's pictures differ between the source and the
source with the reference's attribute. That difference, not the true picture itself, is what counts: so a generator is
not blamed for how it draws the source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.errors import ConfigError
from sat3d.generators import TriplaneGenerator
from sat3d.metrics import d_mean_overall, pixel_changes
from sat3d.regions import widen
from training.synth.cameras import FRONT
from training.synthheads.edits import render_true_edit, true_edit
from training.synthheads.parameters import HeadParameters
from training.synthheads.views import render_head

from .metrics import rounded
from .renderer_and_judges import Shots
from .specifics import TrueNumbers, score_specifics, true_numbers
from .triples import Cases, People

TOLERANCE = 2  # levels of 255, in any channel, up to which the true change counts as none
GROWN_PX = 2  # around a true change that are not held against an edit: edges of another renderer


@dataclass(frozen=True)
class TruePictures:
    """N cases of one attribute: renders of source and true edit ``[N, 3, p, p]`` uint8."""

    source: Tensor
    edit: Tensor

    @property
    def change(self) -> Tensor:
        """``[N, 3, p, p]``, in pictures of -1..1."""
        return (self.edit.float() - self.source.float()) / 127.5

    @property
    def unchanged(self) -> Tensor:
        """``[N, p, p]`` bool: where the true change is none."""
        differs = (self.edit.int() - self.source.int()).abs().amax(1, keepdim=True) > TOLERANCE
        return ~widen(differs, GROWN_PX)[:, 0]

    def pictures(self) -> list[Tensor]:
        """Source and true edit, ``[N, 3, p, p]`` in -1..1."""
        return [part.float() / 127.5 - 1 for part in (self.source, self.edit)]

    def score(self, edit: Tensor, source: Tensor) -> dict[str, float | None]:
        """``delta`` and ``leak`` of N edits of N generated sources, ``[N, 3, p, p]`` in -1..1 each."""
        before, after = source.float(), edit.float()
        return {"delta": share_of_change(after - before, self.change), "leak": leak(after, before, self.unchanged)}


@dataclass(frozen=True)
class Truth(TruePictures):
    """The same with the numbers of the heads."""

    numbers: TrueNumbers


def render_truths(people: People, all_cases: Mapping[str, Cases], network: TriplaneGenerator, size: int) -> dict:
    """``Truth`` of each attribute's cases, from the front. Each source is rendered once.

    Pictures are rendered at ``size``, that of the judged pictures, with the renderer's own smoothing: as the data were
    that generators of this size learn from, and without a second resampling.

    Raises:
        ConfigError: the generator looks at its heads from another place than the renderer.
    """
    total = sum(len(cases) for cases in all_cases.values())
    total += len(torch.cat([cases.source for cases in all_cases.values()]).unique())
    sources: dict[int, Tensor] = {}
    found = {}
    with tqdm(total=total, desc="true pictures", unit="img", disable=None) as bar:
        for attribute, cases in all_cases.items():
            edits = []
            for own, theirs in zip(cases.source.tolist(), cases.reference.tolist(), strict=True):
                source, reference = people.parameters[own], people.parameters[theirs]
                if own not in sources:
                    sources[own] = _picture(render_head(source, [FRONT], size), network)
                    bar.update()
                edits.append(_picture(render_true_edit(source, reference, attribute, size), network))
                bar.update()
            pictures = torch.stack([sources[own] for own in cases.source.tolist()])
            found[attribute] = Truth(pictures, torch.stack(edits), _numbers(people, cases))
    return found


def _picture(views: Sequence, network: TriplaneGenerator) -> Tensor:
    (view,) = views
    wanted = network.rig.label().cpu()
    if not torch.allclose(view.label_25, wanted, atol=1e-4):
        got, step = wanted.tolist(), "judge a generator that was trained on this domain"
        raise ConfigError("The generator's camera is not the renderer's", got, view.label_25.tolist(), step)
    return torch.from_numpy(view.image).permute(2, 0, 1).contiguous()


def _numbers(people: People, cases: Cases) -> TrueNumbers:
    sources, references = ([people.parameters[i] for i in part.tolist()] for part in (cases.source, cases.reference))
    return true_numbers(cases.attribute, sources, references, true_heads(people, cases))


def true_heads(people: People, cases: Cases) -> list[HeadParameters]:
    """The N heads that perfect transfers make."""
    pairs = zip(cases.source.tolist(), cases.reference.tolist(), strict=True)
    return [true_edit(people.parameters[a], people.parameters[b], cases.attribute) for a, b in pairs]


def score_truth(truth: Truth, edit: Shots, source: Shots) -> dict:
    """Of N edits seen from the front: ``delta``, ``leak`` and ``specifics`` (:func:`score_specifics`)."""
    return truth.score(edit.images, source.images) | {"specifics": score_specifics(truth.numbers, edit.seen)}


def share_of_change(change: Tensor, true_change: Tensor) -> float | None:
    """1 − Σ|change − true change|² / Σ|true change|² over all pixels and cases, ``[N, 3, p, p]`` each in one scale.

    1: exactly the true change; 0: no better than none; as negative as an edit is wrong. None: nothing should change.
    """
    size = true_change.square().sum(dtype=torch.float64)
    return rounded(1 - (change - true_change).square().sum(dtype=torch.float64) / size) if size > 0 else None


def leak(edit: Tensor, source: Tensor, unchanged: Tensor) -> float | None:
    """Mean |edit − source| in levels of 255 over the pixels ``unchanged [N, p, p]``; pictures in -1..1."""
    return rounded(d_mean_overall(pixel_changes(source, edit), unchanged))
