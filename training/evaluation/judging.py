"""A reader and a parser against the truth of rendered views: plain numbers for a report."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sat3d.parsing.labels import LABEL_NAMES
from sat3d.parsing.parser import HeadParser
from sat3d.reader import AttributeReader
from training.vision.data import Views
from training.vision.scores import (
    accuracy,
    confusion,
    explained,
    mean,
    mean_error,
    overlaps,
    pick_rates,
    recalls,
    worst_pairs,
)
from training.vision.targets import CATEGORIES, NUMBERS, POSE, UNKNOWN, ReaderTargets, targets_of

Change = Callable[[Tensor], Tensor]
_BATCH = 16


def _batches(views: Views, change: Change):
    for index in torch.arange(len(views)).split(_BATCH):
        yield index, change(views.inputs(index))


@torch.no_grad()
def judge_parser(parser: HeadParser, views: Views, change: Change) -> dict:
    """Overlap (intersection over union) of each label over all pixels, and their mean."""
    table = torch.zeros(len(LABEL_NAMES), len(LABEL_NAMES), dtype=torch.int64)
    for index, images in _batches(views, change):
        table += confusion(views.labels[index].long(), parser.labels(images), len(LABEL_NAMES))
    shares = overlaps(table)
    return {"miou": mean(shares), "iou": dict(zip(LABEL_NAMES, map(_number, shares), strict=True))}


@torch.no_grad()
def judge_reader(reader: AttributeReader, plain: Views, disguised: Views | None, change: Change) -> dict:
    """Categories, numbers and people; see :func:`judge_people`.

    What cannot be judged, as no picture shows it, is None, and is left out of the mean over the categories.
    """
    scores, numbers, identity = _read(reader, plain, change)
    truth = targets_of(plain.parameters, plain.yaw_rad, plain.pitch_rad)
    categories = {
        name: _judge_category(torch.from_numpy(truth.classes[:, column]), scores[name], values)
        for column, (name, values) in enumerate(CATEGORIES.items())
    }
    known = [part["accuracy"] for part in categories.values() if part["accuracy"] is not None]
    return {
        "accuracy": _number(mean(known)),
        "categories": categories,
        "numbers": _judge_numbers(truth, numbers),
        "people": judge_people(reader, plain, identity, disguised, change),
    }


def _read(reader: AttributeReader, views: Views, change: Change) -> tuple[dict[str, Tensor], dict[str, Tensor], Tensor]:
    parts = [reader(images) for _, images in _batches(views, change)]
    scores = {name: torch.cat([part.scores[name] for part in parts]) for name in parts[0].scores}
    numbers = {name: torch.cat([part.numbers[name] for part in parts]) for name in parts[0].numbers}
    return scores, numbers, torch.cat([part.identity for part in parts])


def _judge_category(truth: Tensor, scores: Tensor, values: tuple[str, ...]) -> dict:
    confidence, found = scores.softmax(1).max(1)
    table = confusion(truth, found, len(values))
    return {
        "accuracy": _number(accuracy(table)),
        "confidence": _number(float(confidence[truth != UNKNOWN].mean())),  # honest if close to the accuracy
        "recall": dict(zip(values, map(_number, recalls(table)), strict=True)),
        "worst": [{"truth": a, "read_as": b, "share": round(share, 3)} for a, b, share in worst_pairs(table, values)],
    }


def _judge_numbers(truth: ReaderTargets, found: dict[str, Tensor]) -> dict[str, dict[str, float | None]]:
    report, start = {}, 0
    for name in (*NUMBERS, *POSE):
        size = found[name].shape[1]
        wanted = torch.from_numpy(truth.numbers[:, start : start + size])
        start += size
        report[name] = {
            "mean_error": _number(float(mean_error(wanted, found[name]).mean())),
            "explained": _number(float(explained(wanted, found[name]).nanmean())),
        }
    return report


def judge_people(
    reader: AttributeReader, plain: Views, identity: Tensor, disguised: Views | None, change: Change
) -> dict[str, float | None]:
    """How often the right person is picked, of two and of ten.

    ``same_look``: another view of the very same head; ``other_look``: the same person with other hair, beard, glasses,
    expression, clothes and background, which is what shows that the vector is about the person.
    """
    report = {}
    two, ten = pick_rates(identity, identity, plain.heads, plain.heads)
    report |= {"same_look_of_2": _number(two), "same_look_of_10": _number(ten)}
    if disguised is not None:
        _, _, queries = _read(reader, disguised, change)
        two, ten = pick_rates(queries, identity, disguised.heads, plain.heads)
        report |= {"other_look_of_2": _number(two), "other_look_of_10": _number(ten)}
    return report


def _number(value: float) -> float | None:
    """Rounded; None for NaN, which is no JSON."""
    return None if value != value else round(value, 4)
