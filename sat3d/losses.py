"""The losses of SAT3D, section 3.2, one short function per equation (L_attr, equations 1 to 3, is in ``qmm``)."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LossWeights:
    """λ_attr, λ_bg, λ_prob of equation (7); the paper's by default. ``src``: of L_src within L_attr, 1 in the paper."""

    attr: float = 3.5
    bg: float = 40.0
    prob: float = 0.1
    src: float = 1.0


PAPER_WEIGHTS = LossWeights()


def background_loss(edited: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    """Equation (5), ``[B]``: L_bg = Σ |I_edit·B − I_src·B| / Σ B.

    ``edited``, ``source`` ``[B, 3, H, W]`` in -1..1; ``mask [B, 1, H, W]``: B, 1 where both must look alike. The mean
    over B's pixels of the sum over red, green and blue: 0 to 6. 0 where B is empty.
    """
    mask = mask.to(edited.dtype)
    changed = ((edited - source).abs() * mask).sum((1, 2, 3))
    return changed / mask.sum((1, 2, 3)).clamp_min(1)


def probability_loss(logits: Tensor) -> Tensor:
    """Equation (6), a scalar: L_prob = mean_i |1 − max_t softmax(M[:, i])|, for M ``[m+1, n]``; 0 to m/(m+1)."""
    return (1 - logits.softmax(0).amax(0)).abs().mean()


def total_loss(attr: Tensor, bg: Tensor, prob: Tensor, weights: LossWeights = PAPER_WEIGHTS) -> Tensor:
    """Equation (7): L = λ_attr L_attr + λ_bg L_bg + λ_prob L_prob; the mean over pictures of what is ``[B]``."""
    return weights.attr * attr.mean() + weights.bg * bg.mean() + weights.prob * prob
