"""Pivotal tuning (Roich et al. 2021): the generator itself is tuned, a little, around a face that was found before.

The face (the pivot) stays; weights move until its picture is the photo. Locality regularisation holds the pictures of
other faces near the pivot, from any camera, where they were, so that edits still do what they did.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..checks import check_number, check_whole
from ..errors import ShapeError
from ..generators import RenderOptions, StyleGenerator
from ..latent import Latent
from ..progress import Watch, no_watch
from .delta import delta_between, tunable_names, with_delta, with_hooks_of
from .initialisation import Inverter
from .optimise import PREVIEW_EVERY, pace, set_gradients
from .options import ADVICE, LEAST_SHARE, MOST_STEPS, Weights
from .target import Target, make_target
from .w_statistics import WStatistics, measure_w_statistics

_WARM_UP = 0.1  # share of the steps
_TURN_DEG = (35.0, 12.0)  # largest yaw and pitch of the cameras that others are held from
_ALL_AROUND_DEG = (180.0, 12.0)  # the same for networks that know the head from all sides


@dataclass(frozen=True)
class TuneOptions:
    """``locality``: weight of keeping other faces, looked at every ``locality_every`` steps, which lie ``reach`` of the
    way from the pivot to a random face. ``resolution``: side of the rendering that is compared (None: the generator's).

    Raises:
        ConfigError: a value out of range.
    """

    steps: int = 60
    seed: int = 0
    rate: float = 2e-3
    resolution: int | None = 64
    locality: float = 1.0
    locality_every: int = 2
    reach: float = 0.5
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self):
        check_whole("The number of steps", self.steps, 1, MOST_STEPS, ADVICE)
        check_whole("resolution", self.resolution or 64, 8, 1024, ADVICE)
        check_whole("locality_every", self.locality_every, 1, MOST_STEPS, ADVICE)
        for name in ("rate", "locality", "reach"):
            check_number(name, getattr(self, name), 0, 1e3, ADVICE)


def tune(
    tools: Inverter,
    pivot: Latent,
    images: Tensor,
    options: TuneOptions | None = None,
    weight: Tensor | None = None,
    watch: Watch = no_watch,
) -> Latent:
    """``pivot`` of B faces with their pictures ``[B, 3, H, W]`` in -1..1 -> the same faces with ``tuned`` filled.

    ``weight [1 or B, 1, h, w]``: 0 where the photo must not be learned, such as glasses. One small difference of
    weights serves all B. The network of ``tools`` is not changed; see :func:`with_delta` for how to use the result.

    Raises:
        ShapeError: as many pictures as faces are wanted, and see :func:`make_target`. LayoutError: a pivot of another
        generator.
    """
    options = options or TuneOptions()
    pivot.check_layout(tools.network.layout)
    if len(images) != len(pivot.styles):
        raise ShapeError("Faces and pictures do not pair", (len(pivot.styles), len(images)), "one picture per face",
                         "tune with the pictures that were inverted")  # fmt: skip
    with torch.inference_mode(False), torch.enable_grad():
        return replace(pivot, tuned=_Tuning(tools, pivot, options).run(_targets(tools, images, weight), watch))


def _targets(tools: Inverter, images: Tensor, weight: Tensor | None) -> list[Target]:
    size, device = tools.network.config.img_resolution, tools.network.device
    weights = [None] * len(images) if weight is None else weight.expand(len(images), -1, -1, -1).split(1)
    return [make_target(image.to(device), size, own) for image, own in zip(images.split(1), weights, strict=True)]


class _Tuning:
    """One tuning at work."""

    def __init__(self, tools: Inverter, pivot: Latent, options: TuneOptions):
        network = tools.network
        self.options, self.tools = options, tools
        # A pivot that is tuned already goes on from there.
        self.plain, self.network = network, with_hooks_of(network, with_delta(network, pivot.tuned))
        self.free = _own_copies(self.network)
        self.styles = pivot.styles.to(network.device).clone()
        self.cameras = pivot.camera.to(network.device).clone().expand(len(self.styles), -1)
        self.statistics: WStatistics = tools.statistics or measure_w_statistics(network)
        self.generator = torch.Generator().manual_seed(options.seed)

    def run(self, targets: list[Target], watch: Watch) -> dict[str, Tensor]:
        """The differences of weights."""
        sharp = self.plain.relative_resolution(self.options.resolution)
        likenesses = [self.tools.likeness(each.at(sharp), self.options.weights) for each in targets]
        optimizer = torch.optim.Adam(self.free, betas=(0.9, 0.99))
        for step in range(self.options.steps):
            face = step % len(targets)
            picture = self._render(self.network, self.styles[face : face + 1], self.cameras[face : face + 1])
            loss = likenesses[face](picture)
            watch(step, self.options.steps, picture.detach() if step % PREVIEW_EVERY == 0 else None)
            if step % self.options.locality_every == 0 and self.options.locality:
                loss = loss + self.options.locality * self._locality(face)
            set_gradients(self.free, loss)
            optimizer.param_groups[0]["lr"] = self.options.rate * pace((step + 0.5) / self.options.steps, _WARM_UP)
            optimizer.step()
        watch(self.options.steps, self.options.steps, self._picture())
        return delta_between(self.plain, self.network)

    def _locality(self, face: int) -> Tensor:
        """How far the picture of another face, from a random camera, has moved from what the plain network shows."""
        styles, camera = self._neighbour(face)
        with torch.no_grad():
            before = Target(self._render(self.plain, styles, camera))
        return self.tools.likeness(before, self.options.weights)(self._render(self.network, styles, camera))

    @torch.no_grad()
    def _neighbour(self, face: int) -> tuple[Tensor, Tensor]:
        v = torch.randn(1, self.plain.config.backbone.w_dim, generator=self.generator).to(self.styles)
        turn = torch.rand(2, generator=self.generator) * 2 - 1
        other = self.plain.styles(self.plain.broadcast(self.statistics.w(v)))
        styles = torch.lerp(self.styles[face : face + 1], other, self.options.reach)
        limits_deg = _ALL_AROUND_DEG if self.plain.knows_all_sides else _TURN_DEG
        rig = self.plain.rig
        yaw, pitch = (
            front + float(share) * math.radians(limit)
            for front, share, limit in zip(rig.front, turn, limits_deg, strict=True)
        )
        return styles, rig.label(yaw, pitch).to(styles.device)

    @torch.no_grad()
    def _picture(self) -> Tensor:
        return self.network.synthesize(self.styles[:1], self.cameras[:1]).image

    def _render(self, network: StyleGenerator, styles: Tensor, camera: Tensor) -> Tensor:
        options = RenderOptions(self.options.resolution, least_share=LEAST_SHARE)
        return network.synthesize(styles, camera, options).image


def _own_copies(network: StyleGenerator) -> list[Tensor]:
    """The tunable parameters, no longer shared with another network, wanting gradients."""
    free = []
    for name in tunable_names(network):
        owner, _, leaf = name.rpartition(".")
        parameter = torch.nn.Parameter(network.get_parameter(name).detach().clone())
        setattr(network.get_submodule(owner), leaf, parameter)
        free.append(parameter)
    return free


def tuned_network(network: StyleGenerator, latent: Latent) -> StyleGenerator:
    """The network that shows ``latent``: itself, or with the tuned weights of the latent."""
    return with_delta(network, latent.tuned) if latent.tuned else network
