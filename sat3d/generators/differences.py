"""Differences between the weights of a network and of one that was tuned or fine-tuned from it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..errors import LayoutError

_WITHOUT_SAY = ("mapping.", ".affine.")
_MOST_LOST = 1e-5  # by half precision, of the largest weight
_MAX_NAMED = 4


def makes_styles(name: str) -> bool:
    """Whether a tensor of this name belongs to what makes styles: it has no say once these are given."""
    return any(part in name for part in _WITHOUT_SAY)


def compact_difference(before: Tensor, after: Tensor) -> Tensor:
    """``after`` − ``before``, in half precision where that is exact enough."""
    change = after.cpu() - before.cpu()
    half = change.half()
    lost = (half.float() - change).abs().max() if change.numel() else 0.0
    return half if lost <= _MOST_LOST * float(before.abs().max()) else change


def add_differences(weights: Mapping[str, Tensor], differences: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All weights, those of ``differences`` moved by them; the others are the very same tensors.

    Raises:
        LayoutError: differences that do not fit these weights.
    """
    wrong = [name for name, change in differences.items() if name not in weights or weights[name].shape != change.shape]
    if wrong:
        raise LayoutError(
            "The tuned weights belong to another generator",
            ", ".join(wrong[:_MAX_NAMED]),
            "names and shapes of this generator",
            "use them with the generator that was tuned",
        )
    with torch.inference_mode(False), torch.no_grad():
        changed = {name: weights[name] + change.clone().to(weights[name]) for name, change in differences.items()}
    return {**weights, **changed}
