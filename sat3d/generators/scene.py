"""What a renderer looks through: planes, where points lie on them, and the decoder."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .balls import ball_places
from .decoder import Decoder
from .planes import grid_size, quick_asinh, sample_planes, texel_points, texel_rays, unwarp_space, warp_space

CROPPED_DENSITY = -1000.0  # raw: an interval with even one end of it is clear


@dataclass(frozen=True)
class Places:
    """Where M points lie on P planes: ``texels [P, k, M]``; ``shares [P, M]`` of the features, None: all alike."""

    texels: Tensor
    shares: Tensor | None = None


@dataclass(frozen=True)
class Volume:
    """What a renderer looks through: planes, their projection, the decoder.

    ``in_balls``: the planes are those of two balls. ``half_seen``: beyond it, in x and z, nothing is rendered (None:
    everything is). ``quick``: points are placed to a few units in the last place.
    """

    planes: Tensor  # [B, H, W, P, C], grids [B, H, W, P, D, C]
    projection: Tensor  # [3, P, 2], of grids [3, P, 3]; of balls those of one
    decoder: Decoder
    box_warp: float = 1.0
    plane_warp: float = 0.0
    in_balls: bool = False
    half_seen: float | None = None
    quick: bool = False

    @property
    def is_straight(self) -> bool:
        """Whether rays are lines on the planes."""
        return not (self.plane_warp or self.in_balls)

    def place(self, points: Tensor) -> Tensor:
        """World points where the planes see them."""
        if not self.plane_warp:
            return points
        return warp_space(points, self.box_warp, self.plane_warp, quick_asinh if self.quick else torch.asinh)

    def unplace(self, points: Tensor) -> Tensor:
        """The inverse of :meth:`place`."""
        return unwarp_space(points, self.box_warp, self.plane_warp) if self.plane_warp else points

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
