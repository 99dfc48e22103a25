"""How much each of many tasks of one network counts: what is known by heart little, what is guessed at most.

With equal shares, the many tasks that are soon known drown one that is seen in few pictures: the colour of glasses'
frames stayed at chance until all else was left alone.
"""

from torch import Tensor

_LEAST = 0.03  # for what is known by heart, where a guess gets 1


def attention(losses: Tensor) -> Tensor:
    """``[K]`` shares of what guessing costs -> ``[K]`` weights: their squares, and a little."""
    return losses.clamp(max=1.0).square() + _LEAST


def attended(losses: Tensor) -> Tensor:
    """The mean of losses ``[K]``, each with the attention that it needs; the weights have no gradient."""
    weights = attention(losses.detach())
    return (weights * losses).sum() / weights.sum()
