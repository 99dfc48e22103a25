"""A first M from QMM itself: how much of each attribute's way from source to reference each channel goes.

Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365) along the straight line between two faces, as the mask
grows from 0 to 1 in all channels at once: the channels' parts of an attribute add up to what the whole line changes.
A few dozen pairs show which channels carry what; the paper's start leaves that to thousands of steps.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.qmm import Measurement
from sat3d.transfer import edit_styles

from .draws import draw_transfers
from .objective import Transfers, gather
from .pairs import Pairs
from .studio import Studio

_PLACES = 8  # on the line from source to reference, visited in turn
COVER = 0.8  # of an attribute's attribution, that its channels have together
FIRST_LOGIT = 3.0


def attributions(studio: Studio, transfers: Transfers, place: float) -> Tensor:
    """``[m, n]``: for each attribute −∂/∂mask of its difference to the reference, all masks at ``place`` (0..1)."""
    layout, source, reference = studio.network.layout, transfers.source, transfers.reference
    own, theirs = layout.editable(source.styles), layout.editable(reference.styles)
    mask = torch.full_like(own, place).requires_grad_()
    styles = layout.with_editable(source.styles, edit_styles(own, theirs, mask, 1.0))
    measured = studio.qmm.measure(studio.pictures(styles, source.camera))
    differences = measured.differences(Measurement(reference.scores, studio.domain))
    rows = [torch.autograd.grad(off.sum(), mask, retain_graph=True)[0].sum(0) for off in differences.values()]
    return -torch.stack(rows)


def mean_attributions(studio: Studio, pairs: Pairs, seed: int, samples: int) -> Tensor:
    """The mean over ``samples`` random pairs of faces, each at one place of its line: ``[m, n]``."""
    total = torch.zeros(len(studio.domain.attributes), studio.network.layout.num_editable, device=studio.device)
    for i in tqdm(range(samples), desc="attributions", unit="pair", disable=None):
        draw = draw_transfers(seed, i, 1, len(pairs), len(studio.domain.attributes)).chosen(0)
        total += attributions(studio, gather(pairs, draw, studio.device), (i % _PLACES + 0.5) / _PLACES)
    return total / samples


def attributed_channels(names: list[str], table: Tensor, cover: float = COVER) -> Mapping[str, tuple[Tensor, float]]:
    """What ``AttributeMasks.initial`` takes: each attribute's strongest channels, unless another's share is larger.

    As many as have ``cover`` of the attribute's positive attribution together. ``table [m, n]``.
    """
    share = table.clamp_min(0)
    share = share / share.sum(1, keepdim=True).clamp_min(1e-12)
    owner, chosen = share.argmax(0), {}
    for t, name in enumerate(names):
        values, channels = share[t].sort(descending=True)
        strongest = channels[(values.cumsum(0) - values < cover) & (values > 0)]
        chosen[name] = (strongest[owner[strongest] == t].cpu(), FIRST_LOGIT)
    return chosen
