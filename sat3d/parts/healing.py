"""Parts grown together: one plain face that looks as a composed one does, without its seams.

A W+ fit (Abdal et al. 2019, arXiv:1904.03189) to the composed face from several sides at once: a generator knows no
seams, so where parts met it draws what heads have there. All else comes back nearly, not exactly.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..checks import check_whole
from ..errors import ConfigError
from ..generators import RenderOptions, StyleGenerator, TriplaneGenerator
from ..generators.base import as_view_generator
from ..generators.shown import LEAST_SHARE
from ..inversion.tune import tuned_network
from ..latent import Latent
from ..latent_layers import PART
from ..networks.loading import resize
from .generator import network_showing

MOST_STEPS = 1000
_SIDES_DEG = (0.0, -30.0, 30.0)
_NEURAL_PX = 64  # side of the volume renderings that are compared
_RATE, _LAST_RATE = 0.03, 0.1  # of Adam, and how much of it remains at the end; w has about unit spread
_EDGES = 0.5  # of the loss: how neighbours differ, so that blur costs
_NEAR = 1e-3  # of the loss: how far w+ goes
Watch = Callable[[int, int], None]


def grow_together(network: StyleGenerator, face: Latent, steps: int, watch: Watch | None = None) -> Latent:
    """Every face of ``face`` without layers, each after ``steps`` of descent; 0, or no layers: as it is.

    ``watch(done, total)`` is told of all faces together, and may raise to cancel.

    Raises:
        ConfigError: a flat generator, or a number of steps out of range.
    """
    check_whole("The steps in which parts grow together", steps, 0, MOST_STEPS)
    if not face.layers or not steps:
        return face
    faces, found = face.faces(), []
    for number, one in enumerate(faces):
        with torch.inference_mode(False):
            found.append(
                _grown(network, one, steps, lambda done, at=number: _tell(watch, at * steps + done, len(faces) * steps))
            )
    return replace(face, styles=torch.cat(found).to(face.styles), layers=(), part_field=None)


def _tell(watch: Watch | None, done: int, total: int) -> None:
    if watch is not None:
        watch(done, total)


def _grown(network: StyleGenerator, face: Latent, steps: int, tell: Callable[[int], None]) -> Tensor:
    """Styles ``[1, S]`` of one face."""
    plain = as_view_generator(tuned_network(network, face), "A face that grows together")
    if not isinstance(plain, TriplaneGenerator):
        raise ConfigError("Parts grow together on tri-plane generators", type(plain).__name__, "EG3D or a child of it")
    cameras = torch.cat([plain.rig.label(math.radians(side)) for side in _SIDES_DEG]).to(plain.device)
    options = RenderOptions(min(_NEURAL_PX, plain.config.neural_rendering_resolution), least_share=LEAST_SHARE)
    with torch.no_grad():
        wanted = [_picture(network_showing(network, face), face.styles, camera, options) for camera in cameras[:, None]]
    target = list(zip(cameras[:, None], wanted, strict=True))
    return _descended(plain, _start(face).to(plain.device).clone(), target, options, steps, tell)


def _descended(
    plain: TriplaneGenerator,
    start: Tensor,
    target: Sequence[tuple[Tensor, Tensor]],
    options: RenderOptions,
    steps: int,
    tell: Callable[[int], None],
) -> Tensor:
    """Styles near ``start [1, S]`` whose pictures are those of ``target``: cameras ``[1, 25]``, pictures
    ``[1, 3, H, H]``, one of them a step. What w+ adds to styles is affine."""
    backbone = plain.config.backbone
    offset = torch.zeros(1, backbone.num_ws, backbone.w_dim, device=plain.device, requires_grad=True)
    nothing = plain.styles(torch.zeros_like(offset)).detach()
    optimizer = torch.optim.Adam([offset], lr=_RATE)
    for step in range(steps):
        tell(step)
        optimizer.param_groups[0]["lr"] = _RATE * _LAST_RATE ** (step / steps)
        camera, wanted = target[step % len(target)]
        with torch.enable_grad():
            got = _picture(plain, start + plain.styles(offset) - nothing, camera, options)
            loss = _loss(got, wanted) + _NEAR * offset.square().mean()
        (offset.grad,) = torch.autograd.grad(loss, offset)
        optimizer.step()
    tell(steps)
    with torch.no_grad():
        return start + plain.styles(offset) - nothing


def _start(face: Latent) -> Tensor:
    """The source with the reference's attributes, where masks told them; else the source."""
    filling = [layer.styles for layer in face.layers if layer.kind == PART and not layer.adds]
    return filling[-1] if filling else face.styles


def _picture(network: StyleGenerator, styles: Tensor, camera: Tensor, options: RenderOptions) -> Tensor:
    return network.synthesize(styles.to(network.device), camera, options).image


def _loss(got: Tensor, wanted: Tensor) -> Tensor:
    wanted = resize(wanted, *got.shape[2:])
    off = got - wanted
    edges = sum(off.diff(dim=dim).square().mean() for dim in (-1, -2))
    return off.square().mean() + _EDGES * edges
