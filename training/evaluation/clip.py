"""An image-text model, without further training, on the descriptor groups of fresh heads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from torch import Tensor

from sat3d.clip import BUILT_IN, ImageText, load_clip
from sat3d.networks.built_in import GENERATOR
from sat3d.networks.reader import load_reader
from training.common.settings import BuiltIn, Maybe, Range
from training.data.views import Views, load_views
from training.networks.clip import zero_shot
from training.networks.clip_phrases import JUDGED, Group, targets
from training.networks.coded_heads import CoderSettings, find_coder, load_domain_generator
from training.networks.generated_views import generated_views
from training.networks.metrics import accuracy, mean, recalls, worst_pairs

from .gradients import draw_wishes, image_gains, style_agreement
from .people import Count, Crowd, CrowdJudging, Size, render_plain


@dataclass(frozen=True, kw_only=True)
class JudgeClip(CoderSettings, CrowdJudging):
    """An image-text model, without further training, on the descriptor groups of fresh heads."""

    count: Count = 400  # number of pictures, two of each person
    size: Size = 128  # of the pictures, in pixels
    data: Maybe[Path] = None  # judge on a data set in place of fresh heads
    model: str = BUILT_IN  # a name that open_clip knows, or the built-in model
    weights: Maybe[Path] = None  # a local .safetensors file (that of the built-in model)
    generated: Annotated[int, Range(0)] = 0  # also judge this many pictures of the generator
    wishes: Annotated[int, Range(0)] = 0  # also follow the gradient for this many phrases
    generator: BuiltIn = GENERATOR  # the generator's .safetensors file


def run(settings: JudgeClip) -> dict:
    """Report: ``accuracy``, and ``groups.<attribute>.<group>`` with accuracy, recall and worst confusions."""
    clip = load_clip(settings.model, settings.weights)
    views = _views(settings)
    truth = targets(views.parameters, JUDGED)
    report: dict = {"seed": settings.seed, "count": len(views), "size": settings.size, "model": settings.model}
    report |= judge(zero_shot(clip, views, truth))
    print(summary(report))
    if settings.generated or settings.wishes:
        report |= _judge_with_generator(settings, clip, views)
    return report


def _judge_with_generator(settings: JudgeClip, clip: ImageText, views: Views) -> dict:
    """``generated``: as the report itself, on generated heads; ``gradient``: see :mod:`.gradients`."""
    network, report = load_domain_generator(settings.generator), {}
    if settings.generated:
        coder = find_coder(network, settings.encoder, settings.population)
        made = generated_views(coder, settings.seed, settings.generated, settings.size)
        report["generated"] = judge(zero_shot(clip, made, targets(made.parameters, JUDGED)))
        print(summary({**report["generated"], "count": len(made), "seed": settings.seed, "model": "generated heads"}))
    if settings.wishes:
        reader = load_reader()
        wishes = draw_wishes(reader, settings.wishes, settings.seed)
        report["gradient"] = {
            "image_gain": round(image_gains(clip, views, wishes), 4),
            "styles": style_agreement(clip, network, reader, wishes, settings.seed),
        }
        print(f"gradient: {report['gradient']}")
    return report


def _views(settings: JudgeClip) -> Views:
    crowd = Crowd(settings.seed, settings.count, settings.size, settings.yaw_deg)
    if settings.data:
        return load_views([settings.data], crowd.size, crowd.count)
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
