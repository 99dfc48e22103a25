"""The landmark network of ``face_landmarker_v2``: 478 points of a face, after Kartynnik et al. 2019 (arXiv:1907.06724)
and, for eyes and lips, Grishchenko et al. 2020 (arXiv:2006.10962)."""

from torch import Tensor, nn
from torch.nn import functional as F

from .layers import SamePad, depthwise, widen

SIDE_PX = 256
POINTS = 478  # the last ten are the irises
_STEM = 16
# Channels and those inside a block, per stage; each stage has half the size of the one before.
_STAGES = ((16, 8), (32, 16), (64, 32), (128, 64), (128, 64), (128, 64), (128, 64))
FEATURES = 4 * _STAGES[-1][0]  # from which the points are told
_BLOCKS = 4  # per stage, behind the one that halves


class _Block(nn.Module):
    """Narrow, look around, widen; beside a skip. ``halve``: at half the size."""

    def __init__(self, inputs: int, outputs: int, inside: int, halve: bool = False):
        super().__init__()
        self.outputs, self.halve = outputs, halve
        kernel = 2 if halve else 1
        self.narrow = nn.Sequential(nn.Conv2d(inputs, inside, kernel, kernel), nn.PReLU(inside))
        self.around = depthwise(inside)
        self.widen = nn.Conv2d(inside, outputs, 1)
        self.active = nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        skip = F.max_pool2d(x, 2) if self.halve else x
        return self.active(widen(skip, self.outputs) + self.widen(self.around(self.narrow(x))))


class LandmarkNetwork(nn.Module):
    """Squares ``[B, 3, 256, 256]`` in -1..1 around faces that are upright -> points, see :meth:`forward`."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(SamePad(3), nn.Conv2d(3, _STEM, 3, 2), nn.PReLU(_STEM))
        self.stages = nn.Sequential(*_stages())
        width = _STAGES[-1][0]
        self.presence = nn.Conv2d(width, 1, 2)
        self.points = nn.Conv2d(width, 3 * POINTS, 2)

    def forward(self, squares: Tensor) -> tuple[Tensor, Tensor]:
        """``[B, 478, 3]``: x, y in pixels of the square from its corner, and depth in the same unit, smaller towards
        the viewer; and ``[B]``: the logit of there being a face."""
        features = self._features(squares)
        return self.points(features).reshape(-1, POINTS, 3), self.presence(features).flatten()

    def points_and_features(self, squares: Tensor) -> tuple[Tensor, Tensor]:
        """The points as :meth:`forward` gives them, and ``[B, FEATURES]`` from which they are told."""
        features = self._features(squares)
        return self.points(features).reshape(-1, POINTS, 3), features.flatten(1)

    def _features(self, squares: Tensor) -> Tensor:
        return self.stages(self.stem((squares + 1) / 2))


def _stages() -> list[nn.Module]:
    blocks: list[nn.Module] = []
    width = _STEM
    for channels, inside in _STAGES:
        if blocks:
            blocks.append(_Block(width, channels, inside, halve=True))
        blocks += [_Block(channels, channels, inside) for _ in range(_BLOCKS)]
        width = channels
    return blocks
