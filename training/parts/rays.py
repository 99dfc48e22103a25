"""Labelled rays: what the frozen decoder sees along a ray, with which weights, and what the pixel truly shows.

Some samples just behind what is seen are kept, too: what lies beneath hair is hair to the field, so that nothing of it
is left where a part is taken away.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from sat3d.generators import TriplaneGenerator, volume
from sat3d.generators.lines import rays_through
from sat3d.generators.rays import RayBatch, make_rays
from sat3d.generators.scene import Volume

SAMPLES, BENEATH = 8, 2  # kept of each ray: those that show most; and those behind them
_RAYS_AT_ONCE = 2048
_LEAST_SHOWN = 1e-6
_OPAQUE = 0.9
_BENEATH = (0.015, 0.045)  # of the box: how far behind what is seen


@dataclass(frozen=True)
class LabelledRays:
    """R rays of heads. ``weights``: of the samples, which add up to the opacity where all are kept; of those beneath
    whether they are matter at all."""

    hidden: Tensor  # [R, SAMPLES + BENEATH, H] half
    weights: Tensor  # [R, SAMPLES + BENEATH] half
    labels: Tensor  # [R] uint8
    pixels: Tensor  # [R] float32: how many pixels of a picture a ray stands for, 1 on average

    def __len__(self) -> int:
        return len(self.labels)

    def _parts(self) -> list[Tensor]:
        return [getattr(self, part.name) for part in fields(self)]

    def select(self, chosen: Tensor) -> LabelledRays:
        return LabelledRays(*(part[chosen] for part in self._parts()))

    def to(self, device: torch.device | str) -> LabelledRays:
        return LabelledRays(*(part.to(device) for part in self._parts()))

    @classmethod
    def joined(cls, several: list[LabelledRays]) -> LabelledRays:
        return cls(*(torch.cat(parts) for parts in zip(*(each._parts() for each in several), strict=True)))


@torch.no_grad()
def labelled_rays(
    network: TriplaneGenerator,
    planes: Tensor,
    cameras: Tensor,
    labels: Tensor,
    number: int,
    draws: torch.Generator,
    balanced: bool = True,
) -> LabelledRays:
    """``number`` rays of each view of one head: ``planes [1, …]``, ``cameras [V, 25]``, ``labels [V, S, S]``.

    ``balanced``: half of them at pixels of a label that is drawn first, so that brows and frames are learned, too.
    """
    size, scene, found = labels.shape[-1], network.volume(planes), []
    for camera, picture in zip(cameras.split(1), labels, strict=True):
        pixels, worth = choose_pixels(picture.flatten(), number, draws, balanced)
        rays = make_rays(camera, size, network.config.rendering, 1).slice(pixels.to(planes.device))
        parts = [seen_samples(network, scene, rays.slice(part)) for part in _parts(number)]
        hidden, weights = (torch.cat(part).half().cpu() for part in zip(*parts, strict=True))
        found.append(LabelledRays(hidden, weights, picture.flatten()[pixels].to(torch.uint8), worth))
    return LabelledRays.joined(found)


def _parts(number: int) -> list[slice]:
    return [slice(low, min(low + _RAYS_AT_ONCE, number)) for low in range(0, number, _RAYS_AT_ONCE)]


def choose_pixels(labels: Tensor, number: int, draws: torch.Generator, balanced: bool) -> tuple[Tensor, Tensor]:
    """Flat numbers of pixels ``[number]`` of a picture with ``labels [P]``, see :func:`labelled_rays`; and how many
    pixels each stands for, 1 on average."""
    chance = torch.full((len(labels),), 1 / len(labels))
    if balanced:
        counts = torch.bincount(labels.long())
        chance = (chance + 1 / (counts[labels.long()] * (counts > 0).sum())) / 2
    chosen = torch.multinomial(chance, number, replacement=balanced or number > len(labels), generator=draws)
    return chosen, 1 / (chance[chosen] * len(labels))


def seen_samples(network: TriplaneGenerator, scene: Volume, rays: RayBatch) -> tuple[Tensor, Tensor]:
    """Hidden units ``[R, SAMPLES + BENEATH, H]`` and weights: see :class:`LabelledRays`."""
    config, decoder, lines = network.config.rendering, scene.decoder, rays_through(scene, rays)
    middle = torch.full((1, 1), 0.5, device=rays.near.device)
    depths = volume.stratified_depths(
        rays.near, rays.far, config.depth_resolution, middle, config.disparity_space_sampling
    )

    def look(at: Tensor) -> tuple[Tensor, Tensor]:
        hidden = decoder.hidden(scene.features(lines.places(at)))
        points = rays.origins[:, None] + at[..., None] * rays.directions[:, None]
        density = scene.as_seen(decoder.density(hidden), points.flatten(0, 1))
        return density.view_as(at), hidden.unflatten(0, at.shape)

    densities, hidden = look(depths)
    if config.depth_resolution_importance:
        weights = volume.compositing_weights(densities, depths)
        quantiles = volume.Sampling().quantiles((len(depths), config.depth_resolution_importance), depths.device)
        fine = volume.importance_depths(depths, weights, quantiles)
        more, more_hidden = look(fine)
        depths, order = torch.cat([depths, fine], 1).sort(1)
        densities = torch.cat([densities, more], 1).gather(1, order)
        hidden = torch.cat([hidden, more_hidden], 1).gather(1, order[..., None].expand(-1, -1, hidden.shape[2]))
    coefficients = volume.sample_coefficients(volume.compositing_weights(densities, depths))
    parts = keep_most(hidden, coefficients), samples_beneath(hidden, densities, depths, coefficients, scene.box_warp)
    hidden, weights = (torch.cat(pair, 1) for pair in zip(*parts, strict=True))
    return hidden, weights


def samples_beneath(
    hidden: Tensor, densities: Tensor, depths: Tensor, coefficients: Tensor, box_warp: float
) -> tuple[Tensor, Tensor]:
    """Of each ray those behind what shows, of ``hidden [R, N, H]``, and 1 where they are matter and near, else 0."""
    shown = coefficients.sum(1, keepdim=True)
    surface = (coefficients * depths).sum(1, keepdim=True) / shown.clamp_min(_LEAST_SHOWN)
    steps = torch.tensor(_BENEATH, device=depths.device) * box_warp
    index = torch.searchsorted(depths, surface + steps).clamp_max(depths.shape[1] - 1)
    near = depths.gather(1, index) - surface < 2 * _BENEATH[-1] * box_warp
    matter = (densities.gather(1, index) > 1) & near & (shown > _OPAQUE)
    return hidden.gather(1, index[..., None].expand(-1, -1, hidden.shape[2])), matter.to(coefficients)


def keep_most(hidden: Tensor, coefficients: Tensor, count: int = SAMPLES) -> tuple[Tensor, Tensor]:
    """The ``count`` samples of ``hidden [R, N, H]`` with the largest ``coefficients [R, N]``; theirs are scaled up so
    that the opacity stays."""
    kept, index = coefficients.topk(min(count, coefficients.shape[1]), 1)
    scale = coefficients.sum(1, keepdim=True) / kept.sum(1, keepdim=True).clamp_min(_LEAST_SHOWN)
    return hidden.gather(1, index[..., None].expand(-1, -1, hidden.shape[2])), kept * scale
