"""What makes a generated picture differ from a render: softness, halos, ghosts, noise, blocks. One function each.

A function takes pictures [B, 3, S, S] in -1..1 and :class:`Draws`, and returns as many. Lengths are in pixels of a
128-pixel picture, and grow with the picture. To add a degradation, write a function and enter it in ``DEGRADATIONS``.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from sat3d.networks.loading import resize

from ..common.random_numbers import Draws

_BASE_PX = 128
_BLOCK_PX = 8  # of JPEG
_SHARP_SHARE = 0.35
_COARSE_SIGMA_PX = 4.0
_REACH_SIGMAS = 4.0
_STRIP_PX = 32


def blur(images: Tensor, sigma_px: float) -> Tensor:
    """Gaussian; ``sigma_px`` in pixels of these pictures. As products of matrices, which any machine does fast."""
    height, width = images.shape[2:]
    if sigma_px > _COARSE_SIGMA_PX:  # so wide a blur leaves nothing that half the pixels do not show
        return resize(blur(resize(images, height // 2, width // 2), sigma_px / 2), height, width)
    return _blur_columns(_blur_columns(images, sigma_px).transpose(2, 3), sigma_px).transpose(2, 3)


def _blur_columns(images: Tensor, sigma_px: float) -> Tensor:
    """Along the height. Far rows weigh nothing, so a strip of rows needs only those near it."""
    size, reach = images.shape[2], math.ceil(_REACH_SIGMAS * sigma_px)
    weights = _blurring(size, sigma_px, images.device)
    strips = []
    for first in range(0, size, _STRIP_PX):
        last, near, far = min(first + _STRIP_PX, size), max(first - reach, 0), min(first + _STRIP_PX + reach, size)
        strips.append(weights[first:last, near:far] @ images[:, :, near:far])
    return torch.cat(strips, 2)


def _blurring(size: int, sigma_px: float, device: torch.device) -> Tensor:
    """[size, size]: each row a Gaussian about its own place, which the border cuts off."""
    place = torch.arange(size, dtype=torch.float32, device=device)
    apart = place[:, None] - place[None]
    weights = torch.exp(-0.5 * (apart / sigma_px) ** 2) * (apart.abs() <= _REACH_SIGMAS * sigma_px)
    return weights / weights.sum(1, keepdim=True)


def _scale(images: Tensor) -> float:
    return images.shape[2] / _BASE_PX


def soften(images: Tensor, draws: Draws) -> Tensor:
    return blur(images, draws.number(0.3, 1.5) * _scale(images))


def resample(images: Tensor, draws: Draws) -> Tensor:
    """Smaller and back, as by a small generator."""
    size = images.shape[2]
    small = round(size * draws.number(0.42, 0.9))
    return resize(resize(images, small, small), size, size)


def halo(images: Tensor, draws: Draws) -> Tensor:
    """A glow round everything, or the opposite: oversharpened edges."""
    glow = draws.number(-0.30, 0.45)
    return images + glow * (blur(images, draws.number(2.0, 8.0) * _scale(images)) - images)


def ghost(images: Tensor, draws: Draws) -> Tensor:
    """A faint second picture beside the first, as from views that do not agree."""
    reach = round(4 * _scale(images))
    shift = draws.whole(-reach, reach), draws.whole(-reach, reach)
    return torch.lerp(images, images.roll(shift, (2, 3)), draws.number(0.05, 0.25))


def fine_noise(images: Tensor, draws: Draws) -> Tensor:
    return images + draws.number(0.01, 0.06) * draws.noise(tuple(images.shape))


def blotches(images: Tensor, draws: Draws) -> Tensor:
    """Slow errors of colour."""
    cells = draws.whole(6, 24)
    noise = draws.noise((len(images), 3, cells, cells))
    return images + draws.number(0.02, 0.06) * resize(noise, *images.shape[2:])


@lru_cache(maxsize=2)
def _cosines(device: torch.device) -> Tensor:
    """[8, 8] orthonormal discrete cosine transform."""
    k = torch.arange(_BLOCK_PX, dtype=torch.float32, device=device)
    matrix = torch.cos(math.pi / _BLOCK_PX * (k[None] + 0.5) * k[:, None]) * math.sqrt(2 / _BLOCK_PX)
    matrix[0] /= math.sqrt(2)
    return matrix


def blocks(images: Tensor, draws: Draws) -> Tensor:
    """The losses of JPEG: 8×8 blocks with the finer waves rounded more coarsely. Sizes are multiples of 8."""
    cosines, cells = _cosines(images.device), images.shape[2] // _BLOCK_PX
    grid = images.reshape(-1, cells, _BLOCK_PX, cells, _BLOCK_PX).transpose(2, 3)
    waves = cosines @ grid @ cosines.T
    k = torch.arange(_BLOCK_PX, device=images.device)
    step = draws.number(0.02, 0.12) * (1 + 0.5 * (k[:, None] + k[None]))
    grid = cosines.T @ ((waves / step).round() * step) @ cosines
    return grid.transpose(2, 3).reshape(images.shape)


def light(images: Tensor, draws: Draws) -> Tensor:
    """Brightness, contrast, gamma and saturation, each picture its own; little, so that colours keep their names."""
    count = len(images)
    grey = images.mean(1, keepdim=True)
    images = torch.lerp(grey, images, draws.numbers(count, 0.85, 1.18))
    images = images * draws.numbers(count, 0.88, 1.10) + draws.numbers(count, -0.07, 0.07)
    return images + draws.numbers(count, -0.12, 0.12) * (1 - images.square())


DEGRADATIONS = (  # in the order in which they are applied, with the share of groups that they reach
    (0.25, ghost),
    (0.35, halo),
    (0.35, resample),
    (0.35, soften),
    (0.60, light),
    (0.20, blotches),
    (0.30, fine_noise),
    (0.25, blocks),
)


def degrade(images: Tensor, draws: Draws, group: int = 8) -> Tensor:
    """Each group of pictures gets its own mixture of degradations; a third keep all their detail."""
    parts = []
    for part in images.split(group):
        sharp = draws.chance(_SHARP_SHARE)
        for share, change in DEGRADATIONS:
            if draws.chance(share) and not (sharp and change is not light):
                part = change(part, draws)
        parts.append(part)
    return torch.cat(parts).clamp(-1, 1)
