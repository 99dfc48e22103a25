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
from .edits import edit_pictures
from .face_cache import Pairs
from .sampling import Draw, draw_transfers, most_different
from .studio import Studio

_GUARDS = ((0.0, 1.0, 0.1), (0.0, 4.0, 1.0), (0.3, 1.0, 0.1), (0.3, 4.0, 1.0), (1.0, 4.0, 1.0))
CHOICES = tuple(Choice(*guard, gain) for guard in _GUARDS for gain in (1.0, 2.0))
WITHOUT_REGIONS = (Choice(0.0, 0.0, 0.0, 1.0), Choice(0.0, 0.0, 0.0, 2.0))
RANK = 48
TRANSFERS = 12  # of each attribute and choice
_TEMPERATURE = 1.5  # of QMM, whose own answers are nearly steps
_LOST_WEIGHT = 2.0
_REFERENCES = 4  # to choose from

Scores = Mapping[str, Mapping[str, float]]  # attribute -> way -> score; the first way is *mask*


def transfer_score(name: str, source: Measurement, reference: Measurement, edit: Measurement) -> float:
    """How near edits came to their references in the answers to ``name``'s groups, less what else they changed:

    1 − Σ|D_t(edit) − D_t(ref)|² / Σ|D_t(ref) − D_t(src)|² − 2 Σ|D_o(edit) − D_o(src)|² / Σ|D_o(ref) − D_o(src)|²,

    o: all other attributes but those that ``name`` hides (``domain.covers``), as in L_src. 1: arrived, and all else as
    it was; 0: no better than no edit. As shares, so that an attribute of few groups is not outweighed by the many of
    others, as it is in L_attr.
    """
    left_out = (name, *source.domain.covers.get(name, ()))
    others = [other for other in source.characteristics if other not in left_out]
    arrived = 1 - _share(edit, reference, source, reference, [name])
    return arrived - _LOST_WEIGHT * _share(edit, source, source, reference, others)


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
    studio: Studio, masks: AttributeMasks, evidence: Evidence, judges: Pairs, seed: int, watch: Watch = no_watch
) -> tuple[dict[str, Subspace], Scores]:
    """Subspaces of the attributes that fare better with one of CHOICES than with their mask, and how every way fared.

    ``judges``: measured faces that nothing was learned from.
    """
    names, chosen, table = list(evidence.parts), {}, {}
    choices = WITHOUT_REGIONS if evidence.moments is None else CHOICES
    for row, name in enumerate(names):
        draw = _transfers(studio, judges, seed, row)
        table[name] = {"mask": score_of(studio, masks, judges, draw)}
        ways: dict[str, Subspace] = {}
        for number, choice in enumerate(choices):
            watch(row * len(choices) + number, len(names) * len(choices))
            way = str(choice)
            ways[way] = subspace_of(evidence.matrix(name, choice), evidence.basis, RANK)
            with_it = replace(masks, subspaces={name: ways[way]})
            table[name][way] = score_of(studio, with_it, judges, draw)
        best = max(table[name], key=table[name].__getitem__)
        if best in ways:
            chosen[name] = ways[best]
    return chosen, table


@torch.no_grad()
def score_of(studio: Studio, masks: AttributeMasks, judges: Pairs, draw: Draw) -> float:
    """:func:`transfer_score` of transfers of one attribute."""
    name = masks.attributes[int(draw.target[0])]
    source, reference = judges.select(draw.source), judges.select(draw.reference)
    pictures = [
        edit_pictures(studio, masks, source.select(one), reference.select(one), [name])
        for one in torch.arange(len(draw.target)).split(1)
    ]
    edited = studio.qmm.measure(torch.cat(pictures)).probabilities.cpu()
    own, theirs, now = (
        Measurement(scores, studio.domain).softened(_TEMPERATURE)
        for scores in (source.scores, reference.scores, edited)
    )
    return transfer_score(name, own, theirs, now)


def _transfers(studio: Studio, judges: Pairs, seed: int, row: int) -> Draw:
    chances = draw_transfers(seed, row, TRANSFERS, len(judges), 1, _REFERENCES)
    aimed = Draw(chances.source, chances.reference, torch.full_like(chances.target, row))
    return most_different(aimed, judges.scores, studio.domain)
