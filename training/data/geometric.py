"""Small moves of pictures and their labels: shift, scale, turn, mirror."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..common.random_numbers import Draws

SHIFT, SCALE, TURN_RAD = 0.03, 0.06, 0.05  # the largest, as shares of the picture's width


def mirror(images: Tensor, flags: Tensor, width_axis: int) -> Tensor:
    """``images`` with those mirrored whose flag ([B] bool) is set."""
    return torch.where(flags.reshape(-1, *[1] * (images.ndim - 1)), images.flip(width_axis), images)


def move(images: Tensor, labels: Tensor | None, draws: Draws) -> tuple[Tensor, Tensor | None]:
    """``images [B, 3, S, S]`` and ``labels [B, S, S]`` uint8 moved alike, each picture its own way.

    Beyond the border, the border is repeated.
    """
    grid = _grid(images.shape[2], *_draw_moves(len(images), draws))
    moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    if labels is None:
        return moved, None
    planes = labels[:, None].float()
    return moved, F.grid_sample(planes, grid, mode="nearest", padding_mode="border", align_corners=False)[:, 0].byte()


def _draw_moves(count: int, draws: Draws) -> tuple[Tensor, ...]:
    """cos and sin of the turn, both times the zoom, and the shift in x and y: ``[B, 1, 1]`` each."""
    zoom = 1 + draws.numbers(count, -SCALE, SCALE)
    turn, x, y = draws.numbers(count, -TURN_RAD, TURN_RAD), *(draws.numbers(count, -2 * SHIFT, 2 * SHIFT) for _ in "xy")
    return tuple(part[:, 0] for part in (zoom * turn.cos(), zoom * turn.sin(), x, y))


def _grid(size: int, cos: Tensor, sin: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """``[B, S, S, 2]``: where each pixel comes from, as ``affine_grid`` says it, which takes four times as long."""
    line = (2 * torch.arange(size, device=cos.device) + 1) / size - 1
    column, row = line[None, None, :], line[None, :, None]
    return torch.stack([cos * column + (x - sin * row), sin * column + (y + cos * row)], 3)
