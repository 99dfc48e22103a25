"""A generator on people it has never seen: pictures, shape, attributes, edits, samples, steadiness, disentanglement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.errors import ConfigError
from sat3d.inversion import InversionOptions
from sat3d.inversion.scores import psnr
from sat3d.networks.built_in import GENERATOR as CHECKPOINT
from sat3d.networks.loading import large_enough
from sat3d.networks.reader import AttributeReader, load_reader
from training.common.settings import BuiltIn, Flag, Maybe, Range
from training.data.views import Views
from training.generator.scores import shape_scores
from training.networks.coded_heads import Coder, CoderSettings, find_coder, generate_views, load_domain_generator
from training.networks.metrics import pick_rates
from training.networks.targets import ACTION_PREFIX, ACTIONS
from training.synth.cameras import Pose
from training.synthheads.learning import LEARNING

from .bench import Bench, invert_person, render_pairs
from .changes import judge_changes
from .dci import measure
from .factors import bank_of
from .flicker import flicker
from .generator_summary import summary
from .judging import judge_reader
from .people import VIEWS_PER_PERSON, Crowd, CrowdJudging
from .samples import draw_crowds, judge_samples

_DCI_PEOPLE, _DCI_FOUND_PEOPLE = 4000, 1000  # with known latents, and with codes that are found in renders
_DCI_SEED = 4711
_LEAST = {"samples": 2, "dci_people": 8}  # fewer cannot be judged


@dataclass(frozen=True, kw_only=True)
class JudgeGenerator(CoderSettings, CrowdJudging):
    """The built-in generator on people it has never seen: pictures, depth, attributes, identity, disentanglement."""

    checkpoint: BuiltIn = CHECKPOINT  # a .safetensors file
    reader: Maybe[Path] = None  # the judge, a .safetensors file (the built-in one)
    no_reader: Flag = False  # leave out attributes, identity and samples
    steps: Annotated[int, Range(1)] = 100  # of descent in W+, where heads are inverted
    inverted: Annotated[int, Range(0)] = 16  # people inverted in W+; 0: none
    edits: Annotated[int, Range(0)] = 6  # true edits inverted, of each attribute; 0: none
    samples: Annotated[int, Range(0)] = 300  # heads drawn at random; 0: none
    orbits: Annotated[int, Range(0)] = 8  # heads that turn, for flicker; 0: none
    dci_people: Annotated[Maybe[int], Range(0)] = None
    """people for DCI; 0: none (4000; 1000 where their codes have to be found)"""


def run(settings: JudgeGenerator) -> dict:
    """Report with the keys ``psnr``, ``psnr_w_plus``, ``novel_psnr``, ``depth``, ``silhouette``, ``agree.<category>``,
    ``actions.<name>``, ``identity``, ``change.<attribute>``, ``samples.{frechet_ratio, recall, confidence}``,
    ``flicker``, ``dci.{w, styles}``; see the functions. What is left out has no key.

    A person is coded by its latent, where that is the generator's own, and else by what the encoder finds in one view.
    ``psnr``: of this view, from its true camera, in dB; ``psnr_w_plus``: after ``--steps`` of descent, of the first
    people; ``novel_psnr``: from 30° away.
    """
    _check(settings)
    network = load_domain_generator(settings.checkpoint)
    coder = find_coder(network, settings.encoder, settings.population)
    descent = _descent(settings, coder)
    reader = None if settings.no_reader else load_reader(settings.reader)
    crowd = Crowd(settings.seed, settings.count, coder.size, settings.yaw_deg, coder.population)
    bench = Bench(descent.inverter, reader, crowd, *render_pairs(crowd))
    report: dict = {"seed": settings.seed, "count": len(bench.views), "yaw_deg": settings.yaw_deg}
    report |= judge_heads(bench, coder) | _judge_more(settings, bench, coder, descent)
    print(summary(report))
    return report


def _judge_more(settings: JudgeGenerator, bench: Bench, coder: Coder, descent: Coder) -> dict:
    """What takes long and can be left out."""
    crowd, report = bench.crowd, {}
    if settings.inverted:
        report["psnr_w_plus"] = w_plus_psnr(bench, min(settings.inverted, crowd.people), settings.steps)
    if settings.edits:
        report["change"] = judge_changes(descent, settings.seed, settings.edits)
    if settings.samples and bench.reader is not None:
        crowds = draw_crowds(coder.network, crowd.population, settings.seed, settings.samples)
        report["samples"] = judge_samples(bench.reader, crowds)
    if settings.orbits:
        report["flicker"] = round(flicker(coder, crowd, min(settings.orbits, crowd.people)), 4)
    people = settings.dci_people
    if people is None:
        people = _DCI_PEOPLE if coder.encoder is None else _DCI_FOUND_PEOPLE
    if people:
        report["dci"] = measure_dci(coder, people)
    return report


def _check(settings: JudgeGenerator) -> None:
    """
    Raises:
        ConfigError: too few of something to be judged.
    """
    for name, least in _LEAST.items():
        value = getattr(settings, name)
        if value and value < least:
            raise ConfigError(f"--{name.replace('_', '-')} is out of range", value, f"0, or at least {least}")


def _descent(settings: JudgeGenerator, coder: Coder) -> Coder:
    """What inverts heads; ``coder`` itself, where none is to be."""
    if not (settings.inverted or settings.edits):
        return coder
    return find_coder(coder.network, settings.encoder, settings.population, settings.steps)


@dataclass(frozen=True)
class Seen:
    """A head as generated from where its two renders are seen: pictures ``[2, 3, S, S]`` and scores of each."""

    images: Tensor
    psnr: list[float]
    depth: list[float]
    silhouette: list[float]


def judge_heads(bench: Bench, coder: Coder) -> dict:
    """What generated heads are like, by truth and by the reader."""
    heads = range(bench.crowd.people)
    seen = [look_at(bench, coder, head) for head in tqdm(heads, "heads", unit="head", disable=None)]
    report = {
        "psnr": _mean([head.psnr[0] for head in seen]),
        "novel_psnr": _mean([head.psnr[1] for head in seen]),
        "depth": _mean([score for head in seen for score in head.depth]),
        "silhouette": _mean([score for head in seen for score in head.silhouette]),
    }
    if bench.reader is not None:
        report |= judge_attributes(bench.reader, bench.views, torch.cat([head.images for head in seen]))
    return report


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4)


@torch.no_grad()
def look_at(bench: Bench, coder: Coder, head: int) -> Seen:
    """Code a person by its first view, and look at it from where both views were taken."""
    views = range(VIEWS_PER_PERSON * head, VIEWS_PER_PERSON * (head + 1))
    true = bench.views.inputs(torch.tensor(views))
    styles = coder.draw(bench.crowd.seed, [head]).styles if coder.encoder is None else coder.of_pictures(true[:1])[1]
    poses = [Pose(float(bench.views.yaw_rad[view]), float(bench.views.pitch_rad[view])) for view in views]
    got = generate_views(coder.network, styles, poses)
    size = LEARNING.size
    shapes = [
        shape_scores(got.depth[i, 0].cpu(), got.opacity[i, 0].cpu(), bench.depth[v], size) for i, v in enumerate(views)
    ]
    depth, silhouette = (list(part) for part in zip(*shapes, strict=True))
    images = got.image.cpu()
    return Seen(images, [psnr(*pair) for pair in zip(images, true, strict=True)], depth, silhouette)


def judge_attributes(reader: AttributeReader, true: Views, images: Tensor) -> dict:
    """``agree``: how often the reader finds in the generated picture what is true, by category; ``actions``: share of
    the variance of each facial action that it finds (R²); ``agree_true``, ``actions_true``: in the true picture.

    ``identity``: how often the reader holds the generated view for the right one of two people, seen from elsewhere.
    """
    pixels = ((images + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1)
    generated, report = replace(true, images=pixels), {}
    for ending, views in (("", generated), ("_true", true)):
        judged = judge_reader(reader, views, None, large_enough)
        report["agree" + ending] = {name: part["accuracy"] for name, part in judged["categories"].items()}
        report["actions" + ending] = {
            name.removeprefix(ACTION_PREFIX): judged["numbers"][name]["explained"]
            for name in ACTIONS
            if name in judged["numbers"]
        }
    everything = torch.arange(len(true))
    with torch.no_grad():
        found, wanted = (reader(large_enough(views.inputs(everything))).identity for views in (generated, true))
    report["identity"] = round(pick_rates(found, wanted, true.heads, true.heads)[0], 4)
    return report


def w_plus_psnr(bench: Bench, people: int, steps: int) -> float:
    """Mean PSNR of the first view of some people, inverted in W+, from the camera that is found."""
    options, shown = InversionOptions("W+", steps), tqdm(range(people), "W+", unit="head", disable=None)
    return _mean([invert_person(bench, head, options).psnr for head in shown])


@torch.no_grad()
def measure_dci(coder: Coder, people: int) -> dict[str, dict[str, float]]:
    """DCI of w and of the editable styles against all parameters of the population."""
    heads = coder.draw(_DCI_SEED, range(people))
    bank = bank_of(heads.parameters, coder.population)
    codes = {"w": heads.w, "styles": coder.network.layout.editable(heads.styles)}
    return {
        name: {key: round(value, 4) for key, value in asdict(measure(code.cpu(), bank.numbers, bank.index)).items()}
        for name, code in codes.items()
    }
