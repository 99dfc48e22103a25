"""People whose pictures are inverted, what inverts them, and the scores of one of them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from sat3d.generators import TriplaneGenerator
from sat3d.inversion import (
    InversionOptions,
    Inverter,
    LpipsLoss,
    TuneOptions,
    invert,
    tune,
    tuned_network,
)
from sat3d.inversion.scores import psnr, ssim
from sat3d.networks.loading import resize
from sat3d.networks.reader import AttributeReader
from training.data.views import Piece, Views, gather
from training.networks.coded_heads import has_latents_of
from training.synth.cameras import Pose
from training.synth.views import check_device
from training.synthheads.views import render_head

from .inversion_cases import Case, true_latent
from .people import Crowd

TUNE = "tune"
TURN_DEG = 30.0  # between the picture that is inverted and the view that is judged
_TUNING_SHARE = 0.5


@dataclass(frozen=True)
class Bench:
    """What is judged and with what. ``reader``: the judge, where one is wanted; ``depth [N, S, S]``: of all ``views``;
    ``lpips`` scores pictures, where it is installed."""

    tools: Inverter
    reader: AttributeReader | None
    crowd: Crowd
    views: Views
    depth: Tensor
    lpips: LpipsLoss | None = None

    @property
    def network(self) -> TriplaneGenerator:
        return self.tools.network

    @property
    def has_true_latents(self) -> bool:
        return has_latents_of(self.network, self.crowd.population)


def render_pairs(crowd: Crowd) -> tuple[Views, Tensor]:
    """Two views of each person: the picture to be inverted, and one from ``TURN_DEG`` further round to the front; and
    the depths of both ``[N, S, S]``, world units along the ray, 0 in the background."""
    check_device("cpu")
    depths: list[Tensor] = []

    def pieces() -> Iterator[Piece]:
        for head in range(crowd.people):
            first = crowd.poses(head)[0]
            turned = first.yaw_rad - math.copysign(math.radians(TURN_DEG), first.yaw_rad)
            poses, p = [first, Pose(turned, first.pitch_rad)], crowd.person(head)
            for pose, view in zip(poses, render_head(p, poses, crowd.size), strict=True):
                depths.append(torch.from_numpy(view.depth))
                yield Piece(view.image, view.labels, head, p, pose.yaw_rad, pose.pitch_rad)

    views = gather(pieces(), 2 * crowd.people, crowd.size, "rendering people")
    return views, torch.stack(depths)


@torch.no_grad()
def true_case(bench: Bench, head: int) -> Case:
    """The latent that a person was drawn with, from the true cameras."""
    latent = true_latent(bench.network, bench.crowd, head)
    images, pictures = [], []
    for view in (2 * head, 2 * head + 1):
        images.append(bench.views.inputs(torch.tensor([view])))
        pictures.append(bench.network.synthesize(latent.styles, true_camera(bench, view)).image)
    scores = (psnr(pictures[0], images[0]), ssim(pictures[0], images[0]), psnr(pictures[1], images[1]))
    return Case(head, latent, *pictures, *scores, 0.0, 0.0, 0.0)


def true_camera(bench: Bench, view: int) -> Tensor:
    """``[1, 25]`` of the view of this number."""
    return bench.network.rig.label(float(bench.views.yaw_rad[view]), float(bench.views.pitch_rad[view]))


def invert_person(bench: Bench, head: int, options: InversionOptions, tuned: bool = False) -> Case:
    """Invert the first view of a person, tune the generator to it if asked for, and look at the second."""
    seen, turned = 2 * head, 2 * head + 1
    image = bench.views.inputs(torch.tensor([seen]))
    started = time.perf_counter()
    found = invert(bench.tools, image, options)
    latent, picture, steps = found.latent, found.picture, len(found.losses)
    if tuned:
        tuning = TuneOptions(max(1, round(options.steps * _TUNING_SHARE)), options.seed)
        latent, steps = tune(bench.tools, latent, image, tuning), steps + tuning.steps
    seconds = time.perf_counter() - started
    with torch.no_grad():
        network = tuned_network(bench.network, latent)
        if latent.tuned:
            picture = network.synthesize(latent.styles, latent.camera).image
        novel = network.synthesize(latent.styles, true_camera(bench, turned)).image
    truth = (float(bench.views.yaw_rad[seen]), float(bench.views.pitch_rad[seen]))
    off = max(abs(a - b) for a, b in zip((found.start.yaw_rad, found.start.pitch_rad), truth, strict=True))
    wanted = resize(image, *picture.shape[2:])
    scores = (psnr(picture, wanted), ssim(picture, wanted), psnr(novel, bench.views.inputs(torch.tensor([turned]))))
    return Case(head, latent, picture, novel, *scores, seconds, seconds / max(1, steps), math.degrees(off))


def inversion_options(method: str, steps: int, seed: int, resolution: int | None = None) -> InversionOptions:
    """The inversion's own defaults, but for what is said; ``method``: one of them, or ``TUNE``."""
    changes = {} if resolution is None else {"low_resolution": resolution}
    return InversionOptions("W+" if method == TUNE else method, steps, seed, **changes)
