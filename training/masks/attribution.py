"""A first M from the losses themselves: which channels bring an attribute from source to reference, which do harm.

Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365) along the straight line between two faces, as the mask
grows from 0 to 1 in all channels at once: the channels' parts of a loss add up to what the whole line changes.
A few dozen pairs show which channels carry what; the paper's start leaves that to thousands of steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.learning.face_cache import Pairs
from sat3d.learning.objective import Objective, Transfers, gather
from sat3d.learning.sampling import draw_transfers, most_different
from sat3d.transfer import edit_styles

_PLACES = 8  # on the line from source to reference, visited in turn
_CONTRAST = 4  # references to choose from: faces that agree in an attribute tell nothing about it
TEMPERATURE = 3.0  # of QMM: on a step, most places would have no gradient
CERTAIN = 1.0  # standard errors above zero that make a gain count
SURE_HARM = 2.0  # and a harm
FIRST_LOGIT = 5.0  # probability 0.96 of six attributes and others


@dataclass(frozen=True)
class Attributions:
    """For each attribute and channel ``[m, n]``, in units of the loss (equation 7), with standard errors.

    ``gain``: by how much the channel's way to the reference lowers λ_attr·L_ref; ``harm``: raises
    λ_attr·L_src + λ_bg·L_bg (L_src with its own weight, 1 in the paper).
    """

    gain: Tensor
    gain_error: Tensor
    harm: Tensor
    harm_error: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """By name, for a file."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def attributions(objective: Objective, transfers: Transfers, place: float) -> tuple[Tensor, Tensor]:
    """``[B, n]`` twice: −∂gain/∂mask and ∂harm/∂mask of each transfer, the mask ``place`` (0..1) in all channels."""
    layout, weights = objective.studio.network.layout, objective.weights
    own, theirs = (layout.editable(face.styles) for face in (transfers.source, transfers.reference))
    mask = torch.full_like(own, place).requires_grad_()
    styles = layout.with_editable(transfers.source.styles, edit_styles(own, theirs, mask, 1.0))
    edited = objective.studio.pictures(styles, transfers.source.camera)
    ref, src = objective.attribute_losses(edited, transfers)
    harm = weights.attr * weights.src * src + weights.bg * objective.background_losses(edited, transfers, styles)
    (gained,) = torch.autograd.grad(weights.attr * ref.sum(), mask, retain_graph=True)
    (harmed,) = torch.autograd.grad(harm.sum(), mask)
    return -gained, harmed


def mean_attributions(objective: Objective, pairs: Pairs, seed: int, samples: int) -> Attributions:
    """Over ``samples`` random pairs an attribute, each at one place of its line."""
    studio = objective.studio
    count = len(studio.domain.attributes)
    found: list[list[Tensor]] = [[] for _ in range(count)]
    for i in tqdm(range(samples * count), desc="attributions", unit="pair", disable=None):
        choices = draw_transfers(seed, i, 1, len(pairs), count, _CONTRAST)
        transfers = gather(pairs, most_different(choices, pairs.scores, studio.domain), studio.device)
        target = found[int(transfers.target)]
        place = (len(target) % _PLACES + 0.5) / _PLACES
        target.append(torch.cat(attributions(objective, transfers, place)))
    table = torch.stack([torch.stack(rows) for rows in found])  # [m, samples, 2, n]
    mean, error = table.mean(1), table.std(1) / samples**0.5
    return Attributions(mean[:, 0], error[:, 0], mean[:, 1], error[:, 1])


def attributed_channels(names: list[str], table: Attributions) -> Mapping[str, tuple[Tensor, float]]:
    """What ``AttributeMasks.initial`` takes: each attribute's channels, whose gain is certain and no sure loss.

    A channel that several attributes need goes to the one in whose sum it has the largest share.
    """
    gain = torch.where(table.gain > CERTAIN * table.gain_error, table.gain, 0.0)
    bad = (table.harm > SURE_HARM * table.harm_error) & (table.harm > table.gain)
    share = torch.where(bad, 0.0, gain)
    share = share / share.sum(1, keepdim=True).clamp_min(1e-12)
    mine = (share == share.amax(0)) & (share > 0)
    return {name: (mine[t].nonzero()[:, 0].cpu(), FIRST_LOGIT) for t, name in enumerate(names)}
