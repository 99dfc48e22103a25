"""Numbers for generated against true views of people: how near pictures and depths are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sat3d.generators import RenderOptions, TriplaneGenerator
from sat3d.inversion.scores import psnr

from ..data.packed import HeadPack

HEAD_SIZE = 0.383  # world units from chin to crown (0.232 m), what depth errors are shares of


@dataclass(frozen=True)
class ViewScores:
    """Means over views: ``psnr`` in dB; ``depth`` error where both show a surface, as a share of the head's size;
    ``silhouette``: intersection over union of what is not background."""

    psnr: float
    depth: float
    silhouette: float


@torch.no_grad()
def generate_view(network: TriplaneGenerator, latent: Tensor, camera: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``latent [Z]``, ``camera [V, 25]`` -> image ``[V, 3, S, S]``, depth and opacity ``[V, 1, r, r]``."""
    styles = network.styles(network.map(latent[None]))
    view = network.render(network.planes(styles), styles, camera, RenderOptions())
    return view.image.clamp(-1, 1), view.depth, view.opacity


@dataclass(frozen=True)
class SeenHead:
    """A person as generated: pictures in the order truth, generated, truth, generated, … and scores of each view."""

    pictures: list[Tensor]  # [3, S, S] in -1..1 each
    scores: list[tuple[float, float, float]]


def look_at_head(network: TriplaneGenerator, pack: HeadPack, head: int, views: list[int]) -> SeenHead:
    """Generate some views of a person and compare them with the truth."""
    image, depth, opacity = generate_view(network, pack.latent[head], pack.camera[head, views])
    pictures, scores = [], []
    for i, view in enumerate(views):
        true = true_image(pack, head, view)
        pictures += [true, image[i]]
        shape = shape_scores(depth[i, 0], opacity[i, 0], true_depth(pack, head, view))
        scores.append((psnr(image[i], true), *shape))
    return SeenHead(pictures, scores)


def mean_scores(heads: list[SeenHead]) -> ViewScores:
    """Over all views of all heads."""
    return ViewScores(*torch.tensor([head.scores for head in heads]).flatten(0, 1).mean(0).tolist())


def true_image(pack: HeadPack, head: int, view: int) -> Tensor:
    """``[3, S, S]`` in -1..1."""
    return pack.image[head, view].permute(2, 0, 1).float() / 127.5 - 1


def true_depth(pack: HeadPack, head: int, view: int) -> Tensor:
    """``[S, S]`` along the rays, world units; 0 in the background."""
    pixel = torch.arange(pack.size**2, device=pack.image.device).reshape(pack.size, pack.size)
    return pack.read_depth((head * pack.views + view) * pack.size**2 + pixel)


def shape_scores(depth: Tensor, opacity: Tensor, true: Tensor) -> tuple[float, float]:
    """Depth error and silhouette of ``depth``, ``opacity`` ``[r, r]`` against ``true [S, S]`` (0: background)."""
    step = true.shape[0] // depth.shape[0]
    true = true[step // 2 :: step, step // 2 :: step]
    solid, found = true > 0, opacity > 0.5
    both = solid & found
    error = (depth - true).abs()[both].mean().item() / HEAD_SIZE if both.any() else 1.0
    return error, (both.sum() / (solid | found).sum().clamp_min(1)).item()
