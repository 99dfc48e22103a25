"""A first M from what QMM says of many faces: a channel begins with the attribute that its values tell the most of.

StyleSpace (Wu et al. 2021, arXiv:2011.12799, §4) finds the channels of an attribute by labels of a population; here
QMM's answers are the labels, so nobody names anything. It needs no gradient and no further picture: the faces are
measured anyway. Where attributes go together in a population, their channels do, too: training has to part them.
"""

from __future__ import annotations

import torch
from scipy.stats import f as fisher
from torch import Tensor
from torch.nn import functional as F

from sat3d.domains import Domain
from sat3d.qmm import Measurement

from .draws import shown

CHANCE = 1e-4  # that a channel without a part in a group explains as much
LEAST_SHARE = 0.05  # of a channel's variance: less is no carrier, however sure
FIRST_LOGIT = 7.0  # probability 0.995 of six attributes and others


def explained_shares(codes: Tensor, answers: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """How much of each channel's variance the answers of a group explain, beyond chance, and that chance.

    One-way analysis of variance: ω² (Hays 1963), 0..1, and the F test's p. ``codes [N, n]``; ``answers [N]``: numbers
    below ``count``. Answers that hardly anybody gives are left out; with less than two that remain: 0 and 1.
    """
    member = F.one_hot(answers, count).double()
    member = member[:, member.sum(0) > 1]
    codes, member = codes[member.any(1)].double(), member[member.any(1)]
    free, rest = member.shape[1] - 1, len(codes) - member.shape[1]
    if free < 1 or rest < 1:
        return torch.zeros(codes.shape[1]), torch.ones(codes.shape[1])
    codes = codes - codes.mean(0)
    means = (member.T @ codes) / member.sum(0)[:, None]
    between = (member.sum(0)[:, None] * means.square()).sum(0)
    within = ((codes.square().sum(0) - between) / rest).clamp_min(1e-12)  # mean square
    share = ((between - free * within) / (between + (rest + 1) * within)).clamp_min(0)
    chance = torch.from_numpy(fisher.sf((between / free / within).numpy(), free, rest))
    return share.float(), chance.float()


def population_shares(codes: Tensor, scores: Tensor, domain: Domain) -> Tensor:
    """``[m, n]``: the largest share of each channel's variance that a group of each attribute explains; 0 where that
    may be chance. ``codes [N, n]``: editable styles; ``scores [N, phrases]``: QMM of the same faces.

    Faces that hide an attribute (``domain.hidden``) say nothing of it.
    """
    measured, visible = Measurement(scores, domain), shown(scores, domain)
    table = torch.zeros(len(domain.attributes), codes.shape[1])
    for row, name in enumerate(domain.attributes):
        for answers in measured.characteristics[name].values():
            seen = visible[:, row]
            share, chance = explained_shares(codes[seen], answers[seen].argmax(1), answers.shape[1])
            table[row] = torch.maximum(table[row], torch.where(chance < CHANCE, share, 0.0))
    return table


def populated_channels(names: list[str], shares: Tensor) -> dict[str, tuple[Tensor, float]]:
    """What ``AttributeMasks.initial`` takes: each channel's attribute is the one that explains most of it."""
    mine = (shares == shares.amax(0)) & (shares >= LEAST_SHARE)
    return {name: (mine[row].nonzero()[:, 0], FIRST_LOGIT) for row, name in enumerate(names)}
