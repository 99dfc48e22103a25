"""Inversion on renders of people it has never seen: likeness, other views, attributes, edits, camera, time."""

from __future__ import annotations

import argparse
import math
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.errors import ConfigError, FileError, LayoutError
from sat3d.generators import TriplaneGenerator
from sat3d.inversion import (
    METHODS,
    FeatureLoss,
    IdentityLoss,
    InversionOptions,
    Inverter,
    LpipsLoss,
    TuneOptions,
    invert,
    load_encoder,
    load_lpips,
    lpips_missing,
    tune,
    tuned_network,
)
from sat3d.inversion.scores import psnr, ssim
from sat3d.inversion.w_statistics import measure_population
from sat3d.masks import AttributeMasks, load_masks
from sat3d.networks.built_in import MASKS
from sat3d.networks.loading import resize
from sat3d.networks.reader import AttributeReader, load_reader
from sat3d.pictures import contact_sheet, save_picture, to_pil
from training.data.views import Piece, Views, gather
from training.synthheads.cameras import Pose
from training.synthheads.views import check_device, render_head

from .generator import CHECKPOINT, load_domain_generator
from .inversion_cases import Case, Edits, judge, true_latent
from .people import VIEWS_PER_PERSON, Crowd

TUNE = "tune"
_TURN_DEG = 30.0  # between the picture that is inverted and the view that is judged
_TUNING_SHARE = 0.5
_SHOWN = 12
_TIMED = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seed", type=int, default=7, help="which people (7); not a seed that was trained on")
    add("--count", type=int, default=200, help="number of people, one picture each (200)")
    add("--yaw", type=float, default=35.0, dest="yaw_deg", help="largest yaw, in degrees (35)")
    add("--methods", nargs="+", default=["encoder", "W+"], choices=[*METHODS, TUNE], help="(encoder W+)")
    add("--steps", type=int, default=200, help="of the descent; tune adds half as many (200)")
    add("--checkpoint", type=Path, default=CHECKPOINT, help="the generator's .safetensors file (the built-in one)")
    add("--encoder", type=Path, help="a .safetensors file (the built-in one)")
    add("--no-encoder", action="store_true", help="begin at the mean face")
    add("--masks", type=Path, help="attribute masks of this generator, for edit_gap (the built-in ones, if they fit)")
    add("--resolution", type=int, help="side of the coarse renderings (the inversion's default)")
    add("--identity", action="store_true", help="add the identity term to the loss (of the same reader that judges)")
    add("--lpips", action="store_true", help="add LPIPS to the loss; it is scored where it is installed in any case")
    add("--pictures", type=Path, help=f"write a sheet of the first {_SHOWN} people: photo, found; known view, found")


@dataclass(frozen=True)
class Bench:
    """What is judged and with what; ``lpips`` scores pictures, where it is installed."""

    tools: Inverter
    reader: AttributeReader
    crowd: Crowd
    views: Views
    lpips: LpipsLoss | None

    @property
    def network(self) -> TriplaneGenerator:
        return self.tools.network


