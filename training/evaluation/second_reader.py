"""The second reader, of which generators, masks and encoders know nothing, and how far it agrees with the first.

What was made with the help of a reader may please that reader without being right. The second is another network
(another view of the picture, other layers, another seed), made by ``training/train_reader.py --architecture second``;
its file can stand wherever a ``--reader`` is asked for.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sat3d.files.network_files import ASSETS
from sat3d.networks.reader import AttributeReader
from training.data.views import Views
from training.networks.metrics import explained, mean
from training.networks.targets import CATEGORIES, UNKNOWN, number_columns, shared_categories, targets_of

from .judging import Change, read_views, rounded

SECOND_READER = ASSETS / "second-reader.safetensors"


def agreement(first: AttributeReader, second: AttributeReader, views: Views, change: Change) -> dict:
    """How far two readers say the same of the same pictures, of what can be seen in them and both know.

    ``categories``: ``same``, the share of pictures to which both give one name; ``same_mistake``: to which both give
    one wrong name. ``numbers``: ``explained``, R² of the first's by the second's; ``errors_alike``: how their errors
    correlate, 0 for judges that are independent. ``same``, ``same_mistake`` and ``errors_alike`` also as means.
    """
    found, others = (read_views(reader, views, change) for reader in (first, second))
    truth = targets_of(views.parameters, views.yaw_rad, views.pitch_rad)
    shared = shared_categories(first.config).keys() & shared_categories(second.config).keys()
    categories = {
        name: _same_names(torch.from_numpy(truth.classes[:, column]), found.scores[name], others.scores[name])
        for column, name in enumerate(CATEGORIES)
        if name in shared
    }
    numbers = {
        name: _same_numbers(torch.from_numpy(truth.numbers[:, columns]), found.numbers[name], others.numbers[name])
        for name, columns in number_columns().items()
        if name in found.numbers and name in others.numbers
    }
    return {
        "same": _mean(categories, "same"),
        "same_mistake": _mean(categories, "same_mistake"),
        "errors_alike": _mean(numbers, "errors_alike"),
        "categories": categories,
        "numbers": numbers,
    }


def _same_names(truth: Tensor, first: Tensor, second: Tensor) -> dict[str, float | None]:
    known = truth != UNKNOWN
    own, other = first.argmax(1)[known], second.argmax(1)[known]
    same, wrong = (own == other).float(), own != truth[known]
    return {"same": rounded(float(same.mean())), "same_mistake": rounded(float((same * wrong).mean()))}


def _same_numbers(truth: Tensor, first: Tensor, second: Tensor) -> dict[str, float | None]:
    seen = ~truth.isnan()
    own, other = (torch.where(seen, found, torch.nan) for found in (first, second))
    return {
        "explained": rounded(float(explained(own, other).nanmean())),
        "errors_alike": rounded(float(_correlation(own - truth, other - truth).nanmean())),
    }


def _correlation(first: Tensor, second: Tensor) -> Tensor:
    """[D]: of each column of two [N, D], NaN rows left out; NaN for a column that does not vary."""
    first, second = first - first.nanmean(0), second - second.nanmean(0)
    spread = (first.square().nanmean(0) * second.square().nanmean(0)).sqrt()
    return torch.where(spread > 1e-12, (first * second).nanmean(0) / spread, torch.nan)


def _mean(parts: dict[str, dict[str, float | None]], key: str) -> float | None:
    values = [part[key] for part in parts.values() if part[key] is not None]
    return rounded(mean(values)) if values else None
