"""A first M from what QMM says of many faces: a channel begins with the attribute that its values tell the most of.

StyleSpace (Wu et al. 2021, arXiv:2011.12799, §4) finds the channels of an attribute by labels of a population; here
QMM's answers are the labels, so nobody names anything. It needs no gradient and no further picture: the faces are
measured anyway. Where attributes go together in a population, their channels do, too: training has to part them.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..domains import Domain
from ..qmm import Measurement
from .acting import Acting
from .sampling import shown

CHANCE = 1e-4  # that answers about anything else explain as much
LEAST_SHARE = 0.05  # of a channel's variance: less is no carrier, however sure
FIRST_LOGIT = 7.0  # probability 0.995 of six attributes and others
LEAST_INSIDE = 0.5  # of a channel's energy: less, and it acts mostly elsewhere
LEAST_STRENGTH = 0.5  # of what an attribute's channels do inside its region: so much it keeps
_NEGLIGIBLE = 1e-9  # singular values, to the largest: answers of a group add up to 1, so some directions are empty


def explained_shares(codes: Tensor, answers: list[Tensor]) -> tuple[Tensor, Tensor]:
    """How much of each channel's variance the answers to all groups explain, beyond chance, and that chance.

    Linear regression on which answer each group gets: adjusted R² (Ezekiel 1930), 0..1, and the F test's p.
    ``codes [N, n]``; ``answers``: a number ``[N]`` for each group. With too few faces for the answers: 0 and 1.
    """
    from scipy.stats import f as fisher  # takes a while to import

    nothing = torch.zeros(codes.shape[1]), torch.ones(codes.shape[1])
    if not len(codes):
        return nothing
    basis, codes = _span(answers), codes.double() - codes.double().mean(0)
    free, rest = basis.shape[1], len(codes) - basis.shape[1] - 1
    if free < 1 or rest < 1:
        return nothing
    total, explained = codes.square().sum(0).clamp_min(1e-12), (basis.T @ codes).square().sum(0)
    unexplained = ((total - explained) / rest).clamp_min(1e-12)  # mean square
    share = (1 - unexplained / (total / (len(codes) - 1))).clamp_min(0)
    chance = torch.from_numpy(fisher.sf((explained / free / unexplained).numpy(), free, rest))
    return share.float(), chance.float()


def _span(answers: list[Tensor]) -> Tensor:
    """``[N, p]``: orthonormal directions in which the answers differ between faces, means left out."""
    columns = torch.cat([F.one_hot(answer).double() for answer in answers], 1)
    basis, sizes, _ = torch.linalg.svd(columns - columns.mean(0), full_matrices=False)
    return basis[:, sizes > _NEGLIGIBLE * max(float(sizes.amax()), 1.0)]


def population_shares(codes: Tensor, scores: Tensor, domain: Domain) -> Tensor:
    """``[m, n]``: the share of each channel's variance that each attribute explains; 0 where that may be chance, or
    where something that is to be kept explains more.

    ``codes [N, n]``: editable styles; ``scores [N, phrases]``: QMM of the same faces. Faces that hide an attribute
    (``domain.hidden``) say nothing of it.
    """
    measured, visible = Measurement(scores, domain), shown(scores, domain)
    table = torch.zeros(len(domain.attributes), codes.shape[1])
    for row, name in enumerate(domain.attributes):
        table[row] = _shares(codes, measured, name, visible[:, row])
    for name in domain.kept:
        theirs = _shares(codes, measured, name, torch.ones(len(codes), dtype=torch.bool))
        table = torch.where(theirs > table, 0.0, table)
    return table


def _shares(codes: Tensor, measured: Measurement, name: str, seen: Tensor) -> Tensor:
    """``[n]``, by the faces that show it."""
    answers = [part[seen].argmax(1) for part in measured.characteristics[name].values()]
    share, chance = explained_shares(codes[seen], answers)
    return torch.where(chance < CHANCE, share, 0.0)


def populated_channels(names: list[str], shares: Tensor) -> dict[str, tuple[Tensor, float]]:
    """What ``AttributeMasks.initial`` takes: each channel's attribute is the one that explains most of it."""
    return {name: (row.nonzero()[:, 0], FIRST_LOGIT) for name, row in zip(names, _claims(shares), strict=True)}


def _claims(shares: Tensor) -> Tensor:
    """``[m, n]`` bool: the attribute that gets each channel."""
    return (shares == shares.amax(0)) & (shares >= LEAST_SHARE)


def guarded_shares(shares: Tensor, acting: Acting, spread: Tensor) -> Tensor:
    """``shares [m, n]`` without those of attributes outside of whose region a channel mostly acts.

    What no attribute of a domain asks for, such as the hair's colour beside *beard* alone, goes along with others in
    some population, and would go to whoever explains the most of it. An attribute that would be left with less than
    half of its own strength gets the least bad of its channels back. ``spread [n]``: by how much faces differ.
    """
    inside, strength = acting.share_inside, acting.inside * spread.square()
    guarded = torch.where(inside >= LEAST_INSIDE, shares, 0.0)
    before, now = _claims(shares), _claims(guarded)
    for row in range(len(shares)):
        lost = (before[row] & ~now.any(0)).nonzero()[:, 0]
        order = lost[inside[row, lost].argsort(descending=True)]
        have = strength[row, now[row]].sum() + strength[row, order].cumsum(0) - strength[row, order]
        back = order[have < LEAST_STRENGTH * strength[row, before[row]].sum()]
        guarded[row, back] = shares[row, back]
    return guarded
