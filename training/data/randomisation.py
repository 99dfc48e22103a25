"""What makes a photograph differ from a render, far more than a generator's faults do: other backdrops, light that
falls unevenly, colours of a camera. One function each.

A function takes pictures [B, 3, S, S] in -1..1 and :class:`Draws`, and returns as many. Colours change so little that
a name that fits hair or a coat before fits it afterwards.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sat3d.networks.loading import resize
from sat3d.parsing.labels import BACKGROUND

from ..common.random_numbers import Draws
from .degradations import blur, degrade

_RIM_PX_AT_128 = 0.8  # softness of a head's outline before another backdrop
_LIGHT_CELLS = 3  # per side: light changes slowly
SHARE_STRONG = 0.6  # of the groups of pictures; the others are degraded as usual


def other_backdrops(images: Tensor, labels: Tensor, draws: Draws) -> Tensor:
    """``labels [B, S, S]``: a blotchy field, or somebody else's picture upside down, behind each head."""
    count, _, size, _ = images.shape
    cells = draws.whole(1, 12)
    colour = draws.noise((count, 3, 1, 1)) * 0.5
    behind = colour + draws.number(0.05, 0.5) * resize(draws.noise((count, 3, cells, cells)), size, size)
    if draws.chance(0.4):
        behind = torch.lerp(behind, images.roll(1, 0).flip(2), draws.number(0.3, 1.0))
    head = blur((labels[:, None] != BACKGROUND).to(images), _RIM_PX_AT_128 * size / 128)
    return torch.lerp(behind.clamp(-1, 1), images, head)


def uneven_light(images: Tensor, draws: Draws) -> Tensor:
    """Brighter here, darker there, as by a window or a lamp."""
    size = images.shape[2]
    field = resize(draws.noise((len(images), 1, _LIGHT_CELLS, _LIGHT_CELLS)), size, size)
    return (images + 1) * (1 + draws.number(0.05, 0.3) * field).clamp(0.3, 1.8) - 1


def camera_colours(images: Tensor, draws: Draws) -> Tensor:
    """White balance, contrast, gamma and saturation of each picture."""
    count = len(images)
    gains = torch.cat([draws.numbers(count, 0.86, 1.16) for _ in range(3)], 1)
    images = (images + 1) * gains - 1
    grey = images.mean(1, keepdim=True)
    images = torch.lerp(grey, images, draws.numbers(count, 0.6, 1.3))
    images = images * draws.numbers(count, 0.75, 1.2) + draws.numbers(count, -0.15, 0.12)
    return images + draws.numbers(count, -0.3, 0.25) * (1 - images.clamp(-1, 1).square())


CHANGES = ((0.6, uneven_light), (0.8, camera_colours))  # in this order, with the share of groups that they reach
_BACKDROPS = 0.6


def randomise(images: Tensor, labels: Tensor, draws: Draws, group: int = 8) -> Tensor:
    """Each group of pictures gets its own mixture, and then what generated pictures get."""
    parts = []
    for part, own in zip(images.split(group), labels.split(group), strict=True):
        if draws.chance(SHARE_STRONG):
            if draws.chance(_BACKDROPS):
                part = other_backdrops(part, own, draws)
            for share, change in CHANGES:
                part = change(part, draws) if draws.chance(share) else part
        parts.append(part)
    return degrade(torch.cat(parts).clamp(-1, 1), draws, group)
