"""An avatar: the head of a generator of drawn heads that one takes for the person in a photo or in another drawing.

Such a picture is not of the generator's kind, so its pixels say little. What counts is what an encoder makes of it that
has learned from many looks; then a few steps of descent in W, which cannot leave the domain, see to the points of the
face, its expression and gaze, and the colours of hair, skin and clothes.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..domains import shows_people
from ..errors import ConfigError, ShapeError
from ..faces.finding import find_faces
from ..faces.networks import face_networks_on
from ..generators import StyleGenerator, ViewGenerator
from ..parsing.parser import load_parser
from ..progress import Watch, no_watch
from .face_terms import FaceLoss
from .frames import BUILT_IN, are_cameras_of
from .initialisation import Inverter, ask_encoder
from .optimise import Inversion, descend
from .options import InversionOptions, Rates, Weights
from .parameters import Start, Variables
from .pose import camera_of_face
from .region_terms import RegionLoss
from .target import Target, make_target
from .w_statistics import WStatistics, check_usable, measure_w_statistics

_UNLIKELIEST = 1.0  # root mean square of w, in the population's spread: heads beyond are drawn towards the mean
_RATES = Rates(face=0.03, camera=0.002)
_WEIGHTS = Weights(pixel=0, features=0, identity=0, lpips=0, points=0.3, regions=1.0, face=0.4)


def find_avatar(
    tools: Inverter,
    image: Tensor,
    options: InversionOptions | None = None,
    weight: Tensor | None = None,
    start: Start | None = None,
    watch: Watch = no_watch,
) -> Inversion:
    """As :func:`sat3d.inversion.invert`, by the encoder and a descent in W. Of ``options`` the steps, the resolutions
    and the seed count. ``start``: a known camera; None: as the points of the face tell, or else the encoder.

    Raises:
        ConfigError: the generator does not draw heads, or there is no encoder for it; ShapeError: not a picture.
    """
    check_drawn_heads(tools.network)
    options = replace(options or InversionOptions(), method="W", rates=_RATES, weights=_WEIGHTS)
    with torch.inference_mode(False), torch.enable_grad():
        check_usable(tools.network)
        target = make_target(image.to(tools.network.device), tools.network.config.img_resolution, weight)
        statistics = tools.statistics or measure_w_statistics(tools.network, options.seed)
        start = _begin(tools, target, start)
        w = likely(start.all_rows(tools.network).mean(1), statistics)
        around = replace(statistics, mean=w)  # so that departures from what the encoder saw cost, and no others
        variables = Variables.at(replace(start, w=w, ws=None), "W", tools.network, around)
        return descend(_seeing(tools), options, target, around, variables, start.roll_rad, watch, "avatar")


def makes_drawn_heads(network: StyleGenerator) -> bool:
    """Whether its cameras stand where those of the built-in domain do; those of official checkpoints do not, nor do
    those of things that are no people, whatever they look at."""
    return isinstance(network, ViewGenerator) and shows_people(network.domain) and are_cameras_of(BUILT_IN, network.rig)


def check_drawn_heads(network: StyleGenerator) -> None:
    """
    Raises:
        ConfigError: it makes none.
    """
    if not makes_drawn_heads(network):
        raise ConfigError(
            "An avatar is for generators of drawn heads",
            _describe(network),
            "the built-in generator, or one that was trained on the same heads",
            "choose W, W+ or tune: a generator of photographs finds the face of a photo itself",
        )


def _describe(network: StyleGenerator) -> str:
    if not isinstance(network, ViewGenerator):
        return "a flat one"
    of_photos = shows_people(network.domain)
    return "one with cameras of its own, as of photos" if of_photos else f"one of {network.domain}"


def likely(w: Tensor, statistics: WStatistics) -> Tensor:
    """``[1, w_dim]``, drawn towards the population's mean as far as it is unlikelier than its people are."""
    v = statistics.v(w.to(statistics.mean))
    unlikely = v.square().mean().sqrt() / _UNLIKELIEST
    return statistics.w(v / unlikely.clamp_min(1))


def _begin(tools: Inverter, target: Target, camera: Start | None) -> Start:
    camera = camera or _camera_of_points(target)
    found = ask_encoder(tools, target, 0.0 if camera is None else camera.roll_rad, camera)
    return found if camera is None else replace(camera, w=found.w)


def _camera_of_points(target: Target) -> Start | None:
    """None where no face is found, or one that is no view of a face."""
    image = target.image.cpu()
    faces = find_faces(image)
    if not faces:
        return None
    try:
        return camera_of_face(faces[0].points, image.shape[-1], BUILT_IN).start
    except ShapeError:
        return None


def _seeing(tools: Inverter) -> Inverter:
    """With the terms that an avatar needs, and no others."""
    device = tools.network.device
    points = tools.points or FaceLoss(face_networks_on(str(device))).to(device)
    regions = tools.regions or RegionLoss(load_parser().to(device))
    return Inverter(tools.network, tools.fingerprint, tools.encoder, points=points, regions=regions)
