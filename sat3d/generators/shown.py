"""Views whose gradient goes through what shows: the picture is nearly exact, most of its gradient's time saved.

A ray has dozens of samples, of which a handful near the surface make its colour. All are looked at without gradients
(``tracing.py``); those whose share of the colour is above a threshold are computed once more, with gradients. A
sample's gradient is about as large as its share, so hardly anything is lost.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from . import volume
from .config import RenderingConfig
from .rays import RayBatch, make_rays
from .renderer import RenderedRays, as_views
from .scene import Volume
from .sparse import coarse_depths
from .tracing import Traced, trace_faces

LEAST_SHARE = 1e-3  # of a ray's colour


def render_shown(
    scene: Volume, camera: Tensor, resolution: int, config: RenderingConfig, least_share: float = LEAST_SHARE
) -> RenderedRays:
    """As :func:`renderer.render_volume`, at the midpoints of the samples' bins; depths get no gradient.

    ``least_share`` 0 gives the whole gradient.
    """
    rays = make_rays(camera, resolution, config, len(scene.planes))
    traced = trace_faces(replace(scene, planes=scene.planes.detach(), quick=True), rays, config, least_share)
    found = composite(scene, rays.slice(traced.ray), traced)
    middle = volume.Sampling().uniform((1, 1), camera.device)
    depth = coarse_depths(rays, config, config.depth_resolution, middle)[:, -1]  # of rays that meet nothing
    nothing = camera.new_zeros(len(depth), traced.rest.shape[1]), depth, torch.zeros_like(depth)
    colour, depth, opacity = (all_.index_copy(0, traced.ray, own) for all_, own in zip(nothing, found, strict=True))
    if config.white_back:
        colour = colour + (1 - opacity)[:, None]
    return as_views(scene.decoder.signed(colour), depth.reshape(len(camera), -1), opacity, resolution)


def composite(scene: Volume, rays: RayBatch, traced: Traced) -> tuple[Tensor, Tensor, Tensor]:
    """The heavy samples once more, with gradients, and everything put together: colours ``[R, C]``, depths ``[R]``,
    opacities ``[R]``."""
    ray, sample = traced.heavy.nonzero(as_tuple=True)
    points = rays.origins[ray] + traced.depths[ray, sample, None] * rays.directions[ray]
    density, logits = query_points_at(scene, points, None if rays.volume_index is None else rays.volume_index[ray])
    densities = traced.densities.index_put((ray, sample), density)
    weights = volume.compositing_weights(densities, traced.depths)
    shares = volume.sample_coefficients(weights)[ray, sample]
    colour = traced.rest.index_add(0, ray, shares[:, None] * scene.decoder.colours(logits))
    opacity = weights.sum(-1)
    return colour, _mean_depth(weights.detach(), traced.depths), opacity


def _mean_depth(weights: Tensor, depths: Tensor) -> Tensor:
    """``[R]``; of rays that meet nothing the far end."""
    mean = (volume.sample_coefficients(weights) * depths).sum(-1) / weights.sum(-1)
    return torch.where(weights.sum(-1) > 0, mean, depths[:, -1])


def query_points_at(scene: Volume, points: Tensor, index: Tensor | None) -> tuple[Tensor, Tensor]:
    """World ``points [M, 3]``, each in the volume of its ``index [M]`` -> raw density ``[M]`` as it is rendered, logits
    ``[M, C]``."""
    density, logits = scene.query(scene.places(points.T), index)
    return scene.as_seen(density, points), logits
