"""Rays of a camera, and where they meet the box."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..camera import split_label
from .config import RenderingConfig


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

    def of_one_volume(self) -> "RayBatch":
        """The same, when the planes that they read are the only ones."""
        return replace(self, volume_index=None)

    def points(self, ray: Tensor, depths: Tensor) -> Tensor:
        """World points ``[M, 3]`` of ``ray [M]`` at ``depths [M]``."""
        return torch.addcmul(self.origins[ray], depths[:, None], self.directions[ray])


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


def camera_rays(camera: Tensor, resolution: int) -> tuple[Tensor, Tensor]:
    """Origins and unit directions ``[V, R, 3]`` of all pixel centres, R = resolution², row-major (x fastest).

    ``camera [V, 25]``. Directions have length one, so depths along them are distances, not z.
    """
    pose, intrinsic = split_label(camera)
    fx, skew, cx = (intrinsic[:, 0, i, None] for i in range(3))
    fy, cy = intrinsic[:, 1, 1, None], intrinsic[:, 1, 2, None]
    centre = (torch.arange(resolution, device=camera.device, dtype=camera.dtype) + 0.5) / resolution
    v, u = (grid.reshape(1, -1) for grid in torch.meshgrid(centre, centre, indexing="ij"))
    y = (v - cy) / fy
    x = (u - cx - skew * y) / fx
    directions = torch.stack([x, y, torch.ones_like(x)], -1) @ pose[:, :3, :3].transpose(1, 2)
    origins = pose[:, None, :3, 3].expand_as(directions)
    return origins, F.normalize(directions, dim=-1)


def ray_limits(
    origins: Tensor, directions: Tensor, config: RenderingConfig, couple_batch: bool = False
) -> tuple[Tensor, Tensor]:
    """Near and far ``[V, R]`` of rays ``[V, R, 3]``: as configured, or else of the box (:func:`box_limits`)."""
    if config.limits is None:
        return box_limits(origins, directions, config.box_warp, couple_batch)
    near, far = (torch.full_like(origins[..., 0], limit) for limit in config.limits)
    return near, far


def box_limits(
    origins: Tensor, directions: Tensor, box_warp: float, couple_batch: bool = False
) -> tuple[Tensor, Tensor]:
    """Near and far ``[V, R]`` where rays enter and leave the cube of side ``box_warp`` about the origin.

    Rays that miss get, as in the published code, the smallest near and (sic) the largest *near* of the rays that
    hit; here of the same view, with ``couple_batch`` of the whole batch. A view that misses altogether gets empty
    rays (near = far = 0).
    """
    with torch.no_grad():
        slabs = (torch.stack([-box_warp / 2 - origins, box_warp / 2 - origins]) / directions).sort(0).values
        near, far = slabs[0].amax(-1), slabs[1].amin(-1)
        near, far = near.nan_to_num(-torch.inf), far.nan_to_num(torch.inf)
        hit = (near <= far) & (far > near)
        dims = (0, 1) if couple_batch else (1,)
        lowest = torch.where(hit, near, torch.inf).amin(dims, keepdim=True)
        highest = torch.where(hit, near, -torch.inf).amax(dims, keepdim=True)
        any_hit = hit.any(1, keepdim=True) if not couple_batch else hit.any()
        near = torch.where(hit, near, torch.where(any_hit, lowest, 0.0))
        far = torch.where(hit, far, torch.where(any_hit, highest, 0.0))
    return near, far
