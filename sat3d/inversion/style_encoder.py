"""The encoder of pSp (Richardson et al. 2021), e4e (Tov et al. 2021) and TriPlaneNet: a picture to a w for each layer.

An IR-SE50 (a residual network with squeeze and excitation) sees the picture at 256²; three of its feature maps, coarse,
middle and fine, go through a small head for each row of w+. In pSp's every row stands for itself; in e4e's the first is
the face and the others depart from it. Written from facts about the published files; parameter names are theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import FileError
from ..foreign.values import Shape
from ..generators.layers import FullyConnected

INPUT_PX = 256
_STAGES = (3, 4, 14, 3)  # units a stage; the first of each halves the picture
_MOST_CHANNELS, _MOST_ROWS = 4096, 64
_TAPS = (6, 20, 23)  # units whose features are used: fine, middle, coarse
_FIRST_MIDDLE, _FIRST_FINE = 3, 7  # rows of w+ that the middle and the fine features feed


@dataclass(frozen=True)
class StyleEncoderSizes:
    """``widths``: channels of the first layer and of the four stages; ``squeezed``: of the stages' gates; ``rows`` of
    w+; ``w_dim``; ``halvings`` of each row's head."""

    widths: tuple[int, ...]
    squeezed: tuple[int, ...]
    rows: int
    w_dim: int
    halvings: tuple[int, ...]

    @classmethod
    def of(cls, shapes: Mapping[str, Shape]) -> "StyleEncoderSizes":
        """By the tensors of a file.

        Raises:
            FileError: one that tells a size is missing or has another number of axes.
        """
        rows = next(i for i in range(_MOST_ROWS + 1) if i == _MOST_ROWS or f"styles.{i}.linear.weight" not in shapes)
        starts = [sum(_STAGES[:i]) for i in range(4)]
        widths = [f"body.{i}.res_layer.1.weight" for i in starts]
        return cls(
            tuple(_size(shapes, name, 4)[0] for name in ("input_layer.0.weight", *widths)),
            tuple(_size(shapes, f"body.{i}.res_layer.5.fc1.weight", 4)[0] for i in starts),
            rows,
            _size(shapes, "styles.0.linear.weight", 2)[0],
            tuple(_halvings(shapes, row) for row in range(rows)),
        )


def _size(shapes: Mapping[str, Shape], name: str, axes: int) -> Shape:
    shape = shapes.get(name)
    if shape is None or len(shape) != axes or max(shape) > _MOST_CHANNELS:
        raise FileError(
            "The weights are not those of an encoder of pSp's, e4e's or TriPlaneNet's kind",
            f"{name} is {'missing' if shape is None else f'of shape {list(shape)}'}",
            "an IR-SE50 with a head for each row of w+",
            "use the project's own checkpoint",
        )
    return shape


def _halvings(shapes: Mapping[str, Shape], row: int) -> int:
    return next(i for i in range(17) if i == 16 or f"styles.{row}.convs.{2 * i}.weight" not in shapes)


class StyleEncoder(nn.Module):
    """``[B, 3, 256, 256]`` in -1..1 -> ``[B, rows, w_dim]``, without the mean latent; ``departs``: e4e's way."""

    def __init__(self, sizes: StyleEncoderSizes, departs: bool):
        super().__init__()
        self.sizes, self.departs = sizes, departs
        first, *stages = sizes.widths
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, first, 3, 1, 1, bias=False), nn.BatchNorm2d(first), nn.PReLU(first)
        )
        units, before = [], first
        for count, after, squeezed in zip(_STAGES, stages, sizes.squeezed, strict=True):
            for i in range(count):
                units.append(_Unit(before if i == 0 else after, after, squeezed, 2 if i == 0 else 1))
            before = after
        self.body = nn.ModuleList(units)
        self.styles = nn.ModuleList(_Head(stages[3], sizes.w_dim, halvings) for halvings in sizes.halvings)
        self.latlayer1, self.latlayer2 = nn.Conv2d(stages[2], stages[3], 1), nn.Conv2d(stages[1], stages[3], 1)

    def forward(self, images: Tensor) -> Tensor:
        x, seen = self.input_layer(images), {}
        for i, unit in enumerate(self.body):
            x = unit(x)
            seen[i] = x if i in _TAPS else None
        fine, middle, coarse = (seen[i] for i in _TAPS)
        middle = _enlarged(coarse, self.latlayer1(middle))
        fine = _enlarged(middle, self.latlayer2(fine))
        maps = [coarse if i < _FIRST_MIDDLE else middle if i < _FIRST_FINE else fine for i in range(len(self.styles))]
        ws = torch.stack([head(features) for head, features in zip(self.styles, maps, strict=True)], 1)
        return torch.cat([ws[:, :1], ws[:, :1] + ws[:, 1:]], 1) if self.departs else ws


class _Unit(nn.Module):
    def __init__(self, before: int, after: int, squeezed: int, stride: int):
        super().__init__()
        self.shortcut_layer = (
            nn.MaxPool2d(1, stride)
            if before == after
            else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(before),
            nn.Conv2d(before, after, 3, 1, 1, bias=False),
            nn.PReLU(after),
            nn.Conv2d(after, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
            _Gate(after, squeezed),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.res_layer(x) + self.shortcut_layer(x)


class _Gate(nn.Module):
    """Squeeze and excitation: channels weighted by what the whole picture says (Hu et al. 2018)."""

    def __init__(self, channels: int, squeezed: int):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1, bias=False)
        self.fc2 = nn.Conv2d(squeezed, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(x.mean((2, 3), keepdim=True)))))


class _Head(nn.Module):
    """Features halved until one cell is left, then a linear layer: one row of w+."""

    def __init__(self, channels: int, w_dim: int, halvings: int):
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(halvings):
            layers += [nn.Conv2d(channels if i == 0 else w_dim, w_dim, 3, 2, 1), nn.LeakyReLU(0.01)]
        self.convs = nn.Sequential(*layers)
        self.linear = FullyConnected(w_dim, w_dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.convs(x)[:, :, 0, 0])


def _enlarged(coarse: Tensor, fine: Tensor) -> Tensor:
    return F.interpolate(coarse, size=fine.shape[2:], mode="bilinear", align_corners=True) + fine
