"""Small square pieces of true volume rendering, and of super-resolution on them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from sat3d.generators import Sampling, TriplaneGenerator
from sat3d.generators.bands import whole
from sat3d.generators.layers import upsample_image
from sat3d.generators.rays import RayBatch
from sat3d.generators.renderer import render_rays

from ..data.packed import HeadPack
from ..data.pixel_weights import UNIT
from .pixels import view_rays

_EVEN_CHANCE = 0.15  # of any place to be a patch's middle, beside what its pixels deserve


@dataclass(frozen=True)
class Patch:
    """One square of each of B heads, ``p`` rays a side, and what is truly seen there."""

    origin: Tensor  # [B, p·p, 3]
    direction: Tensor  # [B, p·p, 3]
    screen: Tensor  # [B, 2, p, p] in -1..1
    image: Tensor  # [B, 3, P, P] in -1..1 at the output's resolution
    raw: Tensor  # [B, 3, p, p] in -1..1
    opacity: Tensor  # [B, 1, p, p]: the share that is not background
    weight: Tensor  # [B, 1, P, P]: how much a pixel of the output teaches, 0 for most
    distance: Tensor  # [B, 1, p, p] along the ray, world units, 0 in the background


@dataclass(frozen=True)
class RenderedPatch:
    """The network's side of a :class:`Patch`; ``distance`` is NaN along a ray through nothing."""

    image: Tensor
    raw: Tensor
    opacity: Tensor
    distance: Tensor


def draw_patches(pack: HeadPack, heads: Tensor, side: int, config, generator: torch.Generator) -> Patch:
    """One patch of ``side`` rays of each head, preferably where there is much to learn."""
    neural, zoom = config.neural_rendering_resolution, pack.size // config.neural_rendering_resolution
    chance = F.avg_pool2d(pack.weight[heads].float() / UNIT, zoom * side, zoom * max(side // 4, 1)) + _EVEN_CHANCE
    cell = torch.multinomial(chance.flatten(1), 1, generator=generator)[:, 0]
    rows, columns = chance.shape[2:]
    view, place = cell // (rows * columns), cell % (rows * columns)
    step, last = max(side // 4, 1), neural - side
    shift = torch.randint(0, step, (2, len(heads)), generator=generator, device=heads.device)
    top = (torch.div(place, columns, rounding_mode="floor") * step + shift[0]).clamp(0, last)
    left = (place % columns * step + shift[1]).clamp(0, last)
    return cut_patches(pack, heads, view, torch.stack([top, left], 1), (side, neural))


def cut_patches(pack: HeadPack, heads: Tensor, view: Tensor, corner: Tensor, sizes: tuple[int, int]) -> Patch:
    """Patches of ``view [B]`` at ``corner [B, 2]`` (top, left); ``sizes``: rays a side of the patch, of the picture."""
    side, neural = sizes
    zoom = pack.size // neural
    reach = torch.arange(side * zoom, device=heads.device)
    y, x = (corner[:, axis, None] * zoom + reach for axis in (0, 1))
    pick = (heads[:, None, None], view[:, None, None], y[:, :, None], x[:, None, :])
    image = pack.image[pick].permute(0, 3, 1, 2).float() / 127.5 - 1
    flat = ((pick[0] * pack.views + pick[1]) * pack.size + pick[2]) * pack.size + pick[3]
    distance = pack.read_depth(flat)[:, None]
    opacity = F.avg_pool2d((distance > 0).float(), zoom)
    weight = pack.weight[pick][:, None].float() / UNIT
    screen = ((corner[:, :, None] + torch.arange(side, device=heads.device)).float() * 2 + 1) / neural - 1
    grid = torch.stack([screen[:, 1, None, :].expand(-1, side, -1), screen[:, 0, :, None].expand(-1, -1, side)], 1)
    origin, direction = view_rays(
        pack.camera[heads], view[:, None].expand(-1, side * side), grid.flatten(2).transpose(1, 2)
    )
    middle = distance[..., zoom // 2 :: zoom, zoom // 2 :: zoom]
    return Patch(origin, direction, grid, image, F.avg_pool2d(image, zoom), opacity, weight, middle)


def render_patch(
    network: TriplaneGenerator, planes: Tensor, styles: Tensor, patch: Patch, generator: torch.Generator
) -> RenderedPatch:
    """Render ``patch`` from ``planes [B, …]`` with jittered samples, and super-resolve it."""
    config, (batch, rays) = network.config.rendering, patch.origin.shape[:2]
    near = torch.full((batch * rays,), float(config.ray_start), device=planes.device)
    index = torch.arange(batch, device=planes.device).repeat_interleave(rays)
    flat = RayBatch(patch.origin.flatten(0, 1), patch.direction.flatten(0, 1), near,
                    torch.full_like(near, float(config.ray_end)), index)  # fmt: skip
    sampling = Sampling(generator)
    noise = (
        sampling.uniform((len(near), config.depth_resolution), planes.device),
        sampling.quantiles((len(near), config.depth_resolution_importance), planes.device),
    )
    features, distance, opacity, _, _ = render_rays(network.volume(planes), flat, config, *noise)
    side = patch.raw.shape[-2:]
    features = features.unflatten(0, (batch, -1)).transpose(1, 2).unflatten(2, side)
    opacity, distance = opacity.reshape(batch, 1, *side), distance.reshape(batch, 1, *side)
    features = network.before_background(features, opacity, styles, patch.screen)
    image = superresolve_patch(network, features, styles)
    return RenderedPatch(image, features[:, :3], opacity, distance)


def superresolve_patch(network: TriplaneGenerator, features: Tensor, styles: Tensor) -> Tensor:
    """The super-resolution of a piece of any size; its rim sees zeros where the whole picture would go on."""
    own = network.layout.split(styles)
    x, image = features.contiguous(memory_format=torch.channels_last), features[:, :3]
    for name, block in network.superresolution.blocks():
        style = [own[f"superresolution.{name}.{layer}"] for layer, _ in block.style_layers()]
        for layer, s in ((block.conv0, style[0]), (block.conv1, style[1])):
            x = layer.rows(whole(x), s, None, 0, x.shape[2] * (2 if layer.up else 1))
        image = (upsample_image(image) if block.up else image) + block.torgb(x, style[2])
    return image