def run(options: argparse.Namespace) -> dict:
    """Report with the keys ``methods.<method>.{psnr, ssim, novel_psnr, lpips, agree, edit_gap, seconds,
    seconds_per_step, camera_deg}``, ``true_latent`` (the same of the latents the people were drawn with: what the
    generator itself can do), ``encoder_seconds``, ``threads``.

    ``psnr``, ``ssim``, ``lpips``: at the input view, from the found camera (lpips null where it is not installed);
    ``novel_psnr``: from a known camera 30° away; ``agree``: share of the attributes that the reader reads right in the
    found face; ``edit_gap``: points by which edits do worse than on the true latents, see :class:`Edits` (null without
    masks); ``seconds``: median a picture; ``camera_deg``: median of the larger error of yaw and pitch.
    """
    bench = _bench(options)
    masks = _masks(options, bench.network)
    edits = None if masks is None else Edits(bench.network, bench.reader, masks, bench.crowd)
    heads = range(options.count)
    found = {"true_latent": [true_case(bench, head) for head in heads]}
    for method in options.methods:
        found[method] = [invert_person(bench, head, method, options) for head in tqdm(heads, unit="head", desc=method)]
    judged = {}
    for name, cases in found.items():
        gap = None if edits is None or name == "true_latent" else edits.gap(cases)
        judged[name] = judge(bench.reader, bench.views, cases, gap, bench.lpips)
    report: dict = {"seed": options.seed, "count": options.count, "yaw_deg": options.yaw_deg, "steps": options.steps}
    report |= {"threads": torch.get_num_threads(), "encoder_seconds": encoder_seconds(bench)}
    report["true_latent"] = {name: judged["true_latent"][name] for name in ("psnr", "ssim", "novel_psnr", "agree")}
    report["methods"] = {method: judged[method] for method in options.methods}
    if options.pictures:
        save_picture(sheet(bench, found), options.pictures)
    print(summary(report))
    return report


def _bench(options: argparse.Namespace) -> Bench:
    network, reader = load_domain_generator(options.checkpoint), load_reader()
    lpips = load_lpips() if options.lpips or not lpips_missing() else None
    tools = Inverter(network, "", _encoder(options), FeatureLoss(reader), measure_population(network),
                     IdentityLoss(reader) if options.identity else None, lpips if options.lpips else None)  # fmt: skip
    crowd = Crowd(options.seed, VIEWS_PER_PERSON * options.count, network.config.img_resolution, options.yaw_deg)
    return Bench(tools, reader, crowd, render_pairs(crowd), lpips)


def _encoder(options: argparse.Namespace):
    if options.no_encoder:
        return None
    try:
        return load_encoder(options.encoder)
    except FileError as error:
        raise ConfigError("There is no encoder to begin with", error, "its file", "pass --no-encoder") from error


def _masks(options: argparse.Namespace, network: TriplaneGenerator) -> AttributeMasks | None:
    """The masks asked for; else the built-in ones, if they are there and fit."""
    if options.masks is not None:
        return load_masks(options.masks, network.layout)
    try:
        return load_masks(MASKS, network.layout)
    except (FileError, LayoutError) as error:
        print(f"edit_gap is left out, no masks: {error}")
        return None


def render_pairs(crowd: Crowd) -> Views:
    """Two views of each person: the picture to be inverted, and one from ``_TURN_DEG`` further round to the front."""
    check_device("cpu")

    def pieces():
        for head in range(crowd.people):
            first = crowd.poses(head)[0]
            turned = first.yaw_rad - math.copysign(math.radians(_TURN_DEG), first.yaw_rad)
            poses, p = [first, Pose(turned, first.pitch_rad)], crowd.person(head)
            for pose, view in zip(poses, render_head(p, poses, crowd.size), strict=True):
                yield Piece(view.image, view.labels, head, p, pose.yaw_rad, pose.pitch_rad)

    return gather(pieces(), 2 * crowd.people, crowd.size, "rendering people")


@torch.no_grad()
def true_case(bench: Bench, head: int) -> Case:
    """The latent that a person was drawn with, from the true cameras."""
    latent = true_latent(bench.network, bench.crowd, head)
    images, pictures = [], []
    for view in (2 * head, 2 * head + 1):
        images.append(bench.views.inputs(torch.tensor([view])))
        pictures.append(bench.network.synthesize(latent.styles, _true_camera(bench, view)).image)
    scores = (psnr(pictures[0], images[0]), ssim(pictures[0], images[0]), psnr(pictures[1], images[1]))
    return Case(head, latent, *pictures, *scores, 0.0, 0.0, 0.0)


def _true_camera(bench: Bench, view: int) -> Tensor:
    return bench.network.rig.label(float(bench.views.yaw_rad[view]), float(bench.views.pitch_rad[view]))


