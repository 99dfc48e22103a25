"""Sampling of feature planes, fast and plain.

Planes are ``[B, H, W, P, C]``: texel-major, so that a bilinear corner is one contiguous read of C numbers. The
fast sampler reads all 4·P corners of a point as one weighted bag of rows (``embedding_bag``), which runs an
order of magnitude faster on a CPU than ``grid_sample`` and never stores the features of single planes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import PlaneAxes


def plane_projection(axes: PlaneAxes, box_warp: float, device: torch.device | None = None) -> Tensor:
    """``[3, P, 2]``: world point ``[…, 3]`` -> (width, height) coordinates in -1..1 on each plane.

    The projection is the first two columns of each plane's inverse axes, scaled so that the box spans -1..1.
    """
    inverse = torch.linalg.inv(torch.tensor(axes, dtype=torch.float32))
    return (inverse[:, :, :2].permute(1, 0, 2) * (2 / box_warp)).to(device)


def texel_rays(origins: Tensor, directions: Tensor, depth: Tensor, projection: Tensor,
               size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Rays in texel units: ``[R, 3]`` -> ``[R, P, 2]`` twice, so that depth t is at ``middle + (t - depth)·step``.

    ``depth [R]`` is a depth inside the box: from the camera, hundreds of texels away, float32 would lose a
    ten-thousandth of a texel. Half-pixel convention: coordinate x in -1..1 is the texel ((x + 1)·W - 1) / 2.
    """
    height, width = size
    exact = torch.float32 if origins.device.type == "mps" else torch.float64
    half = torch.tensor([width / 2, height / 2], device=origins.device, dtype=exact)
    scaled = (projection.to(exact) * half).reshape(3, -1)
    shape = (len(origins), *projection.shape[1:])
    point = origins.to(exact) + depth.to(exact)[:, None] * directions.to(exact)
    middle = (point @ scaled).reshape(shape) + (half - 0.5)
    return middle.to(origins.dtype), (directions.to(exact) @ scaled).reshape(shape).to(origins.dtype)


def sample_planes(planes: Tensor, texels: Tensor, batch_index: Tensor | None = None) -> Tensor:
    """Mean over planes of the bilinear samples, zeros outside: ``texels [M, P, 2]`` -> ``[M, C]``.

    ``planes [B, H, W, P, C]``; ``batch_index [M]`` says which of the B a point reads (None: all read the first).
    Differentiable in planes and texels.
    """
    _, height, width, num_planes, features = planes.shape
    limit = torch.tensor([width, height], device=texels.device, dtype=texels.dtype)
    texels = torch.minimum(texels.clamp_min(-2), limit + 1)
    low = texels.detach().floor()
    fraction = texels - low
    weights = torch.stack([(1 - fraction) * ((low >= 0) & (low < limit)),
                           fraction * ((low >= -1) & (low < limit - 1))], -1)  # [M, P, xy, low/high]
    strides = torch.tensor([num_planes, width * num_planes], device=texels.device, dtype=torch.int64)
    corner = torch.minimum(torch.stack([low, low + 1], -1).clamp_min(0), limit[:, None] - 1).long() * strides[:, None]
    rows = corner[:, :, 1, :, None] + corner[:, :, 0, None, :]  # [M, P, 2, 2]
    rows = rows + torch.arange(num_planes, device=rows.device)[:, None, None]
    if batch_index is not None:
        rows = rows + (batch_index * (height * width * num_planes))[:, None, None, None]
    bag = weights[:, :, 1, :, None] * (weights[:, :, 0, None, :] / num_planes)
    table = planes.reshape(-1, features)
    return F.embedding_bag(rows.flatten(1), table, per_sample_weights=bag.flatten(1).to(table.dtype), mode="sum")


def sample_planes_reference(planes: Tensor, points: Tensor, projection: Tensor) -> Tensor:
    """The readable twin: ``planes [B, H, W, P, C]``, world ``points [B, M, 3]`` -> ``[B, P, M, C]`` by ``grid_sample``.

    The features of each plane, before the mean.
    """
    batch, _, _, num_planes, features = planes.shape
    grid = torch.einsum("bmk,kpc->bpmc", points, projection).flatten(0, 1)[:, None]
    maps = planes.permute(0, 3, 4, 1, 2).flatten(0, 1)
    sampled = F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return sampled[:, :, 0].reshape(batch, num_planes, features, -1).transpose(2, 3)
