"""Sampling of feature planes, fast and plain.

Planes are ``[B, H, W, P, C]``: texel-major, so that a bilinear corner is one contiguous read of C numbers. The
fast sampler reads all 4·P corners of a point as one weighted bag of rows (``embedding_bag``), which runs an
order of magnitude faster on a CPU than ``grid_sample`` and never stores the features of single planes.
"""

import math
from collections.abc import Sequence

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


def warp_space(points: Tensor, box_warp: float, plane_warp: float) -> Tensor:
    """World ``points`` with every coordinate stretched by asinh about the box's centre; the box maps onto itself.

    With b = box_warp / (2 · plane_warp) a texel at the centre has ``asinh(b) / b`` of its usual size; outside it grows.
    """
    half = box_warp / 2
    return torch.asinh(points * (1 / plane_warp)) * (half / math.asinh(half / plane_warp))


def texel_points(points: Tensor, projection: Tensor, size: Sequence[int]) -> Tensor:
    """``points [3, M]`` inside or near the box -> texel units ``[P, 2, M]``."""
    height, width = size
    half = torch.tensor([width / 2, height / 2], device=points.device, dtype=points.dtype)
    scaled = (projection * half).permute(1, 2, 0)  # [P, 2, 3]
    return scaled @ points + (half - 0.5)[:, None]


def texel_rays(
    origins: Tensor, directions: Tensor, depth: Tensor, projection: Tensor, size: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Rays in texel units: ``[R, 3]`` -> ``[P, 2, R]`` twice, so that depth t is at ``middle + (t - depth)·step``.

    ``depth [R]`` is a depth inside the box: from the camera, hundreds of texels away, float32 would lose a
    ten-thousandth of a texel. Half-pixel convention: coordinate x in -1..1 is the texel ((x + 1)·W - 1) / 2.
    """
    height, width = size
    exact = torch.float32 if origins.device.type == "mps" else torch.float64
    half = torch.tensor([width / 2, height / 2], device=origins.device, dtype=exact)
    scaled = (projection.to(exact) * half).permute(1, 2, 0)  # [P, 2, 3]
    point = origins.to(exact) + depth.to(exact)[:, None] * directions.to(exact)
    middle = scaled @ point.T + (half - 0.5)[:, None]
    return middle.to(origins.dtype), (scaled @ directions.to(exact).T).to(origins.dtype)


def sample_planes(planes: Tensor, texels: Tensor, batch_index: Tensor | None = None) -> Tensor:
    """Mean over planes of the bilinear samples, zeros outside: ``texels [P, 2, M]`` -> ``[M, C]``.

    ``planes [B, H, W, P, C]``; ``batch_index [M]`` says which of the B a point reads (None: all read the first).
    Differentiable in planes and texels. Points run along the last axis until the very end, so that every small
    operation is a long contiguous loop.
    """
    _, height, width, num_planes, features = planes.shape
    rows, weights = _corners(texels, (height, width), num_planes)
    if batch_index is not None:
        rows = rows + (batch_index * (height * width * num_planes)).to(rows.dtype)
    table = planes.reshape(-1, features)
    bag = (weights / num_planes).flatten(0, -2).T.contiguous().to(table.dtype)
    return F.embedding_bag(rows.flatten(0, -2).T.contiguous(), table, per_sample_weights=bag, mode="sum")


def _corners(texels: Tensor, size: tuple[int, int], num_planes: int) -> tuple[Tensor, Tensor]:
    """Table rows and bilinear weights of the four corners: ``[P, 2, M]`` -> ``[P, 2, 2, M]`` twice (y, x)."""
    height, width = size
    limit = torch.tensor([[width], [height]], device=texels.device, dtype=texels.dtype)
    texels = torch.minimum(texels.clamp_min(-2), limit + 1)
    low = texels.detach().floor()
    fraction = texels - low
    weight_low = torch.where((low >= 0) & (low < limit), 1 - fraction, 0)
    weight_high = torch.where((low >= -1) & (low < limit - 1), fraction, 0)
    stride = torch.tensor([[num_planes], [width * num_planes]], device=texels.device, dtype=torch.int32)
    row_low, row_high = (torch.minimum(edge.clamp_min(0), limit - 1).int() * stride for edge in (low, low + 1))
    offset = torch.arange(num_planes, device=texels.device, dtype=torch.int32)[:, None, None, None]
    row_x, row_y = (torch.stack([row_low[:, axis], row_high[:, axis]], 1) for axis in (0, 1))
    weight_x, weight_y = (torch.stack([weight_low[:, axis], weight_high[:, axis]], 1) for axis in (0, 1))
    return row_y[:, :, None] + (row_x[:, None] + offset), weight_y[:, :, None] * weight_x[:, None]


def sample_planes_reference(planes: Tensor, points: Tensor, projection: Tensor) -> Tensor:
    """The readable twin: ``planes [B, H, W, P, C]``, world ``points [B, M, 3]`` -> ``[B, P, M, C]`` by ``grid_sample``.

    The features of each plane, before the mean.
    """
    batch, _, _, num_planes, features = planes.shape
    grid = torch.einsum("bmk,kpc->bpmc", points, projection).flatten(0, 1)[:, None]
    maps = planes.permute(0, 3, 4, 1, 2).flatten(0, 1)
    sampled = F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return sampled[:, :, 0].reshape(batch, num_planes, features, -1).transpose(2, 3)
