"""Views whose gradient goes through what shows: the picture is exact, and most of the time of its gradient is saved.

A ray has dozens of samples, of which a handful near the surface make its colour. All are looked at without gradients;
those whose share of the colour is above a threshold are computed once more, with gradients. A sample's gradient is
about as large as its share, so hardly anything is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from . import volume
from .config import RenderingConfig
from .decoder import Decoder
from .layers import softplus
from .lines import TexelRays, WarpedRays, beyond, rays_through
from .rays import RayBatch, make_rays
from .renderer import RenderedRays, as_views
from .scene import CROPPED_DENSITY, Volume

LEAST_SHARE = 1e-3  # of a ray's colour
_NOTHING = 1e-7
_RAYS_PER_CHUNK = {"cpu": 1024}  # what fits the cache
_RAYS_PER_CHUNK_ELSEWHERE = 16384


@dataclass(frozen=True)
class Traced:
    """What is known of R rays with N samples each, in order of depth, before any gradient."""

    depths: Tensor  # [R, N]
    densities: Tensor  # [R, N], raw
    heavy: Tensor  # [R, N] bool: the samples that get gradients
    rest: Tensor  # [R, C]: colour from all other samples


def render_shown(
    scene: Volume, camera: Tensor, resolution: int, config: RenderingConfig, least_share: float = LEAST_SHARE
) -> RenderedRays:
    """As :func:`renderer.render_volume`, at the midpoints of the samples' bins; depths get no gradient.

    ``least_share`` 0 gives the whole gradient.
    """
    rays = make_rays(camera, resolution, config, len(scene.planes))
    still = replace(scene, planes=scene.planes.detach(), quick=True)
    chunk = _RAYS_PER_CHUNK.get(camera.device.type, _RAYS_PER_CHUNK_ELSEWHERE)
    parts = [
        trace(still, rays.slice(slice(i, i + chunk)), config, least_share) for i in range(0, len(rays.near), chunk)
    ]
    traced = Traced(*(torch.cat([getattr(part, name) for part in parts]) for name in Traced.__dataclass_fields__))
    features, depth, opacity = composite(scene, rays, traced, config.white_back)
    return as_views(features, depth.reshape(len(camera), -1), opacity, resolution)


@torch.no_grad()
def trace(scene: Volume, rays: RayBatch, config: RenderingConfig, least_share: float) -> Traced:
    """Coarse and importance pass over R rays, at the midpoints of their bins."""
    lines = rays_through(scene, rays)
    middle = torch.full((1, 1), 0.5, device=rays.near.device)
    depths = volume.stratified_depths(
        rays.near, rays.far, config.depth_resolution, middle, config.disparity_space_sampling
    )
    densities, *hidden = _look(scene, lines, depths)
    order = torch.arange(depths.shape[1], device=depths.device).expand_as(depths)
    if config.depth_resolution_importance:
        quantiles = volume.Sampling().quantiles((1, config.depth_resolution_importance), depths.device)
        weights = volume.compositing_weights(densities, depths, softplus)
        fine = volume.importance_depths(depths, weights, quantiles)
        fine_densities, fine_hidden = _look(scene, lines, fine)
        hidden.append(fine_hidden)
        depths, order = torch.cat([depths, fine], -1).sort(-1)
        densities = torch.cat([densities, fine_densities], -1).gather(1, order)
    shares = volume.sample_coefficients(volume.compositing_weights(densities, depths, softplus))
    heavy = shares >= least_share if least_share == 0 else shares > least_share
    light = torch.zeros_like(shares).scatter(1, order, shares.masked_fill(heavy, 0))
    return Traced(depths, densities, heavy, _colour_of(scene.decoder, light, hidden))


def _look(scene: Volume, lines: TexelRays | WarpedRays, depths: Tensor) -> tuple[Tensor, Tensor]:
    """``depths [R, N]`` -> raw density ``[R, N]`` as it is rendered, and hidden units ``[R·N, H]``, the source of
    colours."""
    index = lines.rays.volume_index
    index = None if index is None else index.repeat_interleave(depths.shape[1])
    hidden = scene.decoder.hidden(scene.features(lines.places(depths), index))
    density = scene.decoder.density(hidden).view(depths.shape)
    if scene.half_seen is not None:
        density = density.masked_fill(beyond(lines.rays, depths, scene.half_seen), CROPPED_DENSITY)
    return density, hidden


def _colour_of(decoder: Decoder, shares: Tensor, hidden: list[Tensor]) -> Tensor:
    """``shares [R, N]`` of samples whose ``hidden`` units come in parts -> their colours' sum, ``[R, C]``."""
    total = shares.new_zeros(len(shares), decoder.layers[1].weight.shape[0] - 1)
    for part, own in zip(shares.split([len(each) // len(shares) for each in hidden], 1), hidden, strict=True):
        ray, place = (part > _NOTHING).nonzero(as_tuple=True)
        colours = decoder.colours(decoder.logits(own.index_select(0, ray * part.shape[1] + place)))
        total.index_add_(0, ray, colours * part[ray, place, None])
    return total


def composite(scene: Volume, rays: RayBatch, traced: Traced, white_back: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The heavy samples once more, with gradients, and everything put together."""
    ray, sample = traced.heavy.nonzero(as_tuple=True)
    points = rays.origins[ray] + traced.depths[ray, sample, None] * rays.directions[ray]
    density, logits = query_points_at(scene, points, None if rays.volume_index is None else rays.volume_index[ray])
    densities = traced.densities.index_put((ray, sample), density)
    weights = volume.compositing_weights(densities, traced.depths)
    shares = volume.sample_coefficients(weights)[ray, sample]
    colour = traced.rest.index_add(0, ray, shares[:, None] * scene.decoder.colours(logits))
    opacity = weights.sum(-1)
    if white_back:
        colour = colour + (1 - opacity)[:, None]
    return scene.decoder.signed(colour), _mean_depth(weights.detach(), traced.depths), opacity


def _mean_depth(weights: Tensor, depths: Tensor) -> Tensor:
    """``[R]``; of rays that meet nothing the far end."""
    mean = (volume.sample_coefficients(weights) * depths).sum(-1) / weights.sum(-1)
    return torch.where(weights.sum(-1) > 0, mean, depths[:, -1])


def query_points_at(scene: Volume, points: Tensor, index: Tensor | None) -> tuple[Tensor, Tensor]:
    """World ``points [M, 3]``, each in the volume of its ``index [M]`` -> raw density ``[M]`` as it is rendered, logits
    ``[M, C]``."""
    density, logits = scene.query(scene.places(points.T), index)
    return scene.as_seen(density, points), logits
