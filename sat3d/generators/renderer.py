"""The volume renderer: chunks of rays through planes, decoder and compositing, without ever storing all samples.

Rays are independent, so a chunk that fits the cache is rendered at a time. With gradients each chunk is recomputed in
the backward pass (checkpointing), so that memory stays that of one chunk. ``reference.py`` is the readable twin.
"""

import math
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from . import volume
from .balls import ball_places
from .config import Activation, RenderingConfig
from .layers import LRELU_GAIN, LRELU_SLOPE, FullyConnected, softplus
from .planes import grid_size, sample_planes, texel_points, texel_rays, warp_space
from .rays import camera_rays, ray_limits
from .volume import Sampling

_RAYS_PER_CHUNK_CPU = 1024  # fits the cache
_RAYS_PER_CHUNK_CPU_GRAD = 2048  # each chunk's gradient is as large as the planes: fewer are better
_RAYS_PER_CHUNK = 16384
SIGMOID_WIDEN, SIGMOID_SHIFT = 1.002, 0.001
CROPPED_DENSITY = -1000.0  # raw: an interval with even one end of it is clear


class Decoder(nn.Module):
    """The small MLP between plane features and (density, colour features).

    ``activation`` of the colours: a widened sigmoid (0..1, made -1..1 after compositing), leaky ReLU times √2, or none.
    """

    def __init__(
        self, features: int, hidden: int, lr_mul: float, density_gain: float = 1.0, activation: Activation = "sigmoid"
    ):
        super().__init__()
        self.density_gain, self.activation = density_gain, activation
        self.net = nn.Sequential(
            FullyConnected(features, hidden, lr_mul), nn.Softplus(), FullyConnected(hidden, 1 + features, lr_mul)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean plane features ``[…, C]`` -> raw density ``[…]`` and colour logits ``[…, C]``."""
        y = self.net[2](self.hidden(x))
        density = y[..., 0] if self.density_gain == 1 else y[..., 0] * self.density_gain
        return density, y[..., 1:]

    @property
    def layers(self) -> tuple[FullyConnected, FullyConnected]:
        """Before and after the softplus."""
        return cast(FullyConnected, self.net[0]), cast(FullyConnected, self.net[2])

    def hidden(self, x: Tensor) -> Tensor:
        """Mean plane features ``[…, C]`` -> hidden units ``[…, H]``, of which density and colours are linear."""
        return softplus(self.net[0](x))

    def density(self, hidden: Tensor) -> Tensor:
        """Hidden units ``[…, H]`` -> raw density ``[…]``."""
        weight, bias = (part[0] for part in self.layers[1].scaled())
        density = torch.mv(hidden.flatten(0, -2), weight).add_(bias).mul_(self.density_gain)
        return density.view(hidden.shape[:-1])

    def logits(self, hidden: Tensor) -> Tensor:
        """Hidden units ``[…, H]`` -> colour logits ``[…, C]``."""
        return F.linear(hidden, *(part[1:] for part in self.layers[1].scaled()))

    def colours(self, logits: Tensor) -> Tensor:
        """What is composited."""
        if self.activation == "sigmoid":
            return widened_sigmoid(logits)
        return logits if self.activation == "none" else F.leaky_relu(logits, LRELU_SLOPE) * LRELU_GAIN

    def narrow_colours(self, logits: Tensor) -> Tensor:
        """Colours before a sigmoid's widening, which is linear: :meth:`widened` applies it to their sum."""
        return torch.sigmoid(logits) if self.activation == "sigmoid" else self.colours(logits)

    def widened(self, total: Tensor, opacity: Tensor) -> Tensor:
        """Sums of narrow colours ``[R, C]`` whose weights add up to ``opacity [R]``."""
        return total * SIGMOID_WIDEN - opacity[:, None] * SIGMOID_SHIFT if self.activation == "sigmoid" else total

    def signed(self, features: Tensor) -> Tensor:
        """Composited features as the layers behind want them: of a sigmoid -1..1."""
        return features * 2 - 1 if self.activation == "sigmoid" else features


def widened_sigmoid(logits: Tensor) -> Tensor:
    """Colours slightly outside 0..1, so that the sigmoid can reach both ends (mip-NeRF)."""
    return torch.sigmoid(logits) * SIGMOID_WIDEN - SIGMOID_SHIFT


@dataclass(frozen=True)
class Places:
    """Where M points lie on P planes: ``texels [P, k, M]``; ``shares [P, M]`` of the features, None: all alike."""

    texels: Tensor
    shares: Tensor | None = None


@dataclass(frozen=True)
class Volume:
    """What a renderer looks through: planes, their projection, the decoder.

    ``in_balls``: the planes are those of two balls. ``half_seen``: beyond it, in x and z, nothing is rendered (None:
    everything is).
    """

    planes: Tensor  # [B, H, W, P, C], grids [B, H, W, P, D, C]
    projection: Tensor  # [3, P, 2], of grids [3, P, 3]; of balls those of one
    decoder: Decoder
    box_warp: float = 1.0
    plane_warp: float = 0.0
    in_balls: bool = False
    half_seen: float | None = None

    @property
    def is_straight(self) -> bool:
        """Whether rays are lines on the planes."""
        return not (self.plane_warp or self.in_balls)

    def place(self, points: Tensor) -> Tensor:
        """World points where the planes see them."""
        return warp_space(points, self.box_warp, self.plane_warp) if self.plane_warp else points

    def places(self, points: Tensor) -> Places:
        """World ``points [3, M]`` on the planes."""
        size = grid_size(self.planes)
        if self.in_balls:
            return Places(*ball_places(points, self.box_warp, self.projection, size))
        return Places(texel_points(self.place(points), self.projection, size))

    def query(self, places: Places, volume_index: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Raw density ``[M]`` and colour logits ``[M, C]``; ``volume_index [M]`` as in :class:`RayBatch`."""
        return self.decoder(self.features(places, volume_index))

    @property
    def channels(self) -> int:
        """C: of what the decoder gives to be composited."""
        return self.planes.shape[-1]

    def lines(self, origins: Tensor, directions: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Rays as lines on the planes, where they are straight: see :func:`.planes.texel_rays`."""
        return texel_rays(origins, directions, depth, self.projection, grid_size(self.planes))

    def features(self, places: Places, volume_index: Tensor | None = None) -> Tensor:
        """What the decoder gets, ``[M, C]``."""
        return sample_planes(self.planes, places.texels, volume_index, places.shares)

    def as_seen(self, density: Tensor, points: Tensor) -> Tensor:
        """Raw ``density [M]`` at world ``points [M, 3]`` as it is rendered: thin where nothing ever is."""
        if self.half_seen is None:
            return density
        return density.masked_fill((points[:, [0, 2]].abs() > self.half_seen).any(1), CROPPED_DENSITY)


@dataclass(frozen=True)
class RayBatch:
    """R rays, flat over views; ``volume_index`` says which planes a ray reads (None: all the first)."""

    origins: Tensor  # [R, 3]
    directions: Tensor  # [R, 3]
    near: Tensor  # [R]
    far: Tensor  # [R]
    volume_index: Tensor | None  # [R] int64

    def slice(self, part: "slice | Tensor") -> "RayBatch":
        index = None if self.volume_index is None else self.volume_index[part]
        return RayBatch(self.origins[part], self.directions[part], self.near[part], self.far[part], index)

    def points(self, ray: Tensor, depths: Tensor) -> Tensor:
        """World points ``[M, 3]`` of ``ray [M]`` at ``depths [M]``."""
        return torch.addcmul(self.origins[ray], depths[:, None], self.directions[ray])


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
    features = _composite(scene.decoder, coefficients, passes, opacity)
    return features, depth, opacity, depths[:, 0], depths[:, -1]


@dataclass(frozen=True)
class TexelRays:
    """Rays as lines on the planes: depth t is at ``middle + (t - depth)·step``, texel units."""

    middle: Tensor  # [P, k, R]
    step: Tensor  # [P, k, R]
    depth: Tensor  # [R]
    rays: RayBatch

    @classmethod
    def of(cls, scene: Volume, rays: RayBatch) -> "TexelRays":
        depth = (rays.near + rays.far) / 2
        return cls(*scene.lines(rays.origins, rays.directions, depth), depth, rays)

    def places(self, depths: Tensor) -> Places:
        """``depths [R, N]`` -> R·N places."""
        offset = depths - self.depth[:, None]
        return Places(torch.addcmul(self.middle[..., None], offset, self.step[..., None]).flatten(2))

    def places_of(self, ray: Tensor, depths: Tensor) -> Places:
        """M single samples: of ``ray [M]`` at ``depths [M]``."""
        middle, step = (line.index_select(2, ray) for line in (self.middle, self.step))
        return Places(torch.addcmul(middle, depths - self.depth[ray], step))


@dataclass(frozen=True)
class WarpedRays:
    """Rays through warped space or balls, where they are curves: every sample is placed by itself."""

    scene: Volume
    rays: RayBatch

    def places(self, depths: Tensor) -> Places:
        """``depths [R, N]`` -> R·N places."""
        origins, directions = self.rays.origins.T[..., None], self.rays.directions.T[..., None]
        return self.scene.places(torch.addcmul(origins, depths, directions).flatten(1))

    def places_of(self, ray: Tensor, depths: Tensor) -> Places:
        """M single samples: of ``ray [M]`` at ``depths [M]``."""
        return self.scene.places(self.rays.points(ray, depths).T)


def rays_through(scene: Volume, rays: RayBatch) -> TexelRays | WarpedRays:
    """The rays as the planes see them."""
    return TexelRays.of(scene, rays) if scene.is_straight else WarpedRays(scene, rays)


def query_rays(scene: Volume, lines: TexelRays | WarpedRays, depths: Tensor) -> tuple[Tensor, Tensor]:
    """``depths [R, N]`` -> raw density ``[R, N]`` and colour logits ``[R, N, C]`` at those points."""
    num, index = depths.shape[1], lines.rays.volume_index
    index = None if index is None else index.repeat_interleave(num)
    density, logits = scene.query(lines.places(depths), index)
    density = density.unflatten(0, (-1, num))
    if scene.half_seen is not None:
        density = density.masked_fill(beyond(lines.rays, depths, scene.half_seen), CROPPED_DENSITY)
    return density, logits.unflatten(0, (-1, num))


def beyond(rays: RayBatch, depths: Tensor, half_seen: float) -> Tensor:
    """``depths [R, N]`` -> ``[R, N]`` bool: samples farther than ``half_seen`` from the middle, in x or in z."""
    x, z = (rays.origins[:, axis, None] + depths * rays.directions[:, axis, None] for axis in (0, 2))
    return (x.abs() > half_seen) | (z.abs() > half_seen)


def _composite(decoder: Decoder, coefficients: Tensor, passes: list[Tensor], opacity: Tensor) -> Tensor:
    """Σ_j c_j · colour_j."""
    parts = coefficients.split([logits.shape[1] for logits in passes], 1)
    colours = [decoder.narrow_colours(logits) for logits in passes]
    sums = [torch.einsum("rn,rnc->rc", c, colour) for c, colour in zip(parts, colours, strict=True)]
    return decoder.widened(sums[0] if len(sums) == 1 else sums[0] + sums[1], opacity)


def query_points(scene: Volume, points: Tensor, as_seen: bool = False) -> tuple[Tensor, Tensor]:
    """World ``points [B, M, 3]`` -> raw density ``[B, M]`` and colour features ``[B, M, C]`` (of a sigmoid about
    0..1); ``as_seen``: what is never rendered is as thin as the renderer takes it to be."""
    flat = points.reshape(-1, 3)
    if scene.is_straight:
        still = torch.zeros_like(flat)
        places = Places(scene.lines(flat, still, still[:, 0])[0])
    else:
        places = scene.places(flat.T)
    index = None
    if scene.planes.shape[0] > 1:
        index = torch.arange(points.shape[0], device=points.device).repeat_interleave(points.shape[1])
    density, logits = scene.query(places, index)
    density = scene.as_seen(density, flat) if as_seen else density
    return density.reshape(points.shape[:2]), scene.decoder.colours(logits).reshape(*points.shape[:2], -1)


def composited(shares: Tensor, colours: Tensor) -> Tensor:
    """``shares [V, N]``, ``colours [V, N, C]`` -> their weighted mean ``[V, C]``, also where the shares are not one."""
    total = torch.einsum("vn,vnc->vc", shares, colours)
    return total / shares.sum(1, keepdim=True).clamp_min(1e-6)
