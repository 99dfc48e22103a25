"""Points in space whose answer is known from the depth pictures, and the loss on them.

Most of the training needs no volume rendering: the surface's colour at the surface, occupancy on it, just before and
behind it, in the free space before it, and anywhere in the box with what all views together say.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from sat3d.generators import TriplaneConfig, TriplaneGenerator

from ..data.packed import HeadPack
from .pixels import PixelRays, carve
from .presets import PointSettings

# World units (0.61 m each); a pixel of a 128 px picture is 0.005 wide at the face.
_BEFORE = (0.001, 0.006)
_BEHIND = (0.0005, 0.0085)
_DEEP = (0.006, 0.066)
_FREE = (0.006, 0.300)
_COLOUR_LOSS, _OCCUPANCY_LOSS, _BACKDROP_LOSS = 2.0, 1.5, 0.5
_COLOUR_AT, _COLOUR_BEFORE, _COLOUR_BEHIND = 1.0, 0.25, 0.5
# Free space is certain where a view looks through it; what no view sees through may still be empty.
_FREE_VOLUME_WEIGHT, _HIDDEN_VOLUME_WEIGHT = 1.5, 0.4
# Points outside the box, too: there one or two planes say nothing, which must mean empty as far as a camera sees.
_BOX_MARGIN, _FAR_MARGIN, _FAR_EVERY = 1.08, 1.45, 5


@dataclass(frozen=True)
class KnownPoints:
    """``position [B, P, 3]``; ``occupied``, ``weight`` ``[B, P]``. The first 3·M are at, before, behind M surfaces."""

    position: Tensor
    occupied: Tensor
    weight: Tensor


def between(limits: tuple[float, float], like: Tensor, generator: torch.Generator, power: float = 1.0) -> Tensor:
    """Random lengths of the shape of ``like``; a ``power`` above one prefers the lower limit."""
    draw = torch.rand(like.shape, generator=generator, device=like.device)
    return limits[0] + draw**power * (limits[1] - limits[0])


def known_points(
    pack: HeadPack,
    heads: Tensor,
    rays: PixelRays,
    settings: PointSettings,
    config: TriplaneConfig,
    generator: torch.Generator,
) -> KnownPoints:
    """All points of a step for ``heads [B]`` and their ``rays``."""
    solid, limits = rays.solid, (config.rendering.ray_start, config.rendering.ray_end)
    surface = torch.where(solid, rays.distance, between(limits, rays.distance, generator))
    half = slice(0, None, 2)
    # Far in front of a surface as often as close to it: distances even in their logarithm.
    ahead = _FREE[0] * (_FREE[1] / _FREE[0]) ** torch.rand(surface.shape, generator=generator, device=surface.device)
    free = torch.where(solid, surface - ahead, between(limits, surface, generator))
    behind = rays.at(surface + between(_BEHIND, surface, generator, 1.5))
    deep = rays.at(surface[:, half] + between(_DEEP, surface[:, half], generator), half)
    volume = _volume_points(len(heads), settings.volume_points, config, generator, surface.device)
    hidden = carve(pack, heads, volume)
    one, ones = solid.float(), torch.ones_like
    groups = [  # position, occupied, weight
        (rays.at(surface), one, 0.6 + 0.2 * one),
        (rays.at(surface - between(_BEFORE, surface, generator)), 0 * one, 0.6 + 0.2 * one),
        (behind, one * carve(pack, heads, behind), 0.3 + 0.2 * one),
        (deep, one[:, half] * carve(pack, heads, deep), 0.3 + 0.2 * one[:, half]),
        (rays.at(free), 0 * one, ones(one)),
        (volume, hidden, _FREE_VOLUME_WEIGHT + (_HIDDEN_VOLUME_WEIGHT - _FREE_VOLUME_WEIGHT) * hidden),
    ]
    return KnownPoints(*(torch.cat(parts, 1) for parts in zip(*groups, strict=True)))


def _volume_points(batch: int, count: int, config: TriplaneConfig, generator: torch.Generator, device) -> Tensor:
    margin = torch.full((count, 1), _BOX_MARGIN, device=device)
    margin[::_FAR_EVERY] = _FAR_MARGIN
    share = torch.rand(batch, count, 3, generator=generator, device=device) - 0.5
    return share * margin * config.rendering.box_warp


def point_losses(
    network: TriplaneGenerator, planes: Tensor, styles: Tensor, rays: PixelRays, points: KnownPoints
) -> dict[str, Tensor]:
    """Weighted losses by name: colour at (and about) surfaces, occupancy everywhere, the backdrop's colour."""
    density, features = network.query(planes, points.position)
    logit = density / network.config.density_gain
    occupancy = F.binary_cross_entropy_with_logits(logit, points.occupied, points.weight)
    solid = rays.solid.float()
    errors = [(part - rays.colour).abs().mean(-1) for part in features[..., :3].split(solid.shape[1], 1)[:3]]
    shares = (_COLOUR_AT, _COLOUR_BEFORE, _COLOUR_BEHIND)
    near = sum(share * error for share, error in zip(shares, errors, strict=True))
    losses = {
        "colour": _COLOUR_LOSS * (near * solid).sum() / solid.sum().clamp_min(1),
        "occupancy": _OCCUPANCY_LOSS * occupancy,
    }
    if network.config.background_hidden:
        losses["backdrop"] = _BACKDROP_LOSS * _backdrop_error(network, styles, rays)
    return losses


def _backdrop_error(network: TriplaneGenerator, styles: Tensor, rays: PixelRays) -> Tensor:
    style = styles[:, network.layout.slices["background"]]
    pixels = rays.screen.transpose(1, 2)[:, :, None]  # [B, 2, 1, M]
    colour = network.background(style, pixels)[:, :3, 0].transpose(1, 2)
    empty = 1 - rays.solid.float()
    return ((colour - rays.colour).abs().mean(-1) * empty).sum() / empty.sum().clamp_min(1)
