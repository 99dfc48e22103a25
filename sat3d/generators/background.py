"""A picture behind the volume: smooth, the same from every camera, with a style of its own.

Where the volume need not paint the backdrop, it holds the head alone, and edits of the head leave the backdrop be.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import LRELU_GAIN, LRELU_SLOPE, FullyConnected
from .renderer import widened_sigmoid

LAYER = "background"  # its name in the style layout
_TERMS = 5


class Background(nn.Module):
    """Quadratic terms of the pixel's place -> modulated hidden units -> features 0..1."""

    def __init__(self, hidden: int, features: int, w_dim: int):
        super().__init__()
        self.affine = FullyConnected(w_dim, hidden, bias_init=1.0)
        self.place = FullyConnected(_TERMS, hidden)
        self.colour = FullyConnected(hidden, features)

    def forward(self, style: Tensor, pixels: Tensor) -> Tensor:
        """``style [1 or V, hidden]``, ``pixels [V, 2, h, w]`` in -1..1 (x, y) -> features ``[V, C, h, w]``."""
        x, y = pixels.unbind(1)
        terms = torch.stack([x, y, x * x, x * y, y * y], -1)
        hidden = F.leaky_relu(self.place(terms), LRELU_SLOPE) * LRELU_GAIN
        return widened_sigmoid(self.colour(hidden * style[:, None, None])).permute(0, 3, 1, 2)


def pixel_grid(like: Tensor) -> Tensor:
    """``[V, 2, h, w]``: x and y of the pixel centres of ``like [V, …, h, w]``, -1..1."""
    height, width = like.shape[-2:]
    axes = [(2 * torch.arange(n, device=like.device, dtype=torch.float32) + 1) / n - 1 for n in (height, width)]
    y, x = torch.meshgrid(*axes, indexing="ij")
    return torch.stack([x, y]).expand(like.shape[0], -1, -1, -1)
