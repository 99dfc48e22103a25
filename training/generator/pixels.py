"""Drawing pixels of packed heads, and the rays through them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from sat3d.camera import split_label

from ..data.packed import HeadPack
from .presets import PointSettings

_BACKGROUND_SHARE = 0.3  # of a pixel of the backdrop, where pixels are drawn evenly


@dataclass(frozen=True)
class PixelRays:
    """M pixels of each of B heads. ``colour`` 0..1; ``distance`` along the unit ray, world units, 0 in the background;
    ``screen`` [B, M, 2]: x, y in -1..1."""

    colour: Tensor  # [B, M, 3]
    distance: Tensor  # [B, M]
    origin: Tensor  # [B, M, 3]
    direction: Tensor  # [B, M, 3]
    screen: Tensor  # [B, M, 2]

    @property
    def solid(self) -> Tensor:
        """``[B, M]`` bool: a surface is seen."""
        return self.distance > 0

    def at(self, distance: Tensor, columns: slice = slice(None)) -> Tensor:
        """World points ``[B, M, 3]`` at ``distance [B, M]`` along the rays (of some columns)."""
        return torch.addcmul(self.origin[:, columns], distance[..., None], self.direction[:, columns])


def draw_pixels(pack: HeadPack, heads: Tensor, settings: PointSettings, generator: torch.Generator) -> PixelRays:
    """Pixels of all views of ``heads [B]``: some where they teach most, some evenly (the backdrop less)."""
    weight = pack.weight[heads].reshape(len(heads), -1).float()
    solid = (pack.depth[heads] != 0).reshape(len(heads), -1)
    even = solid.float() + _BACKGROUND_SHARE * ~solid
    parts = [
        torch.multinomial(chances, count, replacement=True, generator=generator)
        for chances, count in ((weight, settings.focus_pixels), (even, settings.even_pixels))
    ]
    # Interleaved at random: every second pixel also gets a point deep behind it.
    pixel = torch.cat(parts, 1)
    pixel = pixel[:, torch.randperm(pixel.shape[1], generator=generator, device=pixel.device)]
    return rays_of_pixels(pack, heads, pixel)


def rays_of_pixels(pack: HeadPack, heads: Tensor, pixel: Tensor) -> PixelRays:
    """``pixel [B, M]``: flat places in ``[V · H · W]`` of each head."""
    size, views = pack.size, pack.views
    flat = heads[:, None] * (views * size * size) + pixel
    view, place = pixel // (size * size), pixel % (size * size)
    screen = (torch.stack([place % size, place // size], -1).float() * 2 + 1) / size - 1
    origin, direction = view_rays(pack.camera[heads], view, screen)
    colour = pack.image.reshape(-1, 3)[flat].float() / 255
    return PixelRays(colour, pack.read_depth(flat), origin, direction, screen)


def view_rays(camera: Tensor, view: Tensor, screen: Tensor) -> tuple[Tensor, Tensor]:
    """Origins and unit directions ``[B, M, 3]`` of ``screen [B, M, 2]`` in ``view [B, M]`` of ``camera [B, V, 25]``."""
    batch, views = camera.shape[:2]
    pose, intrinsic = split_label(camera.reshape(-1, 25))
    index = torch.arange(batch, device=view.device)[:, None] * views + view
    pixel = (screen + 1) / 2
    focal = intrinsic[:, [0, 1], [0, 1]][index]
    centre = intrinsic[:, :2, 2][index]
    local = F.pad((pixel - centre) / focal, (0, 1), value=1.0)
    direction = (pose[:, :3, :3][index] @ local[..., None])[..., 0]
    return pose[:, :3, 3][index], F.normalize(direction, dim=-1)


def carve(pack: HeadPack, heads: Tensor, points: Tensor, slack: float = 0.002) -> Tensor:
    """``points [B, M, 3]`` -> ``[B, M]`` float: 0 where some view looks through the point, 1 where none does.

    What no picture shows is empty where pictures hold the whole thing, and otherwise counts as full.
    ``slack`` in world units: a point this little before a surface counts as on it.
    """
    size = pack.size
    occupied = torch.ones(points.shape[:2], device=points.device)
    shown = points[..., 1] < pack.learning.whole_above
    for view in range(pack.views):
        pose, intrinsic = split_label(pack.camera[heads, view])
        offset = points - pose[:, None, :3, 3]
        local = offset @ pose[:, :3, :3]
        focal, centre = intrinsic[:, None, [0, 1], [0, 1]], intrinsic[:, None, :2, 2]
        place = ((local[..., :2] / local[..., 2:] * focal + centre) * size).floor()
        inside = ((place >= 0) & (place < size)).all(-1)
        x, y = place.clamp(0, size - 1).long().unbind(-1)
        seen = pack.read_depth(((heads[:, None] * pack.views + view) * size + y) * size + x)
        free = (seen == 0) | (offset.norm(dim=-1) < seen - slack)
        occupied = occupied * ~(inside & free)
        shown = shown | inside
    return occupied * shown
