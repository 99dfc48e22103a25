"""From the command line to scores of parts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from sat3d.masks import load_masks
from sat3d.networks.built_in import GENERATOR, MASKS
from sat3d.networks.reader import load_reader
from sat3d.parts.field import load_parts
from training.common.settings import BuiltIn, Maybe, Range
from training.evaluation.people import Judging
from training.networks.coded_heads import CoderSettings, find_coder, load_domain_generator

from .bench import Bench
from .masks import judge_masks
from .swaps import judge_methods


@dataclass(frozen=True, kw_only=True)
class JudgeParts(CoderSettings, Judging):
    """Parts in 3D: masks of unseen views against renders, and parts swapped between heads against other ways."""

    checkpoint: BuiltIn = GENERATOR  # the generator's .safetensors file
    parts: Maybe[Path] = None  # the semantic field (the built-in one)
    masks: BuiltIn = MASKS  # for the style swap, and for what lies beneath parts that are taken away
    heads: Annotated[int, Range(0, 10**4)] = 24  # whose masks are compared with renders, in 8 views each
    pairs: Annotated[int, Range(0, 10**4)] = 10  # of each part
    pictures: Maybe[Path] = None  # a folder for sheets


def run(settings: JudgeParts) -> dict:
    """Report with the keys ``masks.{miou, iou, reprojection}`` and ``methods.<method>.<part>.{arrival, d_mean_masked,
    identity}``: see :func:`.masks.judge_masks` and :func:`.swaps.judge_swap`."""
    network, parts = load_domain_generator(settings.checkpoint), load_parts(settings.parts)
    parts.check(network)
    coder = find_coder(network, settings.encoder, settings.population)
    bench = Bench(network, coder, parts, load_masks(settings.masks, network.layout), load_reader(), settings.seed)
    report: dict = {"seed": settings.seed, "heads": settings.heads, "pairs": settings.pairs}
    report["masks"] = judge_masks(bench, settings.heads) if settings.heads else {}
    report["methods"] = judge_methods(bench, settings.pairs, settings.pictures)
    print(summary(report))
    return report


def summary(report: dict) -> str:
    """A few lines for people."""
    masks, lines = report["masks"], []
    if masks:
        lines.append(f"{report['heads']} heads: mIoU {masks['miou']}, the same label in the next view "
                     f"{masks['reprojection']}")  # fmt: skip
    for method, parts in report["methods"].items():
        told = (f"{part} {s['arrival']}, {s['d_mean_masked']}, {s['identity']}" for part, s in parts.items())
        lines.append(f"{method} (arrival, D_mean outside, identity): " + "; ".join(told))
    return "\n".join(lines)
