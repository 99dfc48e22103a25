"""Initialisation of an inversion: by the encoder, or the mean face seen from the likeliest side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import ConfigError
from ..generators import RenderOptions, StyleGenerator, ViewGenerator
from ..networks.loading import large_enough
from .cameras import rolled_label
from .encoder import FaceEncoder, Found
from .face_terms import FaceLoss
from .features import FeatureLoss
from .losses import IdentityLoss, Likeness, Term
from .lpips import LpipsLoss
from .options import Weights
from .parameters import Start, Variables
from .region_terms import RegionLoss
from .target import Target
from .w_statistics import WStatistics

_SEARCHED_YAW_DEG = (-45, -30, -15, 0, 15, 30, 45)
_SEARCHED_ALL_AROUND_DEG = (*_SEARCHED_YAW_DEG, 70, 95, 120, 145, 180, -145, -120, -95, -70)
_SEARCH_RESOLUTION = 32


@dataclass(frozen=True, eq=False)
class Inverter:
    """What an inversion works with. ``features``, ``identity``, ``lpips``, ``points``, ``regions``: terms of the loss
    (None: left out)."""

    network: StyleGenerator
    fingerprint: str = ""
    encoder: FaceEncoder | None = None
    features: FeatureLoss | None = None
    statistics: WStatistics | None = None  # None: measured when needed
    identity: IdentityLoss | None = None
    lpips: LpipsLoss | None = None
    points: FaceLoss | None = None
    regions: RegionLoss | None = None

    def likeness(self, target: Target, weights: Weights) -> Likeness:
        """The loss against ``target``, of the terms at hand."""
        terms: list[tuple[float, Term | None]] = [
            (weights.features, self.features), (weights.identity, self.identity), (weights.lpips, self.lpips),
            (weights.points, self.points), (weights.regions, self.regions),
        ]  # fmt: skip
        return Likeness([(share, term) for share, term in terms if term is not None], target, weights.pixel)


def first_guess(tools: Inverter, target: Target, statistics: WStatistics) -> Start:
    """What the encoder says; without one the mean face, from the yaw where it is most like the picture."""
    if tools.encoder is not None:
        return ask_encoder(tools, target)
    if not isinstance(tools.network, ViewGenerator):
        return Start()
    yaw_rad = _find_likely_yaw(tools, target, statistics.mean[:, None])
    return Start(yaw_rad=yaw_rad, pitch_rad=tools.network.rig.front[1])


@torch.no_grad()
def encode_target(tools: Inverter, target: Target, roll_rad: float = 0.0) -> Found:
    """Face and camera as the encoder sees them; a head that is tilted by ``roll_rad`` is put upright first.

    Raises:
        ConfigError: no encoder, or one of another generator.
    """
    if tools.encoder is None:
        raise ConfigError("There is no encoder", "none", "an encoder that was trained for this generator",
                          "choose W, W+ or styles, which do without")  # fmt: skip
    tools.encoder.check(tools.network)
    found = tools.encoder.find(large_enough(upright(target.image, roll_rad)))
    return replace(found, ws=found.ws.to(tools.network.device))


@torch.no_grad()
def ask_encoder(tools: Inverter, target: Target, roll_rad: float = 0.0, camera: Start | None = None) -> Start:
    """To begin with what the encoder sees; see :func:`encode_target`.

    An encoder that knows no cameras gets ``camera``, where it is known otherwise, else the likeliest one.
    """
    found = encode_target(tools, target, roll_rad)
    w, several = (found.ws[:, 0], None) if found.ws.shape[1] == 1 else (found.ws.mean(1), found.ws)
    if found.yaw_rad is not None and found.pitch_rad is not None:
        return Start(w, float(found.yaw_rad), float(found.pitch_rad), roll_rad, ws=several)
    if camera is not None:
        return replace(camera, w=w, ws=several)
    if not isinstance(tools.network, ViewGenerator):
        return Start(w, ws=several)
    yaw_rad = _find_likely_yaw(tools, target, found.ws)
    return Start(w, yaw_rad, tools.network.rig.front[1], roll_rad, ws=several)


def upright(image: Tensor, roll_rad: float) -> Tensor:
    """``[1, C, S, S]``, turned clockwise by ``roll_rad`` about its middle; beyond its edges they go on."""
    if not roll_rad:
        return image
    c, s = math.cos(roll_rad), math.sin(roll_rad)
    where = F.affine_grid(image.new_tensor([[[c, s, 0], [-s, c, 0]]]), list(image.shape), align_corners=False)
    return F.grid_sample(image, where, padding_mode="border", align_corners=False)


@torch.no_grad()
def choose_likeliest(
    tools: Inverter, target: Target, statistics: WStatistics, method: str, starts: Sequence[Start]
) -> Start:
    """That of ``starts`` whose face is most like the picture, seen coarsely."""
    look = _prepare_glance(tools, target)
    losses = []
    for start in starts:
        styles = Variables.at(start, method, tools.network, statistics).styles(tools.network, statistics)
        angles = torch.tensor([start.yaw_rad, start.pitch_rad])
        losses.append(look(styles, rolled_label(tools.network.rig, angles, start.roll_rad)))
    return starts[losses.index(min(losses))]


@torch.no_grad()
def _find_likely_yaw(tools: Inverter, target: Target, ws: Tensor) -> float:
    """From where the face ``ws [1, rows or 1, w_dim]`` is most like the picture."""
    network, look = tools.network, _prepare_glance(tools, target)
    styles = network.styles(ws.expand(-1, network.config.backbone.num_ws, -1))
    searched = _SEARCHED_ALL_AROUND_DEG if network.knows_all_sides else _SEARCHED_YAW_DEG
    return min(map(math.radians, searched), key=lambda yaw_rad: look(styles, network.rig.label(yaw_rad)))


def _prepare_glance(tools: Inverter, target: Target) -> Callable[[Tensor, Tensor], float]:
    """How unlike the picture a face (styles, camera) is in a small rendering."""
    likeness = tools.likeness(target.at(tools.network.relative_resolution(_SEARCH_RESOLUTION)), Weights())

    def look(styles: Tensor, camera: Tensor) -> float:
        options = RenderOptions(_SEARCH_RESOLUTION)
        return float(likeness(tools.network.synthesize(styles, camera.to(styles.device), options).image))

    return look
