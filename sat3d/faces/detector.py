"""The face detector: BlazeFace (Bazarevsky et al. 2019, arXiv:1907.05047), short range, of ``face_landmarker_v2``.

Two grids of cells, one of 8 pixels and one of 16, look at a picture; every cell has 2 or 6 guesses. Nothing in the
network is bound to 128 × 128 pixels, for which it was trained: a larger picture has more cells.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .layers import SamePad, depthwise, widen

STRIDE_PX = 16  # sides must be multiples of this
KEYPOINTS = ("right eye", "left eye", "nose tip", "mouth", "right ear", "left ear")  # of the person
_GUESSES = {8: 2, 16: 6}  # per cell of so many pixels
_VALUES = 4 + 2 * len(KEYPOINTS)
_STEM = 24
_FINE = ((24, 1), (28, 1), (32, 2), (36, 1), (42, 1), (48, 2), (56, 1), (64, 1), (72, 1), (80, 1), (88, 1))
_COARSE = ((96, 2), (96, 1), (96, 1), (96, 1), (96, 1))


class _Block(nn.Module):
    """Depthwise and pointwise convolution beside a skip; ``stride`` 2 halves the picture."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.outputs, self.stride = outputs, stride
        self.depthwise = depthwise(inputs, stride)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        skip = F.max_pool2d(x, 2) if self.stride == 2 else x
        return F.relu(widen(skip, self.outputs) + self.pointwise(self.depthwise(x)))


class FaceDetector(nn.Module):
    """Pictures ``[B, 3, H, W]`` in -1..1 -> guesses, see :meth:`forward`."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(SamePad(5), nn.Conv2d(3, _STEM, 5, 2), nn.ReLU())
        self.fine = _blocks(_STEM, _FINE)
        self.coarse = _blocks(_FINE[-1][0], _COARSE)
        inputs = (_FINE[-1][0], _COARSE[-1][0])
        self.scores = _heads(inputs, 1)
        self.values = _heads(inputs, _VALUES)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Logits ``[B, N]`` and values ``[B, N, 16]`` in pixels: centre x, y, width, height of a box, and x, y of the
        ``KEYPOINTS``. N = 896 for 128 × 128 pixels. ``H`` and ``W`` are multiples of 16."""
        fine = self.fine(self.stem(pictures))
        grids = (fine, self.coarse(fine))
        logits = [_rows(head(grid), 1) for head, grid in zip(self.scores, grids, strict=True)]
        values = [_placed(head(grid), cell) for head, grid, cell in zip(self.values, grids, _GUESSES, strict=True)]
        return torch.cat(logits, 1)[..., 0], torch.cat(values, 1)


def _blocks(inputs: int, plan: tuple[tuple[int, int], ...]) -> nn.Sequential:
    widths = [inputs, *(outputs for outputs, _ in plan)]
    return nn.Sequential(*(_Block(widths[i], outputs, stride) for i, (outputs, stride) in enumerate(plan)))


def _heads(inputs: tuple[int, int], values: int) -> nn.ModuleList:
    return nn.ModuleList(
        nn.Conv2d(channels, guesses * values, 1) for channels, guesses in zip(inputs, _GUESSES.values(), strict=True)
    )


def _rows(grid: Tensor, values: int) -> Tensor:
    """``[B, G · V, h, w]`` -> ``[B, h · w · G, V]``."""
    return grid.permute(0, 2, 3, 1).reshape(grid.shape[0], -1, values)


def _placed(grid: Tensor, cell: int) -> Tensor:
    """Distances from the cells' middles become places; width and height stay."""
    height, width = grid.shape[2:]
    y, x = ((torch.arange(count, device=grid.device, dtype=grid.dtype) + 0.5) * cell for count in (height, width))
    middle = torch.stack([x.expand(height, width), y[:, None].expand(height, width)], -1)
    middle = middle.reshape(-1, 1, 2).expand(-1, _GUESSES[cell], 2).reshape(-1, 2)
    shift = torch.cat([middle, torch.zeros_like(middle), *[middle] * len(KEYPOINTS)], 1)
    return _rows(grid, _VALUES) + shift
