"""Rays as the planes see them: lines of texels, or curves through warped space and balls."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .rays import RayBatch
from .scene import CROPPED_DENSITY, Places, Volume


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
