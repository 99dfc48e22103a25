"""The readable twin of the fast path: the usual implementation, whole tensors at a time, nothing folded or chunked.

Weights are modulated for every sample and run as a grouped convolution, all planes are read by ``grid_sample`` for all
samples of all rays at once, colours are sorted along the ray. Same networks, same numbers; slower and far larger.
Tests compare values and gradients of both; the benchmark times both in one run.
"""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..camera import check_label
from . import volume
from .balls import ball_coordinates, ball_weights
from .layers import LRELU_GAIN, LRELU_SLOPE
from .lines import beyond
from .planes import sample_planes_reference
from .rays import RayBatch, camera_rays, ray_limits
from .scene import Volume
from .synthesis import SynthesisBlock, SynthesisLayer, ToRGB
from .triplane import TriplaneGenerator
from .volume import Sampling


def fir_kernel(like: Tensor, channels: int) -> Tensor:
    """outer([1,3,3,1])/64, one copy per channel."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], device=like.device, dtype=like.dtype)
    return (torch.outer(taps, taps) / 64).expand(channels, 1, 4, 4)


def upsample(image: Tensor) -> Tensor:
    """Zero insertion ×2, padding 2 before and 1 after, low-pass filter with gain 4."""
    batch, channels, height, width = image.shape
    stuffed = image.new_zeros(batch, channels, 2 * height, 2 * width)
    stuffed[:, :, ::2, ::2] = image
    return F.conv2d(F.pad(stuffed, (2, 1, 2, 1)), 4 * fir_kernel(image, channels), groups=channels)


def modulated_conv(x: Tensor, weight: Tensor, style: Tensor, demodulate: bool, up: bool) -> Tensor:
    """Per-sample weights w·s (·1/‖w·s‖), as one grouped convolution."""
    batch = x.shape[0]
    w = weight[None] * style.expand(batch, -1)[:, None, :, None, None]
    if demodulate:
        w = w * (w.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()
    if weight.shape[-1] == 1:  # plain products: the gradient of the grouped form disagreed with finite differences
        return torch.einsum("boi,bihw->bohw", w[..., 0, 0], x)
    grouped = rearrange(x, "b i h w -> 1 (b i) h w")
    if up:
        y = F.conv_transpose2d(grouped, rearrange(w, "b o i h w -> (b i) o h w"), stride=2, groups=batch)
        y = rearrange(y, "1 (b o) h w -> b o h w", b=batch)
        return F.conv2d(y, 4 * fir_kernel(y, y.shape[1]), padding=1, groups=y.shape[1])
    y = F.conv2d(grouped, rearrange(w, "b o i h w -> (b o) i h w"), padding=weight.shape[-1] // 2, groups=batch)
    return rearrange(y, "1 (b o) h w -> b o h w", b=batch)


def layer(module: SynthesisLayer, x: Tensor, style: Tensor, with_noise: bool) -> Tensor:
    y = modulated_conv(x, module.weight, style, demodulate=True, up=module.up)
    if with_noise:
        y = y + module.noise_const * module.noise_strength
    y = F.leaky_relu(y + module.bias[:, None, None], LRELU_SLOPE) * LRELU_GAIN
    return y if module.clamp is None else y.clamp(-module.clamp, module.clamp)


def to_rgb(module: ToRGB, x: Tensor, style: Tensor) -> Tensor:
    y = modulated_conv(x, module.weight, style * module.weight_gain, demodulate=False, up=False)
    y = y + module.bias[:, None, None]
    return y if module.clamp is None else y.clamp(-module.clamp, module.clamp)


def block(module: SynthesisBlock, x: Tensor | None, image: Tensor, styles: list[Tensor], with_noise: bool):
    """One resolution: features and skip image in, features and skip image out."""
    if x is None:
        x = layer(module.conv1, module.const[None].repeat(len(styles[0]), 1, 1, 1), styles[0], with_noise)
        return x, to_rgb(module.torgb, x, styles[1])
    x = layer(module.conv0, x, styles[0], with_noise)
    x = layer(module.conv1, x, styles[1], with_noise)
    return x, (upsample(image) if module.up else image) + to_rgb(module.torgb, x, styles[2])


def run_blocks(
    blocks: list[tuple[str, SynthesisBlock]],
    styles: dict[str, Tensor],
    prefix: str,
    x: Tensor | None,
    image: Tensor,
    with_noise: bool,
) -> Tensor:
    for name, module in blocks:
        own = [styles[f"{prefix}{name}.{part}"] for part, _ in module.style_layers()]
        x, image = block(module, x, image, own, with_noise)
    return image


def planes(network: TriplaneGenerator, styles: Tensor) -> Tensor:
    """``styles [B, S]`` -> planes as of :meth:`TriplaneGenerator.planes` (a copy in the fast path's order)."""
    image = run_blocks(network.backbone.blocks(), network.layout.split(styles), "backbone.", None, torch.empty(0), True)
    return network.arrange(image)


def render_features(
    network: TriplaneGenerator, planes: Tensor, camera: Tensor, resolution: int, sampling: Sampling | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Features ``[V, C, r, r]``, depth and opacity ``[V, 1, r, r]`` of ``camera [V, 25]``; per-view depth clamp."""
    check_label(camera)
    config, sampling = network.config.rendering, sampling or Sampling()
    scene = network.volume(planes.expand(len(camera), *planes.shape[1:]))
    origins, directions = camera_rays(camera, resolution)
    near, far = ray_limits(origins, directions, config)
    rays = near.numel()
    jitter = sampling.uniform((rays, config.depth_resolution), camera.device)
    depths = volume.stratified_depths(
        near.flatten(), far.flatten(), config.depth_resolution, jitter, config.disparity_space_sampling
    )
    densities, colors = _query_all(scene, origins, directions, depths)
    if config.depth_resolution_importance:
        weights = volume.compositing_weights(densities, depths)
        quantiles = sampling.quantiles((rays, config.depth_resolution_importance), camera.device)
        fine = volume.importance_depths(depths, weights, quantiles)
        fine_densities, fine_colors = _query_all(scene, origins, directions, fine)
        depths, order = torch.cat([depths, fine], 1).sort(1)
        densities = torch.cat([densities, fine_densities], 1).gather(1, order)
        colors = torch.cat([colors, fine_colors], 1).gather(1, order[..., None].expand(-1, -1, colors.shape[-1]))
    views = (len(camera), resolution, resolution)
    features, depth, opacity = _march(depths, densities, colors, config.white_back, views)
    return scene.decoder.signed(features), depth, opacity


def _query_all(scene: Volume, origins: Tensor, directions: Tensor, depths: Tensor) -> tuple[Tensor, Tensor]:
    views, rays = origins.shape[:2]
    points = origins[:, :, None] + depths.reshape(views, rays, -1, 1) * directions[:, :, None]
    density, logits = scene.decoder(plane_features(scene, points.flatten(1, 2)).mean(1))
    density, colors = density.reshape(depths.shape), scene.decoder.colours(logits).reshape(*depths.shape, -1)
    if scene.half_seen is not None:
        lines = RayBatch(origins.flatten(0, 1), directions.flatten(0, 1), depths[:, 0], depths[:, -1], None)
        density = torch.where(beyond(lines, depths, scene.half_seen), -1000.0, density)
    return density, colors


def plane_features(scene: Volume, points: Tensor) -> Tensor:
    """World ``points [B, M, 3]`` -> what each plane says of them ``[B, P, M, C]``; planes of two balls are fused."""
    if not scene.in_balls:
        return sample_planes_reference(scene.planes, scene.place(points), scene.projection)
    num = scene.projection.shape[1]
    total = torch.zeros(())
    coordinates = ball_coordinates(points.flatten(0, 1).T, scene.box_warp).unflatten(2, points.shape[:2])
    weights = ball_weights(coordinates)
    for ball, weight, planes in zip(coordinates, weights, scene.planes.split(num, 3), strict=True):
        found = sample_planes_reference(planes, ball.permute(1, 2, 0), scene.projection)
        total = total + found * weight[:, None, :, None]
    return total / (weights.sum(0) + 1e-8)[:, None, :, None]


def _march(depths: Tensor, densities: Tensor, colors: Tensor, white_back: bool, shape: tuple[int, int, int]):
    weights = volume.compositing_weights(densities, depths)
    opacity = weights.sum(1)
    features = (weights[..., None] * (colors[:, 1:] + colors[:, :-1]) / 2).sum(1)
    depth = (weights * (depths[:, 1:] + depths[:, :-1]) / 2).sum(1) / opacity
    depth, all_depths = depth.reshape(shape[0], -1).nan_to_num(math.inf), depths.reshape(shape[0], -1)
    depth = torch.clamp(depth, all_depths.amin(1, keepdim=True), all_depths.amax(1, keepdim=True))
    if white_back:
        features = features + (1 - opacity)[:, None]
    image = features.reshape(*shape, -1).permute(0, 3, 1, 2)
    return image, depth.reshape(shape)[:, None], opacity.reshape(shape)[:, None]


def superresolve(network: TriplaneGenerator, features: Tensor, styles: Tensor) -> Tensor:
    """``features [V, C, r, r]``, ``styles [1 or V, S]`` -> ``[V, 3, H, H]`` (super-resolution noise off)."""
    x, raw = (network.superresolution.resize(part) for part in (features, network.raw_image(features, styles)))
    return run_blocks(network.superresolution.blocks(), network.layout.split(styles), "superresolution.", x, raw, False)


def synthesize(network: TriplaneGenerator, styles: Tensor, camera: Tensor) -> Tensor:
    """``styles [B, S]``, ``camera [V, 25]`` -> images ``[V, 3, H, H]``."""
    features, _, opacity = render_features(
        network, planes(network, styles), camera, network.config.neural_rendering_resolution
    )
    return superresolve(network, network.before_background(features, opacity, styles), styles)
