"""Are drawn heads like true ones? Statistics of what an attribute reader sees in samples and in renders.

Two crowds of renders say what chance alone makes of the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.generators import TriplaneGenerator
from sat3d.networks.loading import large_enough
from sat3d.networks.reader import AttributeReader
from training.networks.coded_heads import draw_z, generate_views, picture_of
from training.synth.cameras import Pose
from training.synth.population import Population

_NEIGHBOURS = 3
_BATCH = 16


@dataclass(frozen=True)
class Crowds:
    """Pictures ``[N, 3, S, S]`` in -1..1 of drawn heads, of true ones, and of ``others``, who are true as well."""

    drawn: Tensor
    true: Tensor
    others: Tensor


@dataclass(frozen=True)
class Traits:
    """``features [N, F]`` from which the reader says everything; how sure it is of what it says, 0..1, ``[N]``."""

    features: Tensor
    confidence: Tensor


def draw_crowds(network: TriplaneGenerator, population: Population, seed: int, count: int) -> Crowds:
    """``count`` heads each; number i of all three is seen from where the population's head i is."""
    poses = [population.draw_poses(seed, head, 1)[0] for head in range(count)]
    shown = tqdm(range(2 * count), "true heads", unit="head", disable=None)
    size = network.config.img_resolution
    true = torch.stack([picture_of(population.draw(seed, head), size, poses[head % count]) for head in shown])
    return Crowds(torch.cat(list(_samples(network, seed, poses))), true[:count], true[count:])


@torch.no_grad()
def _samples(network: TriplaneGenerator, seed: int, poses: list[Pose]) -> Iterator[Tensor]:
    for number, pose in enumerate(tqdm(poses, "samples", unit="head", disable=None)):
        z = torch.from_numpy(draw_z(network, seed, number))[None].to(network.device)
        yield generate_views(network, network.styles(network.map(z)), [pose]).image.cpu()


@torch.no_grad()
def traits_of(reader: AttributeReader, images: Tensor) -> Traits:
    """Of ``[N, 3, S, S]`` in -1..1."""
    features, confidences = [], []
    for part in large_enough(images).split(_BATCH):
        features.append(reader.features(reader.seen(part), reader.faces(part)))
        chances = [scores.softmax(1).amax(1) for scores in reader(part).scores.values()]
        confidences.append(torch.stack(chances).mean(0))
    return Traits(torch.cat(features), torch.cat(confidences))


def judge_samples(reader: AttributeReader, crowds: Crowds) -> dict[str, float]:
    """``frechet_ratio``: how far samples are from true heads, in units of how far others are, 1 at best;
    ``recall``: share of true heads that have samples around them, and ``recall_true``, the same of others;
    ``confidence``: how sure the reader is of what samples show, and ``confidence_true``, of true heads."""
    drawn, true, others = (traits_of(reader, images) for images in (crowds.drawn, crowds.true, crowds.others))
    chance = frechet_distance(others.features, true.features)
    scores = {
        "frechet_ratio": frechet_distance(drawn.features, true.features) / max(chance, 1e-12),
        "recall": recall(true.features, drawn.features),
        "recall_true": recall(true.features, others.features),
        "confidence": float(drawn.confidence.mean()),
        "confidence_true": float(true.confidence.mean()),
    }
    return {name: round(value, 4) for name, value in scores.items()}


def frechet_distance(x: Tensor, y: Tensor) -> float:
    """Of two normal distributions with the means and covariances of ``[N, F]`` and ``[M, F]`` (Heusel et al. 2017).

    >>> frechet_distance(torch.tensor([[-1.0], [1.0]]), torch.tensor([[2.0], [4.0]]))
    9.0
    """
    x, y = x.double(), y.double()
    first, second = (torch.atleast_2d(part.T.cov()) for part in (x, y))
    root = _root(first)
    both = torch.linalg.eigvalsh(root @ second @ root).clamp_min(0).sqrt().sum()
    return float((x.mean(0) - y.mean(0)).square().sum() + first.trace() + second.trace() - 2 * both)


def _root(matrix: Tensor) -> Tensor:
    """The symmetric square root of a positive matrix."""
    values, axes = torch.linalg.eigh(matrix)
    return (axes * values.clamp_min(0).sqrt()) @ axes.T


def recall(true: Tensor, drawn: Tensor, neighbours: int = _NEIGHBOURS) -> float:
    """Share of ``true [N, F]`` that lie as near to some of ``drawn [M, F]`` as its own ``neighbours``-th neighbour does
    (Kynkäänniemi et al. 2019, arXiv:1904.06991)."""
    reach = torch.cdist(drawn, drawn).kthvalue(min(neighbours + 1, len(drawn)), 1).values  # the first is itself
    return float((torch.cdist(true, drawn) <= reach).any(1).float().mean())
