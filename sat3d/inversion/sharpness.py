"""A generator's picture made as sharp as the photo: edges are steepened where they are, nothing is invented.

Toggle mapping (Kramer & Bruckner 1975), softened: a pixel between the darkest and the brightest around it is moved
towards the nearer of both.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .smoothing import largest_around

_STRONGEST = 6.0
_STEPS = 6
_LEAST_CONTRAST = 0.02  # of the values -1..1: below, edges fade into noise


def steepen(picture: Tensor, strength: float, reach: int) -> Tensor:
    """``[B, 3, H, W]`` with edges steepened within ``reach`` pixels; 0 leaves it as it is."""
    if strength <= 0 or reach < 1:
        return picture
    high, low = largest_around(picture, reach), -largest_around(-picture, reach)
    middle, half = (high + low) / 2, (high - low) / 2
    place = (picture - middle) / half.clamp_min(1e-6)
    steep = middle + half * torch.tanh(strength * place) / math.tanh(strength)
    return torch.lerp(picture, steep, (half / _LEAST_CONTRAST).clamp(max=1))


def matching_strength(soft: Tensor, sharp: Tensor, weight: Tensor, reach: int) -> float:
    """The strength by which the edges of ``soft`` become as steep, in the mean of the pixels that count by ``weight [1,
    1, H, W]``, as those of ``sharp``; 0 where they are so already."""
    wanted = edge_energy(sharp, weight)
    if edge_energy(soft, weight) >= wanted:
        return 0.0
    low, high = 0.0, _STRONGEST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        enough = edge_energy(steepen(soft, middle, reach), weight) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return (low + high) / 2


def edge_energy(picture: Tensor, weight: Tensor) -> float:
    """Mean squared difference of neighbours, of the pixels that count."""
    across = picture.diff(dim=3).square()[:, :, :-1] + picture.diff(dim=2).square()[:, :, :, :-1]
    counted = weight[:, :, :-1, :-1]
    return float((across.mean(1, keepdim=True) * counted).sum() / counted.sum().clamp_min(1e-6))
