"""A reader and a parser against the truth of rendered views: plain numbers for a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sat3d.networks.reader import AttributeReader
from sat3d.parsing.labels import LABEL_NAMES
from sat3d.parsing.parser import HeadParser
from training.data.views import Views
from training.networks.metrics import (
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
from training.networks.targets import (
    ACTION_PREFIX,
    ACTIONS,
    CATEGORIES,
    UNKNOWN,
    ReaderTargets,
    number_columns,
    shared_categories,
    targets_of,
)

Change = Callable[[Tensor], Tensor]
_BATCH = 16
_ENOUGH_EXPLAINED = 0.85  # R² of an action, from which it is read well enough to be judged by


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
    return {"miou": mean(shares), "iou": dict(zip(LABEL_NAMES, map(rounded, shares), strict=True))}


@dataclass(frozen=True)
class Read:
    """What a reader said of N pictures; see :class:`sat3d.networks.reader.ReaderOutput`."""

    scores: dict[str, Tensor]
    numbers: dict[str, Tensor]
    identity: Tensor


@torch.no_grad()
def read_views(reader: AttributeReader, views: Views, change: Change) -> Read:
    """All pictures, changed."""
    parts = [reader(images) for _, images in _batches(views, change)]
    scores, numbers = (
        {name: torch.cat([getattr(part, field)[name] for part in parts]) for name in getattr(parts[0], field)}
        for field in ("scores", "numbers")
    )
    return Read(scores, numbers, torch.cat([part.identity for part in parts]))


def judge_reader(reader: AttributeReader, plain: Views, disguised: Views | None, change: Change) -> dict:
    """Categories, numbers, actions and people; see :func:`judge_people`.

    What no picture shows cannot be judged: it is None, and is left out of means. What the reader does not know is left
    out of the report.
    """
    found = read_views(reader, plain, change)
    truth = targets_of(plain.parameters, plain.yaw_rad, plain.pitch_rad)
    known = shared_categories(reader.config)
    categories = {
        name: _judge_category(torch.from_numpy(truth.classes[:, column]), found.scores[name], values)
        for column, (name, values) in enumerate(CATEGORIES.items())
        if name in known
    }
    numbers = _judge_numbers(truth, found.numbers)
    accuracies = [part["accuracy"] for part in categories.values() if part["accuracy"] is not None]
    return {
        "accuracy": rounded(mean(accuracies)),
        "categories": categories,
        "numbers": numbers,
        "actions": _judge_actions(numbers),
        "people": judge_people(reader, plain, found.identity, disguised, change),
    }


def _judge_category(truth: Tensor, scores: Tensor, values: tuple[str, ...]) -> dict:
    confidence, found = scores.softmax(1).max(1)
    table = confusion(truth, found, len(values))
    return {
        "accuracy": rounded(accuracy(table)),
        "confidence": rounded(float(confidence[truth != UNKNOWN].mean())),  # honest if close to the accuracy
        "recall": dict(zip(values, map(rounded, recalls(table)), strict=True)),
        "worst": [{"truth": a, "read_as": b, "share": round(share, 3)} for a, b, share in worst_pairs(table, values)],
    }


def _judge_numbers(truth: ReaderTargets, found: dict[str, Tensor]) -> dict[str, dict[str, float | None]]:
    """Of those that the reader knows: the mean absolute error, and the share of the variance that is explained (R²)."""
    report = {}
    for name, columns in number_columns().items():
        if name in found:
            wanted = torch.from_numpy(truth.numbers[:, columns])
            report[name] = {
                "mean_error": rounded(float(mean_error(wanted, found[name]).mean())),
                "explained": rounded(float(explained(wanted, found[name]).nanmean())),
            }
    return report


def _judge_actions(numbers: dict[str, dict[str, float | None]]) -> dict[str, object]:
    """Mean and least share explained over the facial actions, and which are explained too little."""
    shares = {name: numbers[name]["explained"] for name in ACTIONS if name in numbers}
    shares = {name.removeprefix(ACTION_PREFIX): share for name, share in shares.items() if share is not None}
    return {
        "mean": rounded(mean(list(shares.values()))) if shares else None,
        "least": min(shares.values(), default=None),
        "weak": sorted((name for name, share in shares.items() if share < _ENOUGH_EXPLAINED), key=shares.get),
    }


def judge_people(
    reader: AttributeReader, plain: Views, identity: Tensor, disguised: Views | None, change: Change
) -> dict[str, float | None]:
    """How often the right person is picked, of two and of ten.

    ``same_look``: another view of the very same head; ``other_look``: the same person with other hair, beard, glasses,
    expression, clothes, background and light, which is what shows that the vector is about the person.
    """
    report = {}
    two, ten = pick_rates(identity, identity, plain.heads, plain.heads)
    report |= {"same_look_of_2": rounded(two), "same_look_of_10": rounded(ten)}
    if disguised is not None:
        queries = read_views(reader, disguised, change).identity
        two, ten = pick_rates(queries, identity, disguised.heads, plain.heads)
        report |= {"other_look_of_2": rounded(two), "other_look_of_10": rounded(ten)}
    return report


def rounded(value: float) -> float | None:
    """Rounded; None for NaN, which is no JSON."""
    return None if value != value else round(value, 4)
