"""Inversion on renders of people it has never seen: likeness, other views, attributes, edits, camera, time."""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.errors import ConfigError, FileError
from sat3d.generators import TriplaneGenerator
from sat3d.inversion import (
    METHODS,
    FeatureLoss,
    InversionOptions,
    Inverter,
    TuneOptions,
    invert,
    load_encoder,
    tune,
    tuned_network,
)
from sat3d.inversion.population import measure_population
from sat3d.inversion.scores import psnr, ssim
from sat3d.latent import Latent
from sat3d.masks import AttributeMasks, load_masks
from sat3d.reader import AttributeReader, load_reader
from sat3d.small_networks import resize
from sat3d.transfer import transfer
from training.synthheads.sampler import Pose, draw_latents
from training.synthheads.views import check_device, render_head
from training.vision.data import Piece, Views, gather
from training.vision.targets import CATEGORIES, UNKNOWN, targets_of

from .generator import CHECKPOINT, load_domain_generator
from .people import VIEWS_PER_PERSON, Crowd

TUNE = "tune"
_TURN_DEG = 30.0  # between the picture that is inverted and the view that is judged
_TUNING_SHARE = 0.5
_EDITED = {
    "hairstyle": "hair_style",
    "hair_colour": "hair_colour",
    "eye_region": "iris_colour",
    "expression": "expression",
    "beard": "beard",
    "eyeglasses": "glasses",
}  # the reader's category that shows an attribute


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
    add("--masks", type=Path, help="attribute masks of this generator, for edit_gap; without, there is none")
    add("--resolution", type=int, default=48, help="side of the coarse renderings (48)")


def run(options: argparse.Namespace) -> dict:
    """Report with the keys ``methods.<method>.{psnr, ssim, novel_psnr, agree, edit_gap, seconds, camera_deg}``.

    ``psnr``, ``ssim``: at the input view, from the found camera; ``novel_psnr``: from a known camera 30° away;
    ``agree``: share of the attributes that the reader reads right in the found face; ``edit_gap``: points by which
    edits succeed less often than on the true latents (null without masks); ``seconds``: median a picture;
    ``camera_deg``: median of the larger error of yaw and pitch.
    """
    network, reader = load_domain_generator(options.checkpoint), load_reader()
    masks = None if options.masks is None else load_masks(options.masks, network.layout)
    tools = _tools(options, network, reader)
    crowd = Crowd(options.seed, VIEWS_PER_PERSON * options.count, network.config.img_resolution, options.yaw_deg)
    views = render_pairs(crowd)
    report: dict = {"seed": options.seed, "count": options.count, "yaw_deg": options.yaw_deg, "steps": options.steps}
    report["methods"] = {}
    for method in options.methods:
        cases = [invert_person(tools, crowd, views, head, method, options)
                 for head in tqdm(range(options.count), unit="head", desc=method)]  # fmt: skip
        report["methods"][method] = judge(network, reader, masks, crowd, views, cases)
    print(summary(report))
    return report


def _tools(options: argparse.Namespace, network: TriplaneGenerator, reader: AttributeReader) -> Inverter:
    encoder = None
    if not options.no_encoder:
        try:
            encoder = load_encoder(options.encoder)
        except FileError as error:
            raise ConfigError("There is no encoder to begin with", error, "its file", "pass --no-encoder") from error
    return Inverter(network, "", encoder, FeatureLoss(reader), measure_population(network))


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


@dataclass(frozen=True)
class Case:
    """One inverted picture: the face, its picture ``[1, 3, H, H]`` from the found camera, scores."""

    head: int
    latent: Latent
    picture: Tensor
    psnr: float
    ssim: float
    novel_psnr: float
    seconds: float
    camera_deg: float


def invert_person(
    tools: Inverter, crowd: Crowd, views: Views, head: int, method: str, options: argparse.Namespace
) -> Case:
    """Invert the first view of a person and look at the second."""
    seen, turned = 2 * head, 2 * head + 1
    image = views.inputs(torch.tensor([seen]))
    started = time.perf_counter()
    found = invert(tools, image, InversionOptions("W+" if method == TUNE else method, options.steps, crowd.seed,
                                                  options.resolution))  # fmt: skip
    latent, picture = found.latent, found.picture
    if method == TUNE:
        latent = tune(tools, latent, image, TuneOptions(max(1, round(options.steps * _TUNING_SHARE)), crowd.seed))
    seconds = time.perf_counter() - started
    with torch.no_grad():
        network = tuned_network(tools.network, latent)
        if latent.tuned:
            picture = network.synthesize(latent.styles, latent.camera).image
        camera = network.rig.label(float(views.yaw_rad[turned]), float(views.pitch_rad[turned]))
        novel = psnr(network.synthesize(latent.styles, camera).image, views.inputs(torch.tensor([turned])))
    truth = (float(views.yaw_rad[seen]), float(views.pitch_rad[seen]))
    off = max(abs(a - b) for a, b in zip((found.start.yaw_rad, found.start.pitch_rad), truth, strict=True))
    wanted = resize(image, *picture.shape[2:])
    return Case(head, latent, picture, psnr(picture, wanted), ssim(picture, wanted), novel, seconds, math.degrees(off))


