"""Where an inversion begins: at what the encoder says, or at the mean face, seen from the likeliest side."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from ..errors import ConfigError
from ..generators import RenderOptions, StyleGenerator, TriplaneGenerator
from .encoder import PortraitEncoder, check_encoder
from .features import FeatureLoss
from .likeness import Likeness
from .options import Weights
from .population import Population
from .target import Target
from .variables import Start

_SEARCHED_YAW_DEG = (-45, -30, -15, 0, 15, 30, 45)
_SEARCH_RESOLUTION = 32


@dataclass(frozen=True, eq=False)
class Inverter:
    """What an inversion works with. ``features``: the perceptual loss (None: pixels alone)."""

    network: StyleGenerator
    fingerprint: str = ""
    encoder: PortraitEncoder | None = None
    features: FeatureLoss | None = None
    population: Population | None = None  # None: measured when needed


def first_guess(tools: Inverter, target: Target, population: Population) -> Start:
    """What the encoder says; without one the mean face, from the yaw where it is most like the picture."""
    if tools.encoder is not None:
        return ask_encoder(tools, target)
    if not isinstance(tools.network, TriplaneGenerator):
        return Start()
    return Start(yaw_rad=_likely_yaw(tools, target, population))


@torch.no_grad()
def ask_encoder(tools: Inverter, target: Target) -> Start:
    """
    Raises:
        ConfigError: no encoder, or one of another generator.
    """
    if tools.encoder is None:
        raise ConfigError("There is no encoder", "none", "an encoder that was trained for this generator",
                          "choose W, W+ or styles, which do without")  # fmt: skip
    check_encoder(tools.encoder, tools.network)
    image = target.image.cpu() if next(tools.encoder.parameters()).device.type == "cpu" else target.image
    found = tools.encoder(image)
    return Start(found.w.to(tools.network.device), float(found.yaw_rad), float(found.pitch_rad))


@torch.no_grad()
def _likely_yaw(tools: Inverter, target: Target, population: Population) -> float:
    network = tools.network
    soft = target.at(sharpness(network, _SEARCH_RESOLUTION))
    likeness = Likeness(tools.features, soft, Weights())
    ws = population.mean[:, None].expand(-1, network.config.backbone.num_ws, -1)
    styles = network.styles(ws)
    planes = network.planes(styles)
    losses = {}
    for yaw_deg in _SEARCHED_YAW_DEG:
        camera = network.rig.label(math.radians(yaw_deg)).to(styles.device)
        picture = network.render(planes, styles, camera, RenderOptions(_SEARCH_RESOLUTION)).image
        losses[yaw_deg] = float(likeness(picture))
    return math.radians(min(losses, key=losses.get))


def sharpness(network: StyleGenerator, resolution: int | None) -> float:
    """``resolution`` of a volume rendering as a share of the network's own; 1 for None and for flat generators."""
    if resolution is None or not isinstance(network, TriplaneGenerator):
        return 1.0
    return min(1.0, resolution / network.config.neural_rendering_resolution)