def invert_person(bench: Bench, head: int, method: str, options: argparse.Namespace) -> Case:
    """Invert the first view of a person and look at the second."""
    seen, turned = 2 * head, 2 * head + 1
    image = bench.views.inputs(torch.tensor([seen]))
    started = time.perf_counter()
    found = invert(bench.tools, image, inversion_options(options, method))
    latent, picture, steps = found.latent, found.picture, len(found.losses)
    if method == TUNE:
        tuning = TuneOptions(max(1, round(options.steps * _TUNING_SHARE)), options.seed)
        latent, steps = tune(bench.tools, latent, image, tuning), steps + tuning.steps
    seconds = time.perf_counter() - started
    with torch.no_grad():
        network = tuned_network(bench.network, latent)
        if latent.tuned:
            picture = network.synthesize(latent.styles, latent.camera).image
        novel = network.synthesize(latent.styles, _true_camera(bench, turned)).image
    truth = (float(bench.views.yaw_rad[seen]), float(bench.views.pitch_rad[seen]))
    off = max(abs(a - b) for a, b in zip((found.start.yaw_rad, found.start.pitch_rad), truth, strict=True))
    wanted = resize(image, *picture.shape[2:])
    scores = (psnr(picture, wanted), ssim(picture, wanted), psnr(novel, bench.views.inputs(torch.tensor([turned]))))
    return Case(head, latent, picture, novel, *scores, seconds, seconds / max(1, steps), math.degrees(off))


def inversion_options(options: argparse.Namespace, method: str) -> InversionOptions:
    """The inversion's own defaults, but for what the command line says."""
    changes = {} if options.resolution is None else {"low_resolution": options.resolution}
    return InversionOptions("W+" if method == TUNE else method, options.steps, options.seed, **changes)


def encoder_seconds(bench: Bench) -> float | None:
    """Median time of an encoder's pass, rendering included: what the method *encoder* takes."""
    if bench.tools.encoder is None:
        return None
    image, times = bench.views.inputs(torch.tensor([0])), []
    for _ in range(_TIMED):
        started = time.perf_counter()
        invert(bench.tools, image, InversionOptions("encoder"))
        times.append(time.perf_counter() - started)
    return round(statistics.median(times), 4)


def sheet(bench: Bench, found: dict[str, list[Case]]):
    """A column a person: the picture, then that of each method; the known view, then that of each method."""
    rows, labels = [], []
    shown = range(min(_SHOWN, bench.crowd.people))
    for turned, name in ((0, "input view"), (1, f"known view, {_TURN_DEG:.0f} degrees away")):
        rows.append(to_pil(bench.views.inputs(torch.tensor([2 * head + turned for head in shown]))))
        labels.append(name)
        for method, cases in found.items():
            images = [(case.novel if turned else case.picture) for case in cases[: len(shown)]]
            rows.append(to_pil(torch.cat(images)))
            labels.append(f"{method}, {name}")
    return contact_sheet(rows, labels, cell_px=128, gap_px=4)


def summary(report: dict) -> str:
    """A line a method for people."""
    best = report["true_latent"]
    lines = [
        f"{report['count']} people, seed {report['seed']}; of the true latents {best['psnr']:.2f} dB,"
        f" {best['novel_psnr']:.2f} dB from {_TURN_DEG:.0f} degrees away, read right {best['agree']:.1%}"
    ]
    for name, scores in report["methods"].items():
        gap = "" if scores["edit_gap"] is None else f", edits {scores['edit_gap']:+.1f} points behind"
        lines.append(
            f"  {name:8} {scores['psnr']:.2f} dB, SSIM {scores['ssim']:.3f}, {scores['novel_psnr']:.2f} dB from"
            f" {_TURN_DEG:.0f} degrees away, read right {scores['agree']:.1%}{gap}, camera off by"
            f" {scores['camera_deg']:.2f} degrees, {scores['seconds']:.1f} s, {scores['seconds_per_step']:.2f} s a step"
        )
    return "\n".join(lines)
