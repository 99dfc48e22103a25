"""Surface normals from depth, as pictures: what image generators take as a guide to shape."""

import torch
from torch import Tensor
from torch.nn.functional import normalize, pad


def normals_from_depth(depth: Tensor, opacity: Tensor, focal: float) -> Tensor:
    """Depth ``[N, 1, H, W]`` along the rays and opacity 0..1, ``focal`` of a unit image -> ``[N, 3, H, W]``, -1..1.

    Red is to the right, green up, blue towards the camera, as normal maps are read. Where nothing is opaque the
    surface faces the camera. A flat depth gives a surface that does so everywhere.
    """
    height, width = depth.shape[2:]
    y = (torch.arange(height, dtype=depth.dtype, device=depth.device) + 0.5) / height - 0.5
    x = (torch.arange(width, dtype=depth.dtype, device=depth.device) + 0.5) / width - 0.5
    right, up = x.expand(height, -1), -y[:, None].expand(-1, width)
    rays = torch.stack([right, up, torch.full_like(right, -focal)])
    points = normalize(rays, dim=0) * depth  # x right, y up, z towards the camera
    across = _slope(points, -1)
    upwards = -_slope(points, -2)
    normals = normalize(torch.linalg.cross(across, upwards, dim=1), dim=1)
    front = torch.zeros_like(normals)
    front[:, 2] = 1
    known = torch.isfinite(normals).all(1, keepdim=True) & (normals.norm(dim=1, keepdim=True) > 0)
    normals = torch.where(known, normals, front)
    return normalize(front + (normals - front) * opacity.clamp(0, 1), dim=1)


def _slope(points: Tensor, axis: int) -> Tensor:
    """Central differences; at the border those of the pixel before."""
    around = (1, 1, 0, 0) if axis == -1 else (0, 0, 1, 1)
    wide = pad(points, around, mode="replicate")
    size = points.shape[axis]
    return wide.narrow(axis, 2, size) - wide.narrow(axis, 0, size)
