"""The volume renderer: chunks of rays through planes, decoder and compositing, without ever storing all samples.

Rays are independent, so a chunk that fits the cache is rendered at a time. With gradients each chunk is recomputed in
the backward pass (checkpointing), so that memory stays that of one chunk. ``reference.py`` is the readable twin.
"""

import math
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from . import volume
from .config import RenderingConfig
from .layers import FullyConnected
from .planes import sample_planes, texel_points, texel_rays, warp_space
from .rays import camera_rays, ray_limits
from .volume import Sampling

_RAYS_PER_CHUNK_CPU = 1024  # fits the cache
_RAYS_PER_CHUNK_CPU_GRAD = 2048  # each chunk's gradient is as large as the planes: fewer are better
_RAYS_PER_CHUNK = 16384
_SIGMOID_WIDEN, _SIGMOID_SHIFT = 1.002, 0.001


class Decoder(nn.Module):
    """The small MLP between plane features and (density, colour features)."""

    def __init__(self, features: int, hidden: int, lr_mul: float, density_gain: float = 1.0):
        super().__init__()
        self.density_gain = density_gain
        self.net = nn.Sequential(
            FullyConnected(features, hidden, lr_mul), nn.Softplus(), FullyConnected(hidden, 1 + features, lr_mul)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean plane features ``[…, C]`` -> raw density ``[…]`` and colour logits ``[…, C]``."""
        y = self.net(x)
        density = y[..., 0] if self.density_gain == 1 else y[..., 0] * self.density_gain
        return density, y[..., 1:]


def widened_sigmoid(logits: Tensor) -> Tensor:
    """Colours slightly outside 0..1, so that the sigmoid can reach both ends (mip-NeRF)."""
    return torch.sigmoid(logits) * _SIGMOID_WIDEN - _SIGMOID_SHIFT


@dataclass(frozen=True)
class Volume:
    """What a renderer looks through: planes, their projection, the decoder."""

    planes: Tensor  # [B, H, W, P, C]
    projection: Tensor  # [3, P, 2]
    decoder: Decoder
    box_warp: float = 1.0
    plane_warp: float = 0.0

    def place(self, points: Tensor) -> Tensor:
        """World points where the planes see them."""
        return warp_space(points, self.box_warp, self.plane_warp) if self.plane_warp else points

    def texels(self, points: Tensor) -> Tensor:
        """World ``points [3, M]`` -> texel units ``[P, 2, M]``."""
        return texel_points(self.place(points), self.projection, self.planes.shape[1:3])


@dataclass(frozen=True)
class RayBatch:
    """R rays, flat over views; ``volume_index`` says which planes a ray reads (None: all the first)."""

    origins: Tensor  # [R, 3]
    directions: Tensor  # [R, 3]
    near: Tensor  # [R]
    far: Tensor  # [R]
    volume_index: Tensor | None  # [R] int64

    def slice(self, part: slice) -> "RayBatch":
        index = None if self.volume_index is None else self.volume_index[part]
        return RayBatch(self.origins[part], self.directions[part], self.near[part], self.far[part], index)


@dataclass(frozen=True)
class RenderedRays:
    """Per view ``[V, …, r, r]``: features in about -1..1, depth in world units, opacity 0..1."""

    features: Tensor  # [V, C, r, r]
    depth: Tensor  # [V, 1, r, r]
    opacity: Tensor  # [V, 1, r, r]


def make_rays(
    camera: Tensor, resolution: int, config: RenderingConfig, num_volumes: int, couple_batch: bool = False
) -> RayBatch:
    """All rays of ``camera [V, 25]``; view v reads volume v, or all the only one."""
    origins, directions = camera_rays(camera, resolution)
    near, far = ray_limits(origins, directions, config, couple_batch)
    index = None
    if num_volumes > 1:
        index = torch.arange(num_volumes, device=camera.device).repeat_interleave(resolution**2)
    return RayBatch(origins.reshape(-1, 3), directions.reshape(-1, 3), near.reshape(-1), far.reshape(-1), index)


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
    jitter = sampling.uniform((len(rays.near), config.depth_resolution), camera.device)
    quantiles = sampling.quantiles((len(rays.near), config.depth_resolution_importance), camera.device)
    chunk = rays_per_chunk or _default_chunk(camera.device)
    outputs = []
    for low in range(0, len(rays.near), chunk):
        part = slice(low, low + chunk)
        noise = [x if len(x) == 1 else x[part] for x in (jitter, quantiles)]
        outputs.append(_run_chunk(scene, rays.slice(part), config, *noise))
    features, depth, opacity, low, high = (torch.cat(parts) for parts in zip(*outputs, strict=True))
    views = camera.shape[0]
    depth = _clamp_depth(depth.reshape(views, -1), low.reshape(views, -1), high.reshape(views, -1), couple_batch)
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


def _clamp_depth(depth: Tensor, low: Tensor, high: Tensor, couple_batch: bool) -> Tensor:
    # A ray without any weight has depth 0/0; the published code puts it at the far end.
    dims = (0, 1) if couple_batch else (1,)
    low, high = low.amin(dims, keepdim=True), high.amax(dims, keepdim=True)
    return torch.clamp(depth.nan_to_num(math.inf), low, high)


def render_rays(scene: Volume, rays: RayBatch, config: RenderingConfig, jitter: Tensor, quantiles: Tensor):
    """Coarse pass, importance pass, compositing of R rays.

    Returns ``(features [R, C], depth [R], opacity [R], smallest depth [R], largest depth [R])``; depth is not
    clamped yet (NaN where nothing was hit).
    """
    texels = WarpedRays(scene, rays) if scene.plane_warp else TexelRays.of(scene, rays)
    depths = volume.stratified_depths(
        rays.near, rays.far, config.depth_resolution, jitter, config.disparity_space_sampling
    )
    densities, logits = query_rays(scene, texels, depths)
    passes = [logits]
    order = None
    if config.depth_resolution_importance:
        with torch.no_grad():
            weights = volume.compositing_weights(densities, depths)
            fine = volume.importance_depths(depths, weights, quantiles)
        fine_densities, fine_logits = query_rays(scene, texels, fine)
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
    features = _composite(coefficients, passes, opacity)
    if config.white_back:
        features = features + (1 - opacity)[:, None]
    return features * 2 - 1, depth, opacity, depths[:, 0], depths[:, -1]


@dataclass(frozen=True)
class TexelRays:
    """Rays as lines on the planes: depth t is at ``middle + (t - depth)·step``, texel units."""

    middle: Tensor  # [P, 2, R]
    step: Tensor  # [P, 2, R]
    depth: Tensor  # [R]
    volume_index: Tensor | None  # [R]

    @classmethod
    def of(cls, scene: Volume, rays: RayBatch) -> "TexelRays":
        depth = (rays.near + rays.far) / 2
        lines = texel_rays(rays.origins, rays.directions, depth, scene.projection, scene.planes.shape[1:3])
        return cls(*lines, depth, rays.volume_index)

    def texels(self, depths: Tensor) -> Tensor:
        """``depths [R, N]`` -> ``[P, 2, R·N]``."""
        offset = depths - self.depth[:, None]
        return torch.addcmul(self.middle[..., None], offset, self.step[..., None]).flatten(2)


@dataclass(frozen=True)
class WarpedRays:
    """Rays through warped space, where they are curves: every sample is placed by itself."""

    scene: Volume
    rays: RayBatch

    @property
    def volume_index(self) -> Tensor | None:
        return self.rays.volume_index

    def texels(self, depths: Tensor) -> Tensor:
        """``depths [R, N]`` -> ``[P, 2, R·N]``."""
        origins, directions = self.rays.origins.T[..., None], self.rays.directions.T[..., None]
        return self.scene.texels(torch.addcmul(origins, depths, directions).flatten(1))


def query_rays(scene: Volume, rays: TexelRays | WarpedRays, depths: Tensor) -> tuple[Tensor, Tensor]:
    """``depths [R, N]`` -> raw density ``[R, N]`` and colour logits ``[R, N, C]`` at those points."""
    num = depths.shape[1]
    texels = rays.texels(depths)
    index = None if rays.volume_index is None else rays.volume_index.repeat_interleave(num)
    density, logits = scene.decoder(sample_planes(scene.planes, texels, index))
    return density.unflatten(0, (-1, num)), logits.unflatten(0, (-1, num))


def _composite(coefficients: Tensor, passes: list[Tensor], opacity: Tensor) -> Tensor:
    """Σ_j c_j · colour_j; the sigmoid's widening is linear, so it is applied to the sum."""
    parts = coefficients.split([logits.shape[1] for logits in passes], 1)
    total = sum(torch.einsum("rn,rnc->rc", c, torch.sigmoid(logits)) for c, logits in zip(parts, passes, strict=True))
    return total * _SIGMOID_WIDEN - opacity[:, None] * _SIGMOID_SHIFT


def query_points(scene: Volume, points: Tensor) -> tuple[Tensor, Tensor]:
    """World ``points [B, M, 3]`` -> raw density ``[B, M]`` and colour features ``[B, M, C]`` (about 0..1)."""
    flat = points.reshape(-1, 3)
    if scene.plane_warp:
        texels = scene.texels(flat.T)
    else:
        still = torch.zeros_like(flat)
        texels, _ = texel_rays(flat, still, still[:, 0], scene.projection, scene.planes.shape[1:3])
    index = None
    if scene.planes.shape[0] > 1:
        index = torch.arange(points.shape[0], device=points.device).repeat_interleave(points.shape[1])
    density, logits = scene.decoder(sample_planes(scene.planes, texels, index))
    return density.reshape(points.shape[:2]), widened_sigmoid(logits).reshape(*points.shape[:2], -1)
