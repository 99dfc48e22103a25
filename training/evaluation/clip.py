"""An image-text model, without further training, on the descriptor groups of fresh heads."""

from __future__ import annotations

import argparse
from pathlib import Path

from torch import Tensor

from sat3d.clip import BUILT_IN, ImageText, load_clip
from sat3d.networks.built_in import GENERATOR
from sat3d.networks.reader import load_reader
from training.data.views import Views, load_views
from training.networks import coded_heads
from training.networks.clip import zero_shot
from training.networks.clip_phrases import JUDGED, Group, targets
from training.networks.coded_heads import find_coder, load_domain_generator
from training.networks.generated_views import generated_views
from training.networks.metrics import accuracy, mean, recalls, worst_pairs

from .gradients import draw_wishes, image_gains, style_agreement
from .people import Crowd, render_plain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seed", type=int, default=7, help="which people (7); not a seed that was trained on")
    add("--count", type=int, default=400, help="number of pictures, two of each person (400)")
    add("--size", type=int, default=128, help="of the pictures, in pixels (128)")
    add("--yaw", type=float, default=35.0, dest="yaw_deg", help="largest yaw, in degrees (35)")
    add("--data", type=Path, help="judge on a data set in place of fresh heads")
    add("--model", default=BUILT_IN, help=f"{BUILT_IN}, or a name that open_clip knows ({BUILT_IN})")
    add("--weights", type=Path, help="a local .safetensors file (that of the built-in model)")
    add("--generated", type=int, default=0, help="also judge this many pictures of the generator (0)")
    add("--wishes", type=int, default=0, help="also follow the gradient for this many phrases (0)")
    add("--generator", type=Path, default=GENERATOR, help="the generator's .safetensors file (the built-in one)")
    coded_heads.add_arguments(parser)


def run(options: argparse.Namespace) -> dict:
    """Report: ``accuracy``, and ``groups.<attribute>.<group>`` with accuracy, recall and worst confusions."""
    clip = load_clip(options.model, options.weights)
    views = _views(options)
    truth = targets(views.parameters, JUDGED)
    report: dict = {"seed": options.seed, "count": len(views), "size": options.size, "model": options.model}
    report |= judge(zero_shot(clip, views, truth))
    print(summary(report))
    if options.generated or options.wishes:
        report |= _judge_with_generator(options, clip, views)
    return report


def _judge_with_generator(options: argparse.Namespace, clip: ImageText, views: Views) -> dict:
    """``generated``: as the report itself, on generated heads; ``gradient``: see :mod:`.gradients`."""
    network, report = load_domain_generator(options.generator), {}
    if options.generated:
        coder = find_coder(network, options.encoder, options.population)
        made = generated_views(coder, options.seed, options.generated, options.size)
        report["generated"] = judge(zero_shot(clip, made, targets(made.parameters, JUDGED)))
        print(summary({**report["generated"], "count": len(made), "seed": options.seed, "model": "generated heads"}))
    if options.wishes:
        reader = load_reader()
        wishes = draw_wishes(reader, options.wishes, options.seed)
        report["gradient"] = {
            "image_gain": round(image_gains(clip, views, wishes), 4),
            "styles": style_agreement(clip, network, reader, wishes, options.seed),
        }
        print(f"gradient: {report['gradient']}")
    return report


def _views(options: argparse.Namespace) -> Views:
    crowd = Crowd(options.seed, options.count, options.size, options.yaw_deg)
    if options.data:
        return load_views([options.data], crowd.size, crowd.count)
    return render_plain(crowd)


def judge(tables: list[Tensor], groups: tuple[Group, ...] = JUDGED) -> dict:
    """``tables``: a confusion table ``[choices, choices]`` of each group, row the truth."""
    found: dict[str, dict[str, dict]] = {}
    for group, table in zip(groups, tables, strict=True):
        found.setdefault(group.attribute, {})[group.name] = _judge_group(group, table)
    return {"accuracy": _number(mean([accuracy(table) for table in tables])), "groups": found}


def _judge_group(group: Group, table: Tensor) -> dict:
    return {
        "accuracy": _number(accuracy(table)),
        "count": int(table.sum()),
        "recall": dict(zip(group.answers, map(_number, recalls(table)), strict=True)),
        "worst": [
            {"truth": a, "found": b, "share": round(share, 3)} for a, b, share in worst_pairs(table, group.answers)
        ],
    }


def summary(report: dict) -> str:
    """A table for people: each group with what it confuses most."""
    lines = [f"{report['count']} pictures, seed {report['seed']}: {report['model']}", _row("mean", report["accuracy"])]
    for attribute, groups in report["groups"].items():
        for name, part in groups.items():
            lines.append(_row(f"{attribute}.{name}", part["accuracy"]))
            lines += [_row(f"    {pair['truth']} → {pair['found']}", pair["share"]) for pair in part["worst"][:2]]
    return "\n".join(lines)


def _row(label: str, value: float | None) -> str:
    return f"{label:40}{'–' if value is None else f'{value:.3f}':>8}"


def _number(value: float) -> float | None:
    """Rounded; None for NaN, which is no JSON."""
    return None if value != value else round(value, 4)
