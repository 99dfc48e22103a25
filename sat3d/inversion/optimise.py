"""From a picture to a face of a generator: in one pass by the encoder, or by descent in W, W+ or the style space.

Image2StyleGAN (Abdal et al. 2019), with a likely face as the origin of everything that is varied (see ``parameters``)
and the camera refined along with it. Nothing is random in the descent, so it gives the same latent every time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..errors import ConfigError
from ..generators import RenderOptions, StyleGenerator, ViewGenerator
from ..latent import Latent
from ..progress import Watch, no_watch
from .cameras import angles_of, rolled_label
from .delta import with_hooks_of
from .initialisation import Inverter, ask_encoder, first_guess
from .losses import Likeness
from .options import LEAST_SHARE, InversionOptions
from .parameters import HeldVariables, Start, Variables
from .target import Target, make_target
from .w_statistics import WStatistics, check_usable, measure_w_statistics

PREVIEW_EVERY = 4
_WARM_UP, _COOL_DOWN = 0.05, 0.5  # shares of the steps
_LEAST_GAIN = 1e-3  # relative, that counts as a gain
_SHARPEST_PITCH = math.pi / 2 - 0.05


@dataclass(frozen=True)
class Inversion:
    """``picture [1, 3, H, H]``: the face as found, from the camera found; ``losses``: of each step, not comparable
    between the low and the full resolution; ``start``: to begin the next, similar picture with."""

    latent: Latent
    picture: Tensor
    losses: tuple[float, ...]
    start: Start


def invert(
    tools: Inverter,
    image: Tensor,
    options: InversionOptions | None = None,
    weight: Tensor | None = None,
    start: Start | None = None,
    watch: Watch = no_watch,
) -> Inversion:
    """``image [1, 3, H, W]`` in -1..1, cropped as the generator's pictures -> the face and camera that show it.

    ``weight [1, 1, h, w]``: 0 where the picture is not to be reproduced, such as a hand before the face. ``start``:
    None asks the encoder, or without one begins with the mean face; one without w is a known camera, such as
    ``camera_of(landmarks, size).start``, whose roll is kept. ``watch`` may raise to cancel. Works under
    inference mode; the network is not changed and gets no gradients.

    Raises:
        ShapeError: see :func:`make_target`. ConfigError: method *encoder* without one, an encoder of another generator,
        or a generator that was loaded under inference mode.
    """
    options = options or InversionOptions()
    with torch.inference_mode(False), torch.enable_grad():
        check_usable(tools.network)
        target = make_target(image.to(tools.network.device), tools.network.config.img_resolution, weight)
        if options.method == "encoder":
            return _encode(tools, target, start, watch)
        statistics = tools.statistics or measure_w_statistics(tools.network, options.seed)
        start = start or first_guess(tools, target, statistics)
        if start.w is None and tools.encoder is not None:  # a camera alone is known, such as that of landmarks
            found = ask_encoder(tools, target, start.roll_rad, start)
            start = replace(start, w=found.w, ws=found.ws)
        variables = Variables.at(start, options.method, tools.network, statistics)
        return descend(tools, options, target, statistics, variables, start.roll_rad, watch)


def descend(
    tools: Inverter,
    options: InversionOptions,
    target: Target,
    statistics: WStatistics,
    variables: Variables | HeldVariables,
    roll_rad: float = 0.0,
    watch: Watch = no_watch,
    name: str = "inverted",
) -> Inversion:
    """Vary ``variables`` until their picture is ``target``; gradients must be on, see :func:`invert`. ``name``: of the
    latent."""
    found = _Descent(tools, options, target, statistics, variables, roll_rad).run(watch)
    return replace(found, latent=replace(found.latent, name=name))


def _encode(tools: Inverter, target: Target, start: Start | None, watch: Watch) -> Inversion:
    found = ask_encoder(tools, target, 0.0 if start is None else start.roll_rad, start)
    start = found if start is None else replace(start, w=found.w, ws=found.ws)
    with torch.no_grad():
        styles = tools.network.styles(start.all_rows(tools.network))
        camera = rolled_label(tools.network.rig, torch.tensor([start.yaw_rad, start.pitch_rad]), start.roll_rad)
        picture = tools.network.synthesize(styles, camera.to(styles.device)).image
    watch(1, 1, picture)
    return Inversion(make_latent(tools, styles, camera, "encoded"), picture, (), start)


def make_latent(tools: Inverter, styles: Tensor, camera: Tensor, name: str) -> Latent:
    """A latent on the CPU."""
    layout = tools.network.layout.fingerprint
    return Latent(styles.detach().cpu(), camera.detach().cpu(), tools.fingerprint, layout, name=name)


class _Descent:
    """One inversion at work."""

    def __init__(
        self,
        tools: Inverter,
        options: InversionOptions,
        target: Target,
        statistics: WStatistics,
        variables: Variables | HeldVariables,
        roll_rad: float,
    ):
        self.tools, self.options, self.target = tools, options, target
        self.statistics, self.roll_rad = statistics, roll_rad
        self.variables = self.best = variables
        self.losses: list[float] = []

    def run(self, watch: Watch) -> Inversion:
        optimizer = self._optimizer()
        low = self.options.steps - self.options.full_steps
        for first, last, network, resolution in (
            (0, low, self._coarse_network(), self.options.low_resolution),
            (low, self.options.steps, self.tools.network, self.options.full_resolution),
        ):
            self._phase(optimizer, range(first, last), network, resolution, watch)
        return self._result(self.best, watch)

    def _phase(
        self,
        optimizer: torch.optim.Adam,
        steps: range,
        network: StyleGenerator,
        resolution: int | None,
        watch: Watch,
    ) -> None:
        target = self.target.at(self.tools.network.relative_resolution(resolution))
        likeness = self.tools.likeness(target, self.options.weights)
        least, since = math.inf, 0
        for step in steps:
            loss, picture = self._loss(network, resolution, likeness)
            value = float(loss.detach())
            if not math.isfinite(value):
                if not self.losses:
                    raise ConfigError("The generator's picture is not finite where the descent begins", value, None,
                                      "choose another generator, or begin without the encoder")  # fmt: skip
                break
            since = 0 if value < least * (1 - _LEAST_GAIN) else since + 1
            if value < least:
                least, self.best = value, self.variables.copy()
            self.losses.append(value)
            watch(step, self.options.steps, picture.detach() if step % PREVIEW_EVERY == 0 else None)
            if self.options.patience and since >= self.options.patience:
                break
            self._step(optimizer, loss, step)

    def _loss(self, network: StyleGenerator, resolution: int | None, likeness: Likeness) -> tuple[Tensor, Tensor]:
        styles = self.variables.styles(network, self.statistics)
        options = RenderOptions(resolution, least_share=LEAST_SHARE)
        picture = network.synthesize(styles, self._camera(self.variables), options).image
        weights = self.options.weights
        return likeness(picture) + self.variables.unlikeliness(weights.face, weights.departure), picture

    def _step(self, optimizer: torch.optim.Adam, loss: Tensor, step: int) -> None:
        free = [tensor for group in optimizer.param_groups for tensor in group["params"]]
        set_gradients(free, loss)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * pace((step + 0.5) / self.options.steps)
        optimizer.step()
        with torch.no_grad():
            self.variables.angles[1].clamp_(-_SHARPEST_PITCH, _SHARPEST_PITCH)

    def _optimizer(self) -> torch.optim.Adam:
        rates = self.options.rates
        seen_by_cameras = isinstance(self.tools.network, ViewGenerator)  # else angles have no gradient
        peaks = {"shared": rates.face, "rows": rates.departure, "channels": rates.departure, "angles": rates.camera}
        groups = [
            {"params": [tensor], "peak": peaks[name]}
            for name, tensor in self.variables.tensors().items()
            if seen_by_cameras or name != "angles"
        ]
        return torch.optim.Adam(groups, betas=(0.9, 0.99))

    def _camera(self, variables: Variables | HeldVariables) -> Tensor:
        return rolled_label(self.tools.network.rig, variables.angles, self.roll_rad)

    @torch.no_grad()
    def _result(self, best: Variables | HeldVariables, watch: Watch) -> Inversion:
        styles = best.styles(self.tools.network, self.statistics)
        camera = self._camera(best)
        picture = self.tools.network.synthesize(styles, camera, RenderOptions(self.options.full_resolution)).image
        watch(self.options.steps, self.options.steps, picture)
        latent = make_latent(self.tools, styles, camera, "inverted")
        return Inversion(latent, picture, tuple(self.losses), best.start(self.statistics, self.roll_rad))

    def _coarse_network(self) -> StyleGenerator:
        network = self.tools.network
        return with_hooks_of(network, network.coarser(self.options.low_samples))


def pace(t: float, warm_up: float = _WARM_UP) -> float:
    """The learning rate at the share ``t`` of the steps: up in the share ``warm_up``, held, down along a cosine."""
    down = max(0.0, (t - (1 - _COOL_DOWN)) / _COOL_DOWN)
    return min(1.0, t / warm_up) * (0.5 + 0.5 * math.cos(math.pi * down))


def set_gradients(tensors: Sequence[Tensor], loss: Tensor) -> None:
    """Not ``loss.backward()``: that would leave gradients on a network whose weights want some."""
    for tensor, gradient in zip(tensors, torch.autograd.grad(loss, tensors), strict=True):
        tensor.grad = gradient


def start_from_label(camera: Tensor, w: Tensor | None = None) -> Start:
    """Begin at a known camera ``[1, 25]``."""
    return Start(w, *angles_of(camera[0, :16].reshape(4, 4)))
