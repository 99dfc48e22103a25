"""The formulas of SAT3D, section 3.2, one short function each; all are differentiable and keep pictures apart."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

_LEAST_SHARE = 1e-30  # float32 holds it, and the gradient of its logarithm

Characteristics = Mapping[str, Mapping[str, Tensor]]  # attribute -> group -> D(I, φ) [B, k]


def correlations(
    image_vectors: Tensor,  # [B, D]
    text_vectors: Tensor,  # [k, D]
    logit_scale: float | Tensor,
) -> Tensor:
    """CLIP(I, φ) = logit_scale · cos(image, phrase_k), ``[B, k]`` float32, in ±logit_scale."""
    # In float32: at a scale of 100, half precision would round away differences that the softmax shows.
    cosines = F.normalize(image_vectors.float(), dim=-1) @ F.normalize(text_vectors.float(), dim=-1).T
    return logit_scale * cosines


def characteristic(correlation: Tensor) -> Tensor:
    """D(I, φ) = softmax_k(CLIP(I, φ)): ``[B, k]`` -> ``[B, k]``, each row positive with the sum 1.

    Example:
        >>> characteristic(torch.tensor([[0.0, 2.0]]).log1p())
        tensor([[0.2500, 0.7500]])
    """
    return correlation.softmax(-1)


def softened(shares: Tensor, temperature: float) -> Tensor:
    """softmax_k(CLIP(I, φ) / temperature) from D(I, φ) ``[B, k]``: a variant of ours, 1 is the paper.

    CLIP's large scale makes D a step, without a gradient on either side; a temperature above 1 makes it a slope.

    Example:
        >>> softened(torch.tensor([[0.1, 0.9]]), 2.0)
        tensor([[0.2500, 0.7500]])
    """
    return (shares.clamp_min(_LEAST_SHARE).log() / temperature).softmax(-1)


def group_difference(first: Tensor, second: Tensor) -> Tensor:
    """|D(I, φ) − D(I', φ)|_1 of one group: two ``[B, k]`` (or one ``[1, k]``) -> ``[B]``, 0 (alike) to 2."""
    return (first - second).abs().sum(-1)


def attribute_differences(first: Characteristics, second: Characteristics) -> dict[str, Tensor]:
    """Σ_{φ∈Φ_t} |D(I, φ) − D(I', φ)|_1 for each attribute t, the inner sum of equations (1) and (2): ``[B]`` each.

    Raises:
        KeyError: an attribute or group of ``first`` that ``second`` lacks.
    """
    return {
        t: _total(group_difference(d, second[t][name]) for name, d in groups.items()) for t, groups in first.items()
    }


def reference_loss(edited_to_reference: Mapping[str, Tensor], targets: Iterable[str]) -> Tensor:
    """Equation (1), ``[B]``: L_ref = Σ_{t∈Ω} Σ_{φ∈Φ_t} |D(I_edit, φ) − D(I_ref, φ)|, from ``attribute_differences``."""
    targets = set(targets)
    return _total_where(edited_to_reference, lambda t: t in targets)


def source_loss(edited_to_source: Mapping[str, Tensor], targets: Iterable[str]) -> Tensor:
    """Equation (2), ``[B]``: L_src = Σ_{t∉Ω} Σ_{φ∈Φ_t} |D(I_edit, φ) − D(I_src, φ)|, t over attributes (not *others*).

    0 where every attribute is a target: then nothing is to be kept.
    """
    targets = set(targets)
    return _total_where(edited_to_source, lambda t: t not in targets)


def attribute_loss(loss_to_reference: Tensor, loss_to_source: Tensor) -> Tensor:
    """Equation (3): L_attr = L_ref + L_src, ``[B]``."""
    return loss_to_reference + loss_to_source


def _total(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum(0)


def _total_where(differences: Mapping[str, Tensor], wanted: Callable[[str], bool]) -> Tensor:
    # The zeros give an empty sum its shape.
    zeros = torch.zeros_like(next(iter(differences.values())))
    return _total([zeros, *(difference for t, difference in differences.items() if wanted(t))])
