"""Turned squares of a picture: cut out for a network, and points found in them back in the picture. Differentiable.

A square is four numbers: x and y of its middle and its side, in pixels from the picture's corner, and the angle in
radians by which it is turned clockwise as seen in the picture.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def cut_squares(picture: Tensor, squares: Tensor, size: int) -> Tensor:
    """Squares ``[N, 4]`` of ``picture [1, C, H, W]`` -> ``[N, C, size, size]``; beyond the picture its border goes on.

    Bilinear, of means over whole numbers of pixels where the square is larger than twice ``size``.
    """
    return torch.cat([_cut(picture, square, size) for square in squares])


def _cut(picture: Tensor, square: Tensor, size: int) -> Tensor:
    factor = max(1, int(float(square[2]) / size))
    steps = (torch.arange(size, device=picture.device, dtype=square.dtype) + 0.5) / size - 0.5
    across = torch.stack([steps.expand(size, size), steps[:, None].expand(size, size)], -1)
    places = square[:2] + square[2] * across @ _turn(square[3]).T
    patch, corner = _patch(picture, places.detach(), factor)
    patch = shrink(patch, factor)
    last = torch.tensor([patch.shape[3] - 1, patch.shape[2] - 1]).to(places)
    # Clamped by hand, since not every device can continue the border.
    pixels = torch.minimum(((places - corner) / factor - 0.5).clamp_min(0), last)
    grid = 2 * pixels / last.clamp_min(1) - 1
    return F.grid_sample(patch, grid[None].to(patch.dtype), "bilinear", "zeros", align_corners=True)


def _patch(picture: Tensor, places: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    """The part of a picture that is needed, and its corner."""
    limits = torch.tensor([picture.shape[3], picture.shape[2]])
    flat = places.reshape(-1, 2).cpu()
    low = torch.minimum(flat.amin(0).floor().long() - 2 * factor, limits - 1).clamp_min(0)
    high = torch.maximum(torch.minimum(flat.amax(0).ceil().long() + 2 * factor, limits), low + 1)
    return picture[:, :, low[1] : high[1], low[0] : high[0]], low.to(places)


def shrink(picture: Tensor, factor: int) -> Tensor:
    """Means of ``factor``² pixels; those at the far borders may be of fewer."""
    if factor == 1:
        return picture
    return F.avg_pool2d(picture, factor, ceil_mode=True, count_include_pad=False)


def to_picture(points: Tensor, squares: Tensor, size: int) -> Tensor:
    """``[N, K, 2 or 3]`` in pixels of squares that were cut at ``size`` -> pixels of the picture; depth is scaled."""
    scale = (squares[:, 2] / size)[:, None, None]
    turns = _turn(squares[:, 3]).transpose(1, 2)
    flat = (points[..., :2] - size / 2) * scale @ turns + squares[:, None, :2]
    return torch.cat([flat, points[..., 2:] * scale], 2)


def _turn(angle: Tensor) -> Tensor:
    """``[...]`` -> ``[..., 2, 2]``."""
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([torch.stack([cos, -sin], -1), torch.stack([sin, cos], -1)], -2)
