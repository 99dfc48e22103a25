"""Which first subspace an attribute gets, or none: the one whose transfers between faces kept for this fare best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ..masks import AttributeMasks
from ..progress import Watch, no_watch
from ..qmm import Measurement
from ..subspaces import Subspace
from .carriers import subspace_of
from .directions import Choice, Evidence
from .edits import edit_styles_of
from .face_cache import Pairs
from .sampling import Draw, draw_transfers, most_different
from .studio import Studio

_GUARDS = ((0.0, 1.0, 0.1), (0.0, 4.0, 1.0), (0.3, 1.0, 0.1), (0.3, 4.0, 1.0), (1.0, 4.0, 1.0))
CHOICES = tuple(Choice(*guard, gain) for guard in _GUARDS for gain in (1.0, 1.5))
WITHOUT_REGIONS = (Choice(0.0, 0.0, 0.0, 1.0), Choice(0.0, 0.0, 0.0, 1.5))
RANK = 48
LEAST_GAIN = 0.05  # of the score: where a mask is as good, the paper's form stays
TRANSFERS = 12  # of each attribute and choice
_TEMPERATURE = 1.5  # of QMM, whose own answers are nearly steps
_LOST_WEIGHT = 2.0
_OUTSIDE_WEIGHT = 2.0
_REFERENCES = 4  # to choose from

Scores = Mapping[str, Mapping[str, float]]  # attribute -> way -> score; the first way is *mask*


def transfer_score(
    name: str, source: Measurement, reference: Measurement, edit: Measurement, outside: float = 0.0
) -> float:
    """How near edits came to their references in the answers to ``name``'s groups, less what else they changed:

    1 − Σ|D_t(edit) − D_t(ref)|² / Σ|D_t(ref) − D_t(src)|² − 2 Σ|D_o(edit) − D_o(src)|² / Σ|D_o(ref) − D_o(src)|² − 2 e,

    o: all others that are measured but those that ``name`` hides (``domain.covers``), as in L_src; e: ``outside``, see
    :func:`changed_outside`. 1: arrived, and all else as it was; 0: no better than no edit. As shares, so that an
    attribute of few groups is not outweighed by the many of others, as it is in L_attr.
    """
    left_out = (name, *source.domain.covers.get(name, ()))
    others = [other for other in source.characteristics if other not in left_out]
    arrived = 1 - _share(edit, reference, source, reference, [name])
    return arrived - _LOST_WEIGHT * _share(edit, source, source, reference, others) - _OUTSIDE_WEIGHT * outside


def changed_outside(
    source: Tensor, reference: Tensor, edit: Tensor, before: Tensor, theirs: Tensor, after: Tensor
) -> float:
    """Σ|I_edit − I_src|² outside of the regions of source and edit, as a share of Σ|I_ref − I_src|² inside of those of
    source and reference: of about what there is to change.

    Pictures ``[B, 3, p, p]``; ``before``, ``theirs``, ``after``: the attribute's region in source, reference and edit,
    ``[B, 1, p, p]`` bool.
    """
    off = ((edit - source).square() * ~(before | after)).sum()
    wanted = ((reference - source).square() * (before | theirs)).sum()
    return float(off / wanted.clamp_min(1e-9))


def _share(
    first: Measurement, second: Measurement, source: Measurement, reference: Measurement, names: list[str]
) -> float:
    """Σ|D(first) − D(second)|² / Σ|D(source) − D(reference)|² over the groups of ``names``; 0 where they have none."""
    if not names:
        return 0.0
    off, usual = _difference(first, second, names), _difference(source, reference, names)
    return float(off / usual.clamp_min(1e-9))


def _difference(first: Measurement, second: Measurement, names: list[str]) -> Tensor:
    pairs = [(first.characteristics[name][group], part) for name in names
             for group, part in second.characteristics[name].items()]  # fmt: skip
    return torch.stack([(one - other).square().sum() for one, other in pairs]).sum()


def first_subspaces(
    studio: Studio,
    masks: AttributeMasks,
    evidence: Evidence,
    judges: Pairs,
    seed: int,
    watch: Watch = no_watch,
    rank: int = RANK,
) -> tuple[dict[str, Subspace], Scores]:
    """Subspaces of the attributes that fare better by LEAST_GAIN with one of CHOICES than with their mask; how all ways
    fared.

    ``judges``: measured faces that nothing was learned from; ``rank``: numbers that a subspace moves.
    """
    names, chosen, table = list(studio.domain.attributes), {}, {}
    choices = WITHOUT_REGIONS if evidence.moments is None else CHOICES
    for row, name in enumerate(names):
        draw = _transfers(studio, judges, seed, row)
        table[name] = {"mask": score_of(studio, masks, judges, draw)}
        ways: dict[str, Subspace] = {}
        for number, choice in enumerate(choices):
            watch(row * len(choices) + number, len(names) * len(choices))
            way = str(choice)
            ways[way] = subspace_of(evidence.matrix(name, choice), evidence.basis, rank)
            with_it = replace(masks, subspaces={name: ways[way]})
            table[name][way] = score_of(studio, with_it, judges, draw)
        best = max(ways, key=table[name].__getitem__)
        if table[name][best] > table[name]["mask"] + LEAST_GAIN:
            chosen[name] = ways[best]
    return chosen, table


@torch.no_grad()
def score_of(studio: Studio, masks: AttributeMasks, judges: Pairs, draw: Draw) -> float:
    """:func:`transfer_score` of transfers of one attribute."""
    name = masks.attributes[int(draw.target[0])]
    source, reference = judges.select(draw.source), judges.select(draw.reference)
    styles = edit_styles_of(studio, masks, source, reference, [name] * len(draw.target))
    cameras = source.camera.to(studio.device)
    pictures = torch.cat([studio.pictures(styles[one], cameras[one]) for one in torch.arange(len(styles)).split(1)])
    own, theirs, now = (
        Measurement(scores.cpu(), studio.domain).softened(_TEMPERATURE)
        for scores in (source.scores, reference.scores, studio.qmm.measure(pictures).probabilities)
    )
    outside = 0.0
    if studio.domain.regions:
        labels = source.labels, reference.labels, studio.labels(pictures, styles, cameras).cpu()
        regions = [studio.region(each, [name] * len(styles)) for each in labels]
        faces = source.images.float(), reference.images.float(), pictures.cpu().float()
        outside = changed_outside(*faces, *regions)
    return transfer_score(name, own, theirs, now, outside)


def _transfers(studio: Studio, judges: Pairs, seed: int, row: int) -> Draw:
    chances = draw_transfers(seed, row, TRANSFERS, len(judges), 1, _REFERENCES)
    aimed = Draw(chances.source, chances.reference, torch.full_like(chances.target, row))
    return most_different(aimed, judges.scores, studio.domain)
