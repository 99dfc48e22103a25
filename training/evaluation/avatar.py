"""Avatars of people who are rendered in other looks: which of their attributes are right, by what the reader reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.inversion import InversionOptions, Inverter, find_avatar, invert, load_encoder
from sat3d.inversion.w_statistics import measure_w_statistics
from sat3d.networks.built_in import GENERATOR
from sat3d.networks.reader import AttributeReader, load_reader
from sat3d.pictures import contact_sheet, save_picture, to_pil
from training.common.random_numbers import Draws
from training.common.settings import BuiltIn, Flag, Maybe, Range
from training.data.randomisation import randomise
from training.data.views import Piece, Views, gather
from training.networks.coded_heads import PopulationSettings, choose_population, load_domain_generator
from training.synth.looks import STYLES
from training.synthheads.views import render_head

from .inversion_cases import read_right
from .people import VIEWS_PER_PERSON, Crowd, Judging, YawDeg

ATTRIBUTES = ("hair_style", "hair_colour", "beard", "glasses", "expression")
_SHOWN = 10
Find = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class JudgeAvatar(PopulationSettings, Judging):
    """Avatars of people who are rendered in other looks: which of their attributes are right."""

    count: Annotated[int, Range(2)] = 32  # number of people, each once in every look
    yaw_deg: YawDeg = 25.0  # largest yaw, in degrees
    looks: tuple[Literal[STYLES], ...] = STYLES  # how they are rendered
    randomised: Flag = False  # with other backdrops, light and colours, blur and noise
    steps: Annotated[int, Range(0)] = 20  # of an avatar's descent; 0: what the encoders say at once, alone
    checkpoint: BuiltIn = GENERATOR  # the generator's .safetensors file
    encoder: Maybe[Path] = None  # of the avatars (the built-in one)
    beside: Maybe[Path] = None  # another encoder, whose heads are judged beside
    reader: Maybe[Path] = None  # that judges (the built-in one)
    pictures: Maybe[Path] = None  # write a sheet of the first 10 people here


def run(settings: JudgeAvatar) -> dict:
    """Report with the keys ``looks.<look>.<way>.{<attribute>, mean}``: shares of people of whom the reader reads what
    is true in the head that was found. Ways: ``beside`` and ``encoder``: what those find at once; ``avatar``; and
    ``picture``: what the reader reads in the picture itself."""
    network = load_domain_generator(settings.checkpoint)
    people = choose_population(network, settings.population)
    size, views = network.config.img_resolution, VIEWS_PER_PERSON * settings.count
    crowd, reader = Crowd(settings.seed, views, size, settings.yaw_deg, people), load_reader(settings.reader)
    ways, judged, rows, labels = _ways(settings, network), {}, [], []
    for look in settings.looks:
        seen = render_people(crowd, look)
        pictures = _pictures(settings, seen)
        found = {"picture": pictures}
        for name, find in ways.items():
            shown = tqdm(pictures.split(1), unit="head", desc=f"{look}, {name}", disable=None)
            found[name] = torch.cat([find(picture) for picture in shown])
        judged[look] = {name: shares_right(reader, seen, some) for name, some in found.items()}
        rows += [to_pil(some[:_SHOWN].clamp(-1, 1)) for some in found.values()]
        labels += [f"{look}: {name}" for name in found]
    if settings.pictures:
        save_picture(contact_sheet(rows, labels, cell_px=128, gap_px=4), settings.pictures)
    report = {name: getattr(settings, name) for name in ("seed", "count", "yaw_deg", "steps", "randomised")}
    report |= {"population": people.name, "looks": judged}
    print(summary(report))
    return report


def _ways(settings: JudgeAvatar, network) -> dict[str, Find]:
    statistics = measure_w_statistics(network)
    own = Inverter(network, "", load_encoder(settings.encoder), statistics=statistics)
    at_once = InversionOptions("encoder")
    ways: dict[str, Find] = {}
    if settings.beside:
        other = Inverter(network, "", load_encoder(settings.beside), statistics=statistics)
        ways["beside"] = lambda picture: invert(other, picture, at_once).picture
    ways["encoder"] = lambda picture: invert(own, picture, at_once).picture
    if settings.steps:
        ways["avatar"] = lambda picture: find_avatar(own, picture, InversionOptions("W", settings.steps)).picture
    return ways


def render_people(crowd: Crowd, look: str) -> Views:
    """One view of each person of the crowd in that look."""
    return gather(_pieces(crowd, look), crowd.people, crowd.size, f"rendering {look}")


def _pieces(crowd: Crowd, look: str) -> Iterator[Piece]:
    for head in range(crowd.people):
        p, pose = crowd.person(head), crowd.poses(head)[0]
        (view,) = render_head(p, [pose], crowd.size, style=look)
        yield Piece(view.image, view.labels, head, p, pose.yaw_rad, pose.pitch_rad)


def _pictures(settings: JudgeAvatar, seen: Views) -> Tensor:
    index = torch.arange(len(seen))
    images = seen.inputs(index)
    if not settings.randomised:
        return images
    return randomise(images, seen.labels_at(index), Draws(settings.seed, 0), group=1)


def shares_right(reader: AttributeReader, views: Views, pictures: Tensor) -> dict[str, float]:
    """Of each attribute, of the people of whom it is known, and the mean of attributes."""
    names, right, known = read_right(reader, views, pictures)
    shares = {name: float(right[known[:, i], i].float().mean()) for i, name in enumerate(names) if name in ATTRIBUTES}
    return {name: round(share, 4) for name, share in (shares | {"mean": sum(shares.values()) / len(shares)}).items()}


def summary(report: dict) -> str:
    """A table for people, in percent."""
    columns = (*ATTRIBUTES, "mean")
    lines = [
        f"{report['count']} people, seed {report['seed']}, {report['steps']} steps; attributes right, %",
        f"{'':18}" + "".join(f"{name:>13}" for name in columns),
    ]
    for look, ways in report["looks"].items():
        for way, shares in ways.items():
            cells = "".join(f"{100 * shares[name]:13.1f}" if name in shares else f"{'–':>13}" for name in columns)
            lines.append(f"{look + ', ' + way:18}" + cells)
    return "\n".join(lines)
