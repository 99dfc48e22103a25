"""The volume renderer: chunks of rays through planes, decoder and compositing, without ever storing all samples.

Rays are independent, so a chunk that fits the cache is rendered at a time. With gradients each chunk is recomputed in
the backward pass (checkpointing), so that memory stays that of one chunk. ``reference.py`` is the readable twin.
"""

import math
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from . import volume
from .config import RenderingConfig
from .lines import query_rays, rays_through
from .rays import RayBatch, make_rays
from .scene import Volume
from .volume import Sampling

_RAYS_PER_CHUNK_CPU = 1024  # fits the cache
_RAYS_PER_CHUNK_CPU_GRAD = 2048  # each chunk's gradient is as large as the planes: fewer are better
_RAYS_PER_CHUNK = 16384


@dataclass(frozen=True)
class RenderedRays:
    """Per view ``[V, …, r, r]``: features in about -1..1, depth in world units, opacity 0..1."""

    features: Tensor  # [V, C, r, r]
    depth: Tensor  # [V, 1, r, r]
    opacity: Tensor  # [V, 1, r, r]


def render_volume(
    scene: Volume,
    camera: Tensor,
    resolution: int,
    config: RenderingConfig,
    sampling: Sampling | None = None,
    couple_batch: bool = False,
    rays_per_chunk: int | None = None,
) -> RenderedRays:
    """Render ``camera [V, 25]`` at ``resolution``² from V volumes or from one.

    ``couple_batch`` reproduces the published code, where the depth clamp and 'auto' limits of one sample depend on
    the rest of the batch; by default they are those of each view alone.
    """
    sampling = sampling or Sampling()
    rays = make_rays(camera, resolution, config, scene.planes.shape[0], couple_batch)
    jitter, quantiles = draw_noise(sampling, len(rays.near), config, camera.device)
    chunk = rays_per_chunk or _default_chunk(camera.device)
    outputs = []
    for low in range(0, len(rays.near), chunk):
        part = slice(low, low + chunk)
        noise = [x if len(x) == 1 else x[part] for x in (jitter, quantiles)]
        outputs.append(_run_chunk(scene, rays.slice(part), config, *noise))
    features, depth, opacity, low, high = (torch.cat(parts) for parts in zip(*outputs, strict=True))
    views = camera.shape[0]
    depth = clamp_depth(depth.reshape(views, -1), low.reshape(views, -1), high.reshape(views, -1), couple_batch)
    return as_views(features, depth, opacity, resolution)


def draw_noise(sampling: Sampling, rays: int, config: RenderingConfig, device: torch.device) -> tuple[Tensor, Tensor]:
    """Jitter and quantiles of all rays; one row where they are all alike."""
    jitter = sampling.uniform((rays, config.depth_resolution), device)
    return jitter, sampling.quantiles((rays, config.depth_resolution_importance), device)


def as_views(features: Tensor, depth: Tensor, opacity: Tensor, resolution: int) -> RenderedRays:
    """Flat ``features [V·r·r, C]``, ``depth [V, r·r]``, ``opacity [V·r·r]``, as pictures."""
    views = len(depth)
    return RenderedRays(
        rearrange(features, "(v h w) c -> v c h w", v=views, w=resolution),
        rearrange(depth, "v (h w) -> v 1 h w", w=resolution),
        rearrange(opacity, "(v h w) -> v 1 h w", v=views, w=resolution),
    )


def _default_chunk(device: torch.device) -> int:
    if device.type != "cpu":
        return _RAYS_PER_CHUNK
    return _RAYS_PER_CHUNK_CPU_GRAD if torch.is_grad_enabled() else _RAYS_PER_CHUNK_CPU


def _run_chunk(scene: Volume, rays: RayBatch, config: RenderingConfig, jitter: Tensor, quantiles: Tensor):
    if not torch.is_grad_enabled():
        return render_rays(scene, rays, config, jitter, quantiles)
    return checkpoint(
        render_rays, scene, rays, config, jitter, quantiles, use_reentrant=False, preserve_rng_state=False
    )


def clamp_depth(depth: Tensor, low: Tensor, high: Tensor, couple_batch: bool) -> Tensor:
    # A ray without any weight has depth 0/0; the published code puts it at the far end.
    dims = (0, 1) if couple_batch else (1,)
    low, high = low.amin(dims, keepdim=True), high.amax(dims, keepdim=True)
    return torch.clamp(depth.nan_to_num(math.inf), low, high)


def render_rays(scene: Volume, rays: RayBatch, config: RenderingConfig, jitter: Tensor, quantiles: Tensor):
    """Coarse pass, importance pass, compositing of R rays.

    Returns ``(features [R, C], depth [R], opacity [R], smallest depth [R], largest depth [R])``; depth is not
    clamped yet (NaN where nothing was hit).
    """
    features, depth, opacity, low, high = composite_rays(scene, rays, config, jitter, quantiles)
    if config.white_back:
        features = features + (1 - opacity)[:, None]
    return scene.decoder.signed(features), depth, opacity, low, high


def composite_rays(scene: Volume, rays: RayBatch, config: RenderingConfig, jitter: Tensor, quantiles: Tensor):
    """The same with the colours as they were composited, before anything behind the volume."""
    lines = rays_through(scene, rays)
    depths = volume.stratified_depths(
        rays.near, rays.far, config.depth_resolution, jitter, config.disparity_space_sampling
    )
    densities, logits = query_rays(scene, lines, depths)
    passes = [logits]
    order = None
    if config.depth_resolution_importance:
        with torch.no_grad():
            weights = volume.compositing_weights(densities, depths)
            fine = volume.importance_depths(depths, weights, quantiles)
        fine_densities, fine_logits = query_rays(scene, lines, fine)
        passes.append(fine_logits)
        depths, order = torch.cat([depths, fine], -1).sort(-1)
        densities = torch.cat([densities, fine_densities], -1).gather(1, order)
    weights = volume.compositing_weights(densities, depths)
    coefficients = volume.sample_coefficients(weights)
    opacity = weights.sum(-1)
    hit = opacity > 0  # dividing by one elsewhere keeps NaN out of the gradient
    depth = torch.where(hit, (coefficients * depths).sum(-1) / torch.where(hit, opacity, 1.0), torch.nan)
    if order is not None:  # back to the order in which the colours were computed
        coefficients = torch.zeros_like(coefficients).scatter(1, order, coefficients)
    parts = coefficients.split([logits.shape[1] for logits in passes], 1)
    features = scene.decoder.composite(parts, passes, opacity)
    return features, depth, opacity, depths[:, 0], depths[:, -1]
