"""Which channels steer which region of a picture: gradients from regions (SAT3D, channel pre-selection; ACU, 2021)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from sat3d.domains import Domain
from sat3d.learning.face_cache import Pairs
from sat3d.learning.studio import Studio


def region_gradients(picture_of: Callable[[Tensor], Tensor], styles: Tensor, labels: Tensor, count: int) -> Tensor:
    """|gradient| / area of one face: ``[R, n]`` for R = ``count`` regions; rows of regions it lacks are NaN.

    ``picture_of``: editable styles ``[1, n]`` -> picture ``[1, 3, H, W]``; ``labels [H, W]``: the region of each pixel.
    A region's binary mask is taken for the gradient of the picture and led back to the channels.
    """
    styles = styles.detach().requires_grad_()
    picture = picture_of(styles)
    masks = F.one_hot(labels.long(), count).permute(2, 0, 1).to(picture)
    table = torch.full((count, styles.shape[1]), float("nan"), device=styles.device)
    present = masks.sum((1, 2)).nonzero()[:, 0].tolist()
    for r in present:
        flow = masks[r].expand_as(picture)
        (gradient,) = torch.autograd.grad(picture, styles, flow, retain_graph=r != present[-1])
        table[r] = gradient[0].abs() / masks[r].sum()
    return table


def mean_region_gradients(studio: Studio, pairs: Pairs, samples: int) -> Tensor:
    """The mean over the first ``samples`` faces, normalised along the regions: ``[R, n]``, columns of sum 1."""
    layout, count = studio.network.layout, len(studio.segmenter.label_names)
    tables = []
    for i in tqdm(range(min(samples, len(pairs))), desc="gradients of regions", unit="face", disable=None):
        face = pairs.select(torch.tensor([i]), studio.device)

        def picture_of(editable: Tensor, face: Pairs = face) -> Tensor:
            return studio.pictures(layout.with_editable(face.styles, editable), face.camera)

        tables.append(region_gradients(picture_of, layout.editable(face.styles), face.labels[0], count))
    return normalise(torch.stack(tables))


def normalise(tables: Tensor) -> Tensor:
    """``[N, R, n]`` of N faces -> ``[R, n]``: mean over those that show the region, shares of each channel's sum."""
    mean = tables.nanmean(0).nan_to_num(0.0)
    return mean / mean.sum(0, keepdim=True).clamp_min(1e-12)


def preselected_channels(
    domain: Domain, label_names: tuple[str, ...], gradients: Tensor
) -> Mapping[str, tuple[Tensor, float]]:
    """What ``AttributeMasks.initial`` takes: attribute -> (the k_t channels that steer its region the most, d_t)."""
    return {
        name: (gradients[label_names.index(chosen.region)].topk(chosen.count(gradients.shape[1])).indices, chosen.d)
        for name, chosen in domain.preselection.items()
    }
