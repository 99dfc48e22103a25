"""What an encoder sees at a glance: the picture's largest components, which are linear and need no learning."""

import torch
from torch import Tensor, nn

from ..networks.face_zoom import zoom_matrices


class Glance(nn.Module):
    """Pictures ``[B, 3, S, S]`` with S = ``input_px`` to ``count`` numbers each: ``(x - mean) @ map`` of x, the picture
    with its middle magnified, in ``side_px`` pixels. ``mean`` and ``map`` are fitted, and kept with the weights."""

    rows: Tensor
    columns: Tensor
    mean: Tensor
    map: Tensor

    def __init__(self, input_px: int, side_px: int, zoom: float, count: int):
        super().__init__()
        rows, columns = zoom_matrices(side_px, zoom, input_px)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        self.register_buffer("mean", torch.zeros(3 * side_px**2))
        self.register_buffer("map", torch.zeros(3 * side_px**2, count))

    def small(self, images: Tensor) -> Tensor:
        """``[B, 3 · side_px²]``: what the components are of."""
        return (self.rows @ images @ self.columns.T).flatten(1)

    def forward(self, images: Tensor) -> Tensor:
        """``[B, count]``."""
        return (self.small(images) - self.mean) @ self.map
