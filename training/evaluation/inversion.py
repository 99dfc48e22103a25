"""Inversion on renders of people it has never seen: likeness, other views, attributes, edits, camera, time."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from tqdm import tqdm

from sat3d.errors import ConfigError, FileError, LayoutError
from sat3d.faces.networks import load_face_networks
from sat3d.generators import TriplaneGenerator
from sat3d.inversion import (
    METHODS,
    FeatureLoss,
    IdentityLoss,
    InversionOptions,
    Inverter,
    invert,
    load_encoder,
    load_lpips,
    lpips_missing,
)
from sat3d.inversion.face_terms import FaceLoss
from sat3d.inversion.w_statistics import measure_w_statistics
from sat3d.masks import AttributeMasks, load_masks
from sat3d.networks.built_in import GENERATOR, MASKS
from sat3d.networks.reader import load_reader
from sat3d.pictures import contact_sheet, save_picture, to_pil
from training.common.settings import BuiltIn, Flag, Maybe, Range
from training.networks.coded_heads import PopulationSettings, choose_population, load_domain_generator

from .bench import TUNE, TURN_DEG, Bench, inversion_options, invert_person, render_pairs, true_case
from .inversion_cases import Case, Edits, judge
from .people import VIEWS_PER_PERSON, Crowd, Judging, YawDeg

_SHOWN = 12
_TIMED = 5


@dataclass(frozen=True, kw_only=True)
class JudgeInversion(PopulationSettings, Judging):
    """Inversion on renders of people it has never seen: likeness, other views, attributes, edits, camera, time."""

    count: Annotated[int, Range(2, 10**6 // VIEWS_PER_PERSON)] = 200  # number of people, one picture each
    yaw_deg: YawDeg = 35.0  # largest yaw, in degrees
    methods: tuple[Literal[(*METHODS, TUNE)], ...] = ("encoder", "W+")
    steps: Annotated[int, Range(1)] = 200  # of the descent; tune adds half as many
    checkpoint: BuiltIn = GENERATOR  # the generator's .safetensors file
    encoder: Maybe[Path] = None  # a .safetensors file (the built-in one)
    no_encoder: Flag = False  # begin at the mean face
    masks: Maybe[Path] = None  # attribute masks of this generator, for edit_gap (the built-in ones, if they fit)
    resolution: Maybe[int] = None  # side of the coarse renderings (the inversion's default)
    identity: Flag = False  # add the identity term to the loss (of the same reader that judges)
    points: Flag = False  # add the term of points and blendshapes of the face to the loss
    lpips: Flag = False  # add LPIPS to the loss; it is scored where it is installed in any case
    pictures: Maybe[Path] = None  # write a sheet of the first 12 people: photo, found; known view, found


def run(settings: JudgeInversion) -> dict:
    """Report with the keys ``methods.<method>.{psnr, ssim, novel_psnr, lpips, agree, edit_gap, seconds,
    seconds_per_step, camera_deg}``, ``true_latent`` (the same of the latents the people were drawn with: what the
    generator itself can do; null where its z is no latent of theirs), ``encoder_seconds``, ``threads``.

    ``psnr``, ``ssim``, ``lpips``: at the input view, from the found camera (lpips null where it is not installed);
    ``novel_psnr``: from a known camera 30° away; ``agree``: share of the attributes that the reader reads right in the
    found face; ``edit_gap``: points by which edits do worse than on the true latents, see :class:`Edits` (null without
    masks or true latents); ``seconds``: median a picture; ``camera_deg``: median of the larger error of yaw and pitch.
    """
    bench = _bench(settings)
    edits = _edits(settings, bench)
    heads, found = range(settings.count), {}
    if bench.has_true_latents:
        found["true_latent"] = [true_case(bench, head) for head in heads]
    for method in settings.methods:
        how = inversion_options(method, settings.steps, settings.seed, settings.resolution)
        shown = tqdm(heads, unit="head", desc=method)
        found[method] = [invert_person(bench, head, how, method == TUNE) for head in shown]
    judged = {}
    for name, cases in found.items():
        gap = None if edits is None or name == "true_latent" else edits.gap(cases)
        judged[name] = judge(bench.reader, bench.views, cases, gap, bench.lpips)
    report: dict = {name: getattr(settings, name) for name in ("seed", "count", "yaw_deg", "steps")}
    report |= {"threads": torch.get_num_threads(), "encoder_seconds": encoder_seconds(bench)}
    best = judged.get("true_latent")
    report["true_latent"] = best and {name: best[name] for name in ("psnr", "ssim", "novel_psnr", "agree")}
    report["methods"] = {method: judged[method] for method in settings.methods}
    if settings.pictures:
        save_picture(sheet(bench, found), settings.pictures)
    print(summary(report))
    return report


def _bench(settings: JudgeInversion) -> Bench:
    network, reader = load_domain_generator(settings.checkpoint), load_reader()
    lpips = load_lpips() if settings.lpips or not lpips_missing() else None
    terms = (
        IdentityLoss(reader) if settings.identity else None,
        lpips if settings.lpips else None,
        FaceLoss(load_face_networks()) if settings.points else None,
    )
    tools = Inverter(network, "", _encoder(settings), FeatureLoss(reader), measure_w_statistics(network), *terms)
    people = choose_population(network, settings.population)
    size, views = network.config.img_resolution, VIEWS_PER_PERSON * settings.count
    crowd = Crowd(settings.seed, views, size, settings.yaw_deg, people)
    return Bench(tools, reader, crowd, *render_pairs(crowd), lpips)


def _encoder(settings: JudgeInversion):
    if settings.no_encoder:
        return None
    try:
        return load_encoder(settings.encoder)
    except FileError as error:
        raise ConfigError("There is no encoder to begin with", error, "its file", "pass --no-encoder") from error


def _edits(settings: JudgeInversion, bench: Bench) -> Edits | None:
    """What edits are judged by; None, with a word, if they cannot be."""
    if not bench.has_true_latents:
        print("true_latent and edit_gap are left out: the generator's z is no latent of these people")
        return None
    masks = _masks(settings, bench.network)
    return None if masks is None else Edits(bench.network, bench.reader, masks, bench.crowd)


def _masks(settings: JudgeInversion, network: TriplaneGenerator) -> AttributeMasks | None:
    """The masks asked for; else the built-in ones, if they are there and fit."""
    if settings.masks is not None:
        return load_masks(settings.masks, network.layout)
    try:
        return load_masks(MASKS, network.layout)
    except (FileError, LayoutError) as error:
        print(f"edit_gap is left out, no masks: {error}")
        return None


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
    for turned, name in ((0, "input view"), (1, f"known view, {TURN_DEG:.0f} degrees away")):
        rows.append(to_pil(bench.views.inputs(torch.tensor([2 * head + turned for head in shown]))))
        labels.append(name)
        for method, cases in found.items():
            images = [(case.novel if turned else case.picture) for case in cases[: len(shown)]]
            rows.append(to_pil(torch.cat(images)))
            labels.append(f"{method}, {name}")
    return contact_sheet(rows, labels, cell_px=128, gap_px=4)


def summary(report: dict) -> str:
    """A line a method for people."""
    lines = [f"{report['count']} people, seed {report['seed']}"]
    if best := report["true_latent"]:
        lines[0] += (
            f"; of the true latents {best['psnr']:.2f} dB,"
            f" {best['novel_psnr']:.2f} dB from {TURN_DEG:.0f} degrees away, read right {best['agree']:.1%}"
        )
    for name, scores in report["methods"].items():
        gap = "" if scores["edit_gap"] is None else f", edits {scores['edit_gap']:+.1f} points behind"
        lines.append(
            f"  {name:8} {scores['psnr']:.2f} dB, SSIM {scores['ssim']:.3f}, {scores['novel_psnr']:.2f} dB from"
            f" {TURN_DEG:.0f} degrees away, read right {scores['agree']:.1%}{gap}, camera off by"
            f" {scores['camera_deg']:.2f} degrees, {scores['seconds']:.1f} s, {scores['seconds_per_step']:.2f} s a step"
        )
    return "\n".join(lines)
