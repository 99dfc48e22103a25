"""Where in a picture there may be faces: the detector on a pyramid, overlapping answers merged."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from .detector import STRIDE_PX, FaceDetector
from .squares import shrink

LARGEST_PX = 800  # of the finest level; there eyes that are 1.2 % of the picture's width apart are 10 pixels apart
_SMALLEST_PX = 320  # enlarged further, textures show faces
_LEVELS = 4  # each at half the size of the one before
_LEAST_SCORE = 0.6  # cups, moons and cats reach 0.58
_OVERLAP = 0.3  # intersection over union, beyond which two boxes are of one face
_INSIDE = 0.7  # share of the smaller box that lies in the larger
_MOST = 64
_AROUND = 1.5  # sides of the box
_RIGHT_EYE, _LEFT_EYE = slice(4, 6), slice(6, 8)  # of the person, among a guess's values


def candidates(detector: FaceDetector, picture: Tensor, quarter_turns: int = 0) -> Tensor:
    """``picture [1, 3, H, W]`` in -1..1 -> turned squares ``[N, 4]`` (:mod:`.squares`) around possible faces, the
    surest first; on the CPU.

    ``quarter_turns``: the detector knows heads that are nearly upright; it is shown the picture turned
    counter-clockwise so many times. The squares are those of the picture as it is.
    """
    base, scale = _finest(picture, quarter_turns)
    scores, values = [], []
    for level in range(_LEVELS):
        logits, guesses = (part[0].cpu() for part in detector(_padded(shrink(base, 2**level))))
        sure = logits.sigmoid() >= _LEAST_SCORE
        scores.append(logits[sure].sigmoid())
        values.append(guesses[sure] * (2**level / scale))
    merged = _merged(torch.cat(scores), torch.cat(values))
    return _turned_back(_squares(merged), picture.shape, quarter_turns)


def _finest(picture: Tensor, quarter_turns: int) -> tuple[Tensor, float]:
    """The picture with at most ``LARGEST_PX`` along its longer side, turned; and by how much it was scaled."""
    longest = max(picture.shape[2:])
    scale = min(max(longest, _SMALLEST_PX), LARGEST_PX) / longest
    small = shrink(picture, max(1, longest // LARGEST_PX))
    height, width = (max(1, round(side * scale)) for side in picture.shape[2:])
    small = F.interpolate(small, (height, width), mode="bilinear", align_corners=False)
    return torch.rot90(small, quarter_turns, (2, 3)), scale


def _padded(picture: Tensor) -> Tensor:
    """Black below and to the right, so that the detector's cells fit."""
    down, right = (-side % STRIDE_PX for side in picture.shape[2:])
    return F.pad(picture, (0, right, 0, down), value=-1.0)


def _merged(scores: Tensor, values: Tensor) -> Tensor:
    """One guess per face: the mean of all that overlap with the surest, weighted by their scores."""
    found = []
    while len(scores) and len(found) < _MOST:
        best = values[scores.argmax()]
        union, inside = overlaps(best[None, :4], values[:, :4])
        same = union[0] > _OVERLAP
        weights = scores[same] / scores[same].sum()
        found.append(weights @ values[same])
        rest = ~(same | (inside[0] > _INSIDE))
        scores, values = scores[rest], values[rest]
    return torch.stack(found) if found else values.new_zeros(0, values.shape[1])


def overlaps(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes ``[N, 4]`` and ``[M, 4]``, each the middle, width and height -> ``[N, M]`` intersection over union, and
    over the smaller of both."""
    low, high = ([boxes[:, :2] + sign * boxes[:, 2:4].abs() / 2 for boxes in (first, second)] for sign in (-1, 1))
    shared = torch.minimum(high[0][:, None], high[1]) - torch.maximum(low[0][:, None], low[1])
    shared = shared.clamp_min(0).prod(2)
    one, other = first[:, 2:4].abs().prod(1)[:, None], second[:, 2:4].abs().prod(1)
    return shared / (one + other - shared).clamp_min(1e-9), shared / torch.minimum(one, other).clamp_min(1e-9)


def _squares(values: Tensor) -> Tensor:
    """Around the boxes, the eyes level."""
    eyes = values[:, _LEFT_EYE] - values[:, _RIGHT_EYE]
    side = _AROUND * values[:, 2:4].amax(1)
    return torch.stack([values[:, 0], values[:, 1], side, torch.atan2(eyes[:, 1], eyes[:, 0])], 1)


def _turned_back(squares: Tensor, shape: torch.Size, quarter_turns: int) -> Tensor:
    """From the turned picture to the one of ``shape``."""
    height, width = shape[2:]
    x, y, side, angle = squares.unbind(1)
    turns = quarter_turns % 4
    if turns == 1:
        x, y = width - y, x
    elif turns == 2:
        x, y = width - x, height - y
    elif turns == 3:
        x, y = y, height - x
    return torch.stack([x, y, side, angle + turns * math.pi / 2], 1)
