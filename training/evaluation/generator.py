"""The built-in generator on people it has never seen: pictures, depth, attributes, identity, disentanglement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.inversion.scores import psnr
from sat3d.networks.built_in import GENERATOR as CHECKPOINT
from sat3d.networks.reader import load_reader
from training.common.settings import BuiltIn, Flag, Maybe, Range
from training.data.views import Views
from training.generator.scores import shape_scores
from training.networks.coded_heads import Coder, CoderSettings, find_coder, generate_views, load_domain_generator
from training.networks.metrics import pick_rates
from training.synthheads.views import check_device, render_head

from .dci import measure
from .factors import draw_bank, factor_index
from .flicker import flicker
from .judging import judge_reader
from .people import VIEWS_PER_PERSON, Crowd, CrowdJudging

_DCI_SEED = 4711


@dataclass(frozen=True, kw_only=True)
class JudgeGenerator(CoderSettings, CrowdJudging):
    """The built-in generator on people it has never seen: pictures, depth, attributes, identity, disentanglement."""

    checkpoint: BuiltIn = CHECKPOINT
    """a .safetensors file"""
    reader: Maybe[Path] = None
    """a .safetensors file (the built-in one)"""
    no_reader: Flag = False
    """leave out attributes and identity"""
    orbits: Annotated[int, Range(0)] = 8
    """heads that turn, for flicker; 0: none"""
    dci_people: Annotated[int, Range(0)] = 4000
    """people without pictures for DCI; 0: none"""


def run(settings: JudgeGenerator) -> dict:
    """Report with the keys ``psnr``, ``depth``, ``silhouette``, ``agree``, ``identity``, ``flicker``, ``dci``."""
    network = load_domain_generator(settings.checkpoint)
    coder = find_coder(network, settings.encoder, settings.population)
    crowd = Crowd(settings.seed, settings.count, network.config.img_resolution, settings.yaw_deg)
    check_device("cpu")
    pairs = list(tqdm(make_pairs(coder, crowd), total=crowd.people * VIEWS_PER_PERSON, unit="view", desc="views"))
    report: dict = {"seed": settings.seed, "count": len(pairs), "yaw_deg": settings.yaw_deg}
    for name in ("psnr", "depth", "silhouette"):
        report[name] = round(sum(getattr(pair, name) for pair in pairs) / len(pairs), 4)
    if not settings.no_reader:
        report |= judge_attributes(load_reader(settings.reader), crowd, pairs)
    if settings.orbits:
        report["flicker"] = round(flicker(coder, crowd, min(settings.orbits, crowd.people)), 4)
    if settings.dci_people:
        report["dci"] = measure_dci(coder, settings.dci_people)
    print(summary(report))
    return report


@dataclass(frozen=True)
class Pair:
    """A generated view and the truth: pictures ``[H, W, 3]`` uint8 and their scores."""

    head: int
    generated: Tensor
    true: Tensor
    psnr: float
    depth: float
    silhouette: float


def make_pairs(coder: Coder, crowd: Crowd) -> Iterator[Pair]:
    """Every view of every person of the crowd."""
    for head in range(crowd.people):
        poses = crowd.poses(head)[:VIEWS_PER_PERSON]
        views = render_head(crowd.person(head), poses, crowd.size)
        seen = generate_views(coder.network, coder.draw(crowd.seed, [head]).styles, poses)
        image, depth, opacity = seen.image, seen.depth, seen.opacity
        for i, view in enumerate(views):
            true = torch.from_numpy(view.image)
            error = psnr(image[i], true.permute(2, 0, 1).float() / 127.5 - 1)
            shape = shape_scores(depth[i, 0], opacity[i, 0], torch.from_numpy(view.depth))
            picture = ((image[i] + 1) * 127.5).round().clamp(0, 255).byte().permute(1, 2, 0)
            yield Pair(head, picture, true, error, *shape)


def judge_attributes(reader, crowd: Crowd, pairs: list[Pair]) -> dict:
    """``agree``: how often the reader finds in the generated picture what is true; ``agree_true``: in the true one.

    ``identity``: how often the reader holds the generated view for the right one of two people, seen from elsewhere.
    """
    generated, true = (_views(crowd, pairs, name) for name in ("generated", "true"))
    report = {}
    for key, views in (("agree", generated), ("agree_true", true)):
        judged = judge_reader(reader, views, None, lambda images: images)
        report[key] = {name: part["accuracy"] for name, part in judged["categories"].items()}
    with torch.no_grad():
        found, wanted = (reader(views.inputs(torch.arange(len(views)))).identity for views in (generated, true))
    report["identity"] = round(pick_rates(found, wanted, generated.heads, true.heads)[0], 4)
    return report


def _views(crowd: Crowd, pairs: list[Pair], name: str) -> Views:
    people = [crowd.person(head) for head in range(crowd.people)]
    poses = [pose for head in range(crowd.people) for pose in crowd.poses(head)[:VIEWS_PER_PERSON]]
    return Views(
        torch.stack([getattr(pair, name) for pair in pairs]),
        torch.zeros(len(pairs), 1, 1, dtype=torch.uint8),
        torch.tensor([pair.head for pair in pairs]),
        [people[pair.head] for pair in pairs],
        torch.tensor([pose.yaw_rad for pose in poses]).numpy(),
        torch.tensor([pose.pitch_rad for pose in poses]).numpy(),
    )


@torch.no_grad()
def measure_dci(coder: Coder, people: int) -> dict[str, dict[str, float]]:
    """DCI of w and of the editable styles against all parameters of the domain."""
    bank = draw_bank(people, _DCI_SEED)
    heads = coder.of_latents(bank.latents)
    codes = {"w": heads.w, "styles": coder.network.layout.editable(heads.styles)}
    index = torch.from_numpy(factor_index())
    return {
        name: {key: round(value, 4) for key, value in asdict(measure(code, bank.codes, index)).items()}
        for name, code in codes.items()
    }


def summary(report: dict) -> str:
    """A few lines for people."""
    lines = [
        f"{report['count']} pictures, seed {report['seed']}: {report['psnr']:.2f} dB,"
        f" depth off by {report['depth']:.2%} of the head, silhouettes {report['silhouette']:.1%}"
    ]
    if "agree" in report:
        lines += [
            f"  {name:16} read right {share:.1%} (in true pictures {report['agree_true'][name]:.1%})"
            for name, share in report["agree"].items()
            if share is not None
        ]
        lines.append(f"  the right person of two: {report['identity']:.1%}")
    if "flicker" in report:
        lines.append(f"  unsteady along an orbit: {report['flicker']:.2f} of what the true head is")
    for name, scores in report.get("dci", {}).items():
        lines.append(f"  DCI of {name}: " + ", ".join(f"{key} {value:.2f}" for key, value in scores.items()))
    return "\n".join(lines)
