"""Rays looked at without gradients: which of their samples make their colour, and what all others add to it.

Where much of the box is empty, only samples are computed where there seems to be matter (``matter.guess_matter``), as
fast views do; few rays, and fog, are looked at sample by sample.
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
from .matter import guess_matter
from .occupancy import Occupancy
from .rays import RayBatch
from .scene import CROPPED_DENSITY, Volume
from .sparse import MOSTLY_FILLED, SparseRays, coarse_depths, rays_at_once, rays_with_matter

_NOTHING = 1e-7
_LITTLE = 1e-5  # of a sample's colour, where samples are left out anyhow
_RAYS_PER_CHUNK = {"cpu": 1024}  # what fits the cache
_RAYS_PER_CHUNK_ELSEWHERE = 16384
_SAMPLES_PER_POINT, _FEWEST_CELLS, _MOST_CELLS = 8, 24, 48  # of the guess, a side


@dataclass(frozen=True)
class Traced:
    """What is known of R rays with N samples each, in order of depth, before any gradient; all others meet nothing."""

    ray: Tensor  # [R], their numbers
    depths: Tensor  # [R, N]
    densities: Tensor  # [R, N], raw
    heavy: Tensor  # [R, N] bool: the samples that get gradients
    rest: Tensor  # [R, C]: colour from all other samples


@torch.no_grad()
def trace_faces(scene: Volume, rays: RayBatch, config: RenderingConfig, least_share: float) -> Traced:
    """The ``rays`` of V views of as many faces, or of any number of one, at the midpoints of their bins; what is more
    than ``least_share`` of its ray's colour is heavy, with 0 all of it."""
    parts = []
    for face, numbers in enumerate(torch.arange(len(rays.near), device=rays.near.device).chunk(len(scene.planes))):
        own, some = replace(scene, planes=scene.planes[face : face + 1]), rays.slice(numbers).of_one_volume()
        parts += [replace(part, ray=numbers[part.ray]) for part in _trace_face(own, some, config, least_share)]
    return Traced(*(torch.cat([getattr(part, name) for part in parts]) for name in Traced.__dataclass_fields__))


def _trace_face(scene: Volume, rays: RayBatch, config: RenderingConfig, least_share: float) -> list[Traced]:
    occupancy = _guess(scene, rays, config) if least_share > 0 else None
    if occupancy is not None:
        chunk = rays_at_once(rays.near.device)
        meeting, share = rays_with_matter(occupancy, rays, config, chunk)
        if len(meeting) and share <= MOSTLY_FILLED:
            return [_trace_sparsely(scene, occupancy, rays, each, config, least_share) for each in meeting.split(chunk)]
    chunk = _RAYS_PER_CHUNK.get(rays.near.device.type, _RAYS_PER_CHUNK_ELSEWHERE)
    every = torch.arange(len(rays.near), device=rays.near.device)
    return [_trace_all(scene, rays, each, config, least_share) for each in every.split(chunk)]


def _guess(scene: Volume, rays: RayBatch, config: RenderingConfig) -> Occupancy | None:
    """None where it would take longer than it saves. GPUs do best without asking."""
    samples = len(rays.near) * (config.depth_resolution + config.depth_resolution_importance)
    cells = min(_MOST_CELLS, round((samples / _SAMPLES_PER_POINT) ** (1 / 3)))
    return guess_matter(scene, cells) if cells >= _FEWEST_CELLS and rays.near.device.type == "cpu" else None


def _depths_and_quantiles(rays: RayBatch, config: RenderingConfig) -> tuple[Tensor, Tensor]:
    sampling, device = volume.Sampling(), rays.near.device
    depths = coarse_depths(rays, config, config.depth_resolution, sampling.uniform((1, 1), device))
    return depths, sampling.quantiles((1, config.depth_resolution_importance), device)


