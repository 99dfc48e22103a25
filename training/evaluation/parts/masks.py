"""Masks of unseen views against the labels of renders, and against the masks of the next view."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from sat3d.camera import split_label
from sat3d.generators import Rendering, RenderOptions
from sat3d.generators.rays import camera_rays
from sat3d.latent import Latent
from sat3d.networks.loading import resize
from sat3d.parts.generator import views_of
from training.evaluation.judging import rounded
from training.networks.metrics import confusion, mean, overlaps
from training.parts.heads import LabelledHead, rendered_heads

from .bench import Bench

VIEWS = 8
_SAME_DEPTH = 0.01  # world units


@torch.no_grad()
def judge_masks(bench: Bench, heads: int) -> dict:
    """Overlap of each label with that of renders, over all pixels of 8 views of heads that were never learned from; and
    the share of the pixels of one view whose label is that of the same point in the next."""
    names = bench.parts.field.labels
    table, same, all_ = torch.zeros(len(names), len(names), dtype=torch.int64), 0, 0
    heads_seen = rendered_heads(bench.coder, bench.seed, range(heads), VIEWS)
    for head in tqdm(heads_seen, "masks", heads, disable=None):
        face = Latent(head.styles, head.cameras[:1], "", bench.network.layout.fingerprint)
        options = RenderOptions(fast=True)
        views = list(views_of(bench.network, face, head.cameras, options, bench.parts.field, labelled=True))
        table += _confusion(head, views)
        for i in range(len(views) - 1):
            hits, number = agreement(views[i], views[i + 1], head.cameras[i : i + 1], head.cameras[i + 1 : i + 2])
            same, all_ = same + hits, all_ + number
    shares = overlaps(table)
    return {
        "miou": rounded(mean(shares)),
        "reprojection": rounded(same / max(all_, 1)),
        "iou": dict(zip(names, map(rounded, shares), strict=True)),
    }


def _confusion(head: LabelledHead, views: Sequence[Rendering]) -> Tensor:
    shares = torch.cat([view.parsing for view in views])
    found = resize(shares, *head.labels.shape[1:]).argmax(1)
    return confusion(head.labels.long(), found, shares.shape[1])


def agreement(view: Rendering, other: Rendering, camera: Tensor, other_camera: Tensor) -> tuple[int, int]:
    """How many pixels of ``view`` that show a head at a point that ``other`` sees, too, have its label there; and how
    many such pixels there are."""
    side = view.depth.shape[-1]
    origins, directions = camera_rays(camera, side)
    points = (origins + directions * view.depth.reshape(1, -1, 1))[0]
    pose, intrinsic = split_label(other_camera)
    seen = torch.linalg.inv(pose[0]) @ F.pad(points, (0, 1), value=1.0).T
    place = (intrinsic[0] @ (seen[:3] / seen[2:3]))[:2].T * 2 - 1
    grid = place[None, None]
    look = lambda x: F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0, :, 0]  # noqa: E731
    away = (points - pose[0, :3, 3]).norm(dim=1)
    labels = view.parsing[0].argmax(0).flatten()
    valid = (place.abs() < 1).all(1) & (labels > 0) & ((look(other.depth)[0] - away).abs() < _SAME_DEPTH)
    return int((look(other.parsing).argmax(0) == labels)[valid].sum()), int(valid.sum())
