"""Numbers for generated against true views of heads: how near pictures and depths are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sat3d.generators import TriplaneGenerator
from sat3d.inversion.scores import psnr

from ..data.packed import HeadPack


@dataclass(frozen=True)
class SeenHead:
    """A head as generated: pictures truth, generated, truth, generated, …; scores of each view."""

    pictures: list[Tensor]  # [3, S, S] in -1..1 each
    scores: list[tuple[float, float, float]]  # PSNR, depth error, silhouette


@torch.no_grad()
def look_at_head(network: TriplaneGenerator, codes: Tensor, pack: HeadPack, head: int) -> SeenHead:
    """Generate a head from its first and its last view, and compare them with the truth; ``codes``: of all heads."""
    w = codes[head : head + 1].to(network.device)
    styles = network.styles(w[:, None].expand(-1, network.config.backbone.num_ws, -1))
    planes, views = network.planes(styles), sorted({0, pack.views - 1})
    pictures, scores, size = [], [], pack.learning.size
    for view in views:
        got = network.render(planes, styles, pack.camera[head, view][None].to(w))
        image, true = got.image[0].clamp(-1, 1).cpu(), pack.pictures(torch.tensor([head]), view)[0].cpu()
        pictures += [true, image]
        shape = shape_scores(got.depth[0, 0].cpu(), got.opacity[0, 0].cpu(), true_depth(pack, head, view).cpu(), size)
        scores.append((psnr(image, true), *shape))
    return SeenHead(pictures, scores)


def mean_scores(heads: list[SeenHead]) -> dict[str, float]:
    """PSNR from the front and from another side, in dB; ``depth`` error where both show a surface, as a share of the
    thing's size; ``silhouette``: intersection over union of what is not background."""
    table = torch.tensor([head.scores for head in heads])
    means = table.mean(0)
    names = {
        "psnr": means[0, 0],
        "psnr_side": means[-1, 0],
        "depth": means[:, 1].mean(),
        "silhouette": means[:, 2].mean(),
    }
    return {name: float(value) for name, value in names.items()}


def true_depth(pack: HeadPack, head: int, view: int) -> Tensor:
    """``[S, S]`` along the rays, world units; 0 in the background."""
    pixel = torch.arange(pack.size**2, device=pack.image.device).reshape(pack.size, pack.size)
    return pack.read_depth((head * pack.views + view) * pack.size**2 + pixel)


def shape_scores(depth: Tensor, opacity: Tensor, true: Tensor, size: float) -> tuple[float, float]:
    """Depth error and silhouette of ``depth``, ``opacity`` ``[r, r]`` against ``true [S, S]`` (0: background);
    errors as shares of ``size``."""
    step = true.shape[0] // depth.shape[0]
    true = true[step // 2 :: step, step // 2 :: step]
    solid, found = true > 0, opacity > 0.5
    both = solid & found
    error = (depth - true).abs()[both].mean().item() / size if both.any() else 1.0
    return error, (both.sum() / (solid | found).sum().clamp_min(1)).item()
