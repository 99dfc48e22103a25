"""The built-in generator on people it has never seen: pictures, depth, attributes, identity, disentanglement."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.errors import ConfigError
from sat3d.generators import TriplaneGenerator, load_generator
from sat3d.networks.built_in import GENERATOR as CHECKPOINT
from sat3d.networks.reader import load_reader
from training.data.views import Views
from training.generator.factors import draw_bank, factor_index
from training.generator.scores import generate_view, psnr, shape_scores
from training.networks.metrics import pick_rates
from training.synthheads.populations import FIRST
from training.synthheads.views import check_device, render_head

from .dci import measure
from .flicker import flicker
from .judging import judge_reader
from .people import VIEWS_PER_PERSON, Crowd

_DCI_PEOPLE = 4000
_DCI_SEED = 4711


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seed", type=int, default=7, help="which people (7); not a seed that was trained on")
    add("--count", type=int, default=200, help="number of pictures, two of each person (200)")
    add("--yaw", type=float, default=35.0, dest="yaw_deg", help="largest yaw, in degrees (35)")
    add("--checkpoint", type=Path, default=CHECKPOINT, help="a .safetensors file (the built-in one)")
    add("--reader", type=Path, help="a .safetensors file (the built-in one)")
    add("--no-reader", action="store_true", help="leave out attributes and identity")
    add("--orbits", type=int, default=8, help="heads that turn, for flicker, 0: none (8)")
    add("--dci-people", type=int, default=_DCI_PEOPLE, help=f"people without pictures for DCI, 0: none ({_DCI_PEOPLE})")


def run(options: argparse.Namespace) -> dict:
    """Report with the keys ``psnr``, ``depth``, ``silhouette``, ``agree``, ``identity``, ``flicker``, ``dci``."""
    network = load_domain_generator(options.checkpoint)
    crowd = Crowd(options.seed, options.count, network.config.img_resolution, options.yaw_deg)
    check_device("cpu")
    pairs = list(tqdm(make_pairs(network, crowd), total=crowd.people * VIEWS_PER_PERSON, unit="view", desc="views"))
    report: dict = {"seed": options.seed, "count": len(pairs), "yaw_deg": options.yaw_deg}
    for name in ("psnr", "depth", "silhouette"):
        report[name] = round(sum(getattr(pair, name) for pair in pairs) / len(pairs), 4)
    if not options.no_reader:
        report |= judge_attributes(load_reader(options.reader), crowd, pairs)
    if options.orbits:
        report["flicker"] = round(flicker(network, crowd, min(options.orbits, crowd.people)), 4)
    if options.dci_people:
        report["dci"] = measure_dci(network, options.dci_people)
    print(summary(report))
    return report


def load_domain_generator(path: Path) -> TriplaneGenerator:
    """A generator whose z is the domain's latent.

    Raises:
        FileError: missing or damaged; ConfigError: a generator of another domain.
    """
    network = load_generator(path).network
    if not isinstance(network, TriplaneGenerator) or network.config.backbone.z_dim != FIRST.z_dim:
        wanted = f"z of {FIRST.z_dim} numbers"
        raise ConfigError("This generator does not make heads of the built-in domain", path, wanted, "train one")
    return network


@dataclass(frozen=True)
class Pair:
    """A generated view and the truth: pictures ``[H, W, 3]`` uint8 and their scores."""

    head: int
    generated: Tensor
    true: Tensor
    psnr: float
    depth: float
    silhouette: float


def make_pairs(network: TriplaneGenerator, crowd: Crowd) -> Iterator[Pair]:
    """Every view of every person of the crowd."""
    for head in range(crowd.people):
        views = render_head(crowd.person(head), crowd.poses(head)[:VIEWS_PER_PERSON], crowd.size)
        latent = torch.from_numpy(FIRST.draw_latent(crowd.seed, head))
        image, depth, opacity = generate_view(network, latent, torch.cat([view.label_25 for view in views]))
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
def measure_dci(network: TriplaneGenerator, people: int) -> dict[str, dict[str, float]]:
    """DCI of w and of the editable styles against all parameters of the domain."""
    bank = draw_bank(people, _DCI_SEED)
    ws = network.map(bank.latents)
    codes = {"w": ws[:, 0], "styles": network.layout.editable(network.styles(ws))}
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
