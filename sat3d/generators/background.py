"""A picture behind the volume: smooth, the same from every camera, with a style of its own.

Where the volume need not paint the backdrop, it holds the head alone, and edits of the head leave the backdrop be.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .decoder import widened_sigmoid
from .layers import LRELU_GAIN, LRELU_SLOPE, FullyConnected

LAYER = "background"  # its name in the style layout
_TERMS = 5


class Background(nn.Module):
    """Quadratic terms of the pixel's place -> modulated hidden units -> features 0..1.

    ``grid`` > 0: the hidden units also have a learned picture each, of so many cells per side, and are mixed once more:
    for backdrops that show things, out of focus.
    """

    def __init__(self, hidden: int, features: int, w_dim: int, grid: int = 0):
        super().__init__()
        self.affine = FullyConnected(w_dim, hidden, bias_init=1.0)
        self.place = FullyConnected(_TERMS, hidden)
        if grid:
            self.cells = nn.Parameter(torch.randn(1, hidden, grid, grid) * 0.3)
            self.mix = FullyConnected(hidden, hidden)
        self.colour = FullyConnected(hidden, features)
        self.grid = grid

    def forward(self, style: Tensor, pixels: Tensor) -> Tensor:
        """``style [1 or V, hidden]``, ``pixels [V, 2, h, w]`` in -1..1 (x, y) -> features ``[V, C, h, w]``."""
        x, y = pixels.unbind(1)
        terms = torch.stack([x, y, x * x, x * y, y * y], -1)
        hidden = _activated(self.place(terms))
        if self.grid:
            cells = self.cells.expand(len(pixels), -1, -1, -1)
            hidden = hidden + F.grid_sample(
                cells, pixels.permute(0, 2, 3, 1), padding_mode="border", align_corners=False
            ).permute(0, 2, 3, 1)
        hidden = hidden * style[:, None, None]
        if self.grid:
            hidden = _activated(self.mix(hidden))
        return widened_sigmoid(self.colour(hidden)).permute(0, 3, 1, 2)


def _activated(x: Tensor) -> Tensor:
    return F.leaky_relu(x, LRELU_SLOPE) * LRELU_GAIN


def pixel_grid(like: Tensor) -> Tensor:
    """``[V, 2, h, w]``: x and y of the pixel centres of ``like [V, …, h, w]``, -1..1."""
    height, width = like.shape[-2:]
    axes = [(2 * torch.arange(n, device=like.device, dtype=torch.float32) + 1) / n - 1 for n in (height, width)]
    y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y]).expand(like.shape[0], -1, -1, -1)