def _trace_sparsely(
    scene: Volume, occupancy: Occupancy, rays: RayBatch, numbers: Tensor, config: RenderingConfig, least_share: float
) -> Traced:
    """The rays ``numbers [r]``, of their samples those where there seems to be matter."""
    rays = rays.slice(numbers)
    depths, quantiles = _depths_and_quantiles(rays, config)
    sparse = SparseRays(scene, occupancy, rays)
    found = sparse.look(depths, occupancy.along(rays, depths), quantiles)
    # The first sample behind a surface is not looked at, but its interval's weight is half its own.
    sparse.compute(found, (volume.sample_coefficients(found.weights()) > least_share) & (found.rows < 0))
    shares = volume.sample_coefficients(found.weights())
    heavy = shares > least_share
    ray, place = ((shares > _LITTLE) & ~heavy & (found.rows >= 0)).nonzero(as_tuple=True)
    rest = _summed(scene.decoder, shares, ray, place, found.hidden_of(ray * shares.shape[1] + place))
    return Traced(numbers, found.depths, found.densities, heavy, rest)


def _trace_all(scene: Volume, rays: RayBatch, numbers: Tensor, config: RenderingConfig, least_share: float) -> Traced:
    """The rays ``numbers [r]``, all samples."""
    rays = rays.slice(numbers)
    lines = rays_through(scene, rays)
    depths, quantiles = _depths_and_quantiles(rays, config)
    densities, *hidden = _look(scene, lines, depths)
    order = torch.arange(depths.shape[1], device=depths.device).expand_as(depths)
    if quantiles.shape[1]:
        weights = volume.compositing_weights(densities, depths, softplus)
        fine = volume.importance_depths(depths, weights, quantiles)
        fine_densities, fine_hidden = _look(scene, lines, fine)
        hidden.append(fine_hidden)
        depths, order = torch.cat([depths, fine], -1).sort(-1)
        densities = torch.cat([densities, fine_densities], -1).gather(1, order)
    shares = volume.sample_coefficients(volume.compositing_weights(densities, depths, softplus))
    heavy = shares >= least_share if least_share == 0 else shares > least_share
    light = torch.zeros_like(shares).scatter(1, order, shares.masked_fill(heavy, 0))
    return Traced(numbers, depths, densities, heavy, _colour_of(scene.decoder, light, hidden))


def _look(scene: Volume, lines: TexelRays | WarpedRays, depths: Tensor) -> tuple[Tensor, Tensor]:
    """``depths [R, N]`` -> raw density ``[R, N]`` as it is rendered, and hidden units ``[R·N, H]``, the source of
    colours."""
    hidden = scene.decoder.hidden(scene.features(lines.places(depths)))
    density = scene.decoder.density(hidden).view(depths.shape)
    if scene.half_seen is not None:
        density = density.masked_fill(beyond(lines.rays, depths, scene.half_seen), CROPPED_DENSITY)
    return density, hidden


def _colour_of(decoder: Decoder, shares: Tensor, hidden: list[Tensor]) -> Tensor:
    """``shares [R, N]`` of samples whose ``hidden`` units come in parts -> their colours' sum, ``[R, C]``."""
    total = shares.new_zeros(len(shares), decoder.layers[1].weight.shape[0] - 1)
    for part, own in zip(shares.split([len(each) // len(shares) for each in hidden], 1), hidden, strict=True):
        ray, place = (part > _NOTHING).nonzero(as_tuple=True)
        total += _summed(decoder, part, ray, place, own.index_select(0, ray * part.shape[1] + place))
    return total


def _summed(decoder: Decoder, shares: Tensor, ray: Tensor, place: Tensor, hidden: Tensor) -> Tensor:
    """The colours of M samples with ``hidden [M, H]`` at ``place`` on ``ray``, times ``shares [R, N]``, ``[R, C]``."""
    colours = decoder.colours(decoder.logits(hidden))
    return colours.new_zeros(len(shares), colours.shape[1]).index_add_(0, ray, colours * shares[ray, place, None])
