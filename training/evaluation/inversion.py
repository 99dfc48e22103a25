"""Inversion on renders of people it has never seen: likeness, other views, attributes, edits, camera, time."""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch
from tqdm import tqdm

from sat3d.errors import ConfigError, FileError, LayoutError
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
from sat3d.inversion.w_statistics import measure_w_statistics
from sat3d.masks import AttributeMasks, load_masks
from sat3d.networks.built_in import GENERATOR, MASKS
from sat3d.networks.reader import load_reader
from sat3d.pictures import contact_sheet, save_picture, to_pil
from training.networks.coded_heads import add_population, choose_population, load_domain_generator

from .bench import TUNE, TURN_DEG, Bench, inversion_options, invert_person, render_pairs, true_case
from .inversion_cases import Case, Edits, judge
from .people import VIEWS_PER_PERSON, Crowd

_SHOWN = 12
_TIMED = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seed", type=int, default=7, help="which people (7); not a seed that was trained on")
    add("--count", type=int, default=200, help="number of people, one picture each (200)")
    add("--yaw", type=float, default=35.0, dest="yaw_deg", help="largest yaw, in degrees (35)")
    add("--methods", nargs="+", default=["encoder", "W+"], choices=[*METHODS, TUNE], help="(encoder W+)")
    add("--steps", type=int, default=200, help="of the descent; tune adds half as many (200)")
    add("--checkpoint", type=Path, default=GENERATOR, help="the generator's .safetensors file (the built-in one)")
    add("--encoder", type=Path, help="a .safetensors file (the built-in one)")
    add("--no-encoder", action="store_true", help="begin at the mean face")
    add_population(parser)
    add("--masks", type=Path, help="attribute masks of this generator, for edit_gap (the built-in ones, if they fit)")
    add("--resolution", type=int, help="side of the coarse renderings (the inversion's default)")
    add("--identity", action="store_true", help="add the identity term to the loss (of the same reader that judges)")
    add("--lpips", action="store_true", help="add LPIPS to the loss; it is scored where it is installed in any case")
    add("--pictures", type=Path, help=f"write a sheet of the first {_SHOWN} people: photo, found; known view, found")


def run(options: argparse.Namespace) -> dict:
    """Report with the keys ``methods.<method>.{psnr, ssim, novel_psnr, lpips, agree, edit_gap, seconds,
    seconds_per_step, camera_deg}``, ``true_latent`` (the same of the latents the people were drawn with: what the
    generator itself can do; null where its z is no latent of theirs), ``encoder_seconds``, ``threads``.

    ``psnr``, ``ssim``, ``lpips``: at the input view, from the found camera (lpips null where it is not installed);
    ``novel_psnr``: from a known camera 30° away; ``agree``: share of the attributes that the reader reads right in the
    found face; ``edit_gap``: points by which edits do worse than on the true latents, see :class:`Edits` (null without
    masks or true latents); ``seconds``: median a picture; ``camera_deg``: median of the larger error of yaw and pitch.
    """
    bench = _bench(options)
    edits = _edits(options, bench)
    heads, found = range(options.count), {}
    if bench.has_true_latents:
        found["true_latent"] = [true_case(bench, head) for head in heads]
    for method in options.methods:
        how, shown = inversion_options(options, method), tqdm(heads, unit="head", desc=method)
        found[method] = [invert_person(bench, head, how, method == TUNE) for head in shown]
    judged = {}
    for name, cases in found.items():
        gap = None if edits is None or name == "true_latent" else edits.gap(cases)
        judged[name] = judge(bench.reader, bench.views, cases, gap, bench.lpips)
    report: dict = {"seed": options.seed, "count": options.count, "yaw_deg": options.yaw_deg, "steps": options.steps}
    report |= {"threads": torch.get_num_threads(), "encoder_seconds": encoder_seconds(bench)}
    best = judged.get("true_latent")
    report["true_latent"] = best and {name: best[name] for name in ("psnr", "ssim", "novel_psnr", "agree")}
    report["methods"] = {method: judged[method] for method in options.methods}
    if options.pictures:
        save_picture(sheet(bench, found), options.pictures)
    print(summary(report))
    return report


def _bench(options: argparse.Namespace) -> Bench:
    network, reader = load_domain_generator(options.checkpoint), load_reader()
    lpips = load_lpips() if options.lpips or not lpips_missing() else None
    tools = Inverter(network, "", _encoder(options), FeatureLoss(reader), measure_w_statistics(network),
                     IdentityLoss(reader) if options.identity else None, lpips if options.lpips else None)  # fmt: skip
    people = choose_population(network, options.population)
    size, views = network.config.img_resolution, VIEWS_PER_PERSON * options.count
    crowd = Crowd(options.seed, views, size, options.yaw_deg, people)
    return Bench(tools, reader, crowd, *render_pairs(crowd), lpips)


def _encoder(options: argparse.Namespace):
    if options.no_encoder:
        return None
    try:
        return load_encoder(options.encoder)
    except FileError as error:
        raise ConfigError("There is no encoder to begin with", error, "its file", "pass --no-encoder") from error


def _edits(options: argparse.Namespace, bench: Bench) -> Edits | None:
    """What edits are judged by; None, with a word, if they cannot be."""
    if not bench.has_true_latents:
        print("true_latent and edit_gap are left out: the generator's z is no latent of these people")
        return None
    masks = _masks(options, bench.network)
    return None if masks is None else Edits(bench.network, bench.reader, masks, bench.crowd)


def _masks(options: argparse.Namespace, network: TriplaneGenerator) -> AttributeMasks | None:
    """The masks asked for; else the built-in ones, if they are there and fit."""
    if options.masks is not None:
        return load_masks(options.masks, network.layout)
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