def judge(
    network: TriplaneGenerator,
    reader: AttributeReader,
    masks: AttributeMasks | None,
    crowd: Crowd,
    views: Views,
    cases: list[Case],
) -> dict:
    """Means over people; time and camera are medians."""
    column = lambda name: torch.tensor([getattr(case, name) for case in cases])  # noqa: E731
    report = {name: round(float(column(name).mean()), 4) for name in ("psnr", "ssim", "novel_psnr")}
    report["agree"] = round(agreement(reader, views, cases), 4)
    report["edit_gap"] = None if masks is None else round(edit_gap(network, reader, masks, crowd, cases), 2)
    return report | {name: round(float(column(name).median()), 4) for name in ("seconds", "camera_deg")}


def agreement(reader: AttributeReader, views: Views, cases: list[Case]) -> float:
    """Share of the categories, of all people together, that the reader reads right in the found faces."""
    seen = views.select(torch.tensor([2 * case.head for case in cases]))
    truth = torch.from_numpy(targets_of(seen.parameters, seen.yaw_rad, seen.pitch_rad).classes)
    readings = reader.read(torch.cat([case.picture for case in cases]).clamp(-1, 1))
    found = torch.tensor([[values.index(reading.names[name]) for name, values in CATEGORIES.items()]
                          for reading in readings])  # fmt: skip
    known = truth != UNKNOWN
    return float((found == truth)[known].float().mean())


@torch.no_grad()
def edit_gap(
    network: TriplaneGenerator, reader: AttributeReader, masks: AttributeMasks, crowd: Crowd, cases: list[Case]
) -> float:
    """Points by which edits of the found faces succeed less often than the same edits of the true latents.

    An edit takes an attribute of the next person; it succeeds where the reader then reads of the face what it reads of
    that person, both seen from the front.
    """
    attributes = [name for name in masks.attributes if name in _EDITED]
    if not attributes:
        raise ConfigError("The masks know no attribute that can be read", masks.attributes, f"some of {list(_EDITED)}",
                          "pass masks of the built-in domain")  # fmt: skip
    successes = torch.zeros(2, 2)  # true or found latent; successes and edits
    for case in tqdm(cases, unit="head", desc="edits"):
        true, other = (_true_latent(network, crowd, head) for head in (case.head, case.head + 1))
        wanted = _read(network, reader, other)
        for kind, face in enumerate((true, case.latent)):
            for name in attributes:
                edited = transfer(face, other, masks, [name], network.layout)
                got = _read(tuned_network(network, face), reader, edited)
                successes[kind] += torch.tensor([got[_EDITED[name]] == wanted[_EDITED[name]], 1.0])
    rates = successes[:, 0] / successes[:, 1]
    return 100 * float(rates[0] - rates[1])


def _true_latent(network: TriplaneGenerator, crowd: Crowd, head: int) -> Latent:
    styles = network.styles(network.map(torch.from_numpy(draw_latents(crowd.seed, head))[None]))
    return Latent(styles, network.rig.label(), "", network.layout.fingerprint)


def _read(network, reader: AttributeReader, face: Latent) -> dict[str, str]:
    return reader.read(network.synthesize(face.styles, network.rig.label()).image.clamp(-1, 1))[0].names


def summary(report: dict) -> str:
    """A line a method for people."""
    lines = [f"{report['count']} people, seed {report['seed']}"]
    for name, scores in report["methods"].items():
        gap = "" if scores["edit_gap"] is None else f", edits {scores['edit_gap']:+.1f} points behind"
        lines.append(
            f"  {name:8} {scores['psnr']:.2f} dB, SSIM {scores['ssim']:.3f}, {scores['novel_psnr']:.2f} dB from"
            f" {_TURN_DEG:.0f} degrees away, read right {scores['agree']:.1%}{gap}, camera off by"
            f" {scores['camera_deg']:.2f} degrees, {scores['seconds']:.1f} s"
        )
    return "\n".join(lines)
