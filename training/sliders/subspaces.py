"""Where groups act, and the first T and D: subspaces by regression and gradients, restricted to those channels.

A group reaches the fewest channels that hold most of its gradient. Its subspace is spanned by what a ridge regression
reads its values with (filters), by how styles go along with them (patterns; Haufe et al. 2014 on the difference), and
by the main directions of its gradients (active subspaces; Constantine et al. 2014). What moves there is at first what
T reads as wanted, along directions that by the gradients move the group's own values rather than others'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sat3d.sliders import Slider, SliderConfig, SliderGroup, SliderNetwork

from ..networks.metrics import explained
from .heads import ReadHeads
from .sources import Value

HELD_OUT_EVERY = 8
_LEAST_SPREAD = 1e-5  # of a channel, of a value: below, it does not vary
_RIDGES = (0.003, 0.03, 0.3, 3.0)  # times the mean square of the singular values
_HEAD_RIDGE = 1e-3
_LEAST_SHARE = 0.02  # of the best told direction of values: what is told less is not moved
_TAILS = (0.02, 0.98)  # between them lies a slider's range
_DIGITS = 4


@dataclass(frozen=True)
class Recipe:
    """``energy``: share of the gradient that the channels of a group hold; ``rank``: at most; ``least_read``: R² on
    heads apart below which a value gets no slider, since styles do not tell it."""

    rank: int = 48
    reach: int = 1536
    energy: float = 0.9
    hidden: int = 32
    least_read: float = 0.05


@dataclass(frozen=True)
class Subspace:
    """Of one group: ``channels [reach]``, ``mean`` and ``spread`` of theirs, ``basis [reach, rank]`` with orthonormal
    columns; ``columns``: which values get sliders, by ``weights [rank + 1, sliders]`` on coordinates and 1; ``leak
    [rank, rank]``: what a move of the coordinates costs, in mean squared changes of other groups' values; ``own``: the
    same of its own ones."""

    group: str
    channels: Tensor
    mean: Tensor
    spread: Tensor
    basis: Tensor
    columns: list[int]
    weights: Tensor
    leak: Tensor
    own: Tensor


def apart(count: int) -> tuple[Tensor, Tensor]:
    """Numbers of the heads that are learned from, and of those that are not."""
    index = torch.arange(count)
    return index[index % HELD_OUT_EVERY != 0], index[index % HELD_OUT_EVERY == 0]


def find_subspaces(
    heads: ReadHeads, gradients: Tensor, values: Sequence[Value], editable: Tensor, recipe: Recipe
) -> list[Subspace]:
    """One for each group of which something can be read; ``gradients [M, G, S]`` in the order of the groups."""
    groups = [group for group in dict.fromkeys(value.group for value in values) if group]
    found = []
    for number, group in enumerate(groups):
        columns = [i for i, value in enumerate(values) if value.group == group and _varies(heads.values[:, i])]
        if columns:
            others = sum(1 for value in values if value.group not in ("", group))
            apart_from = torch.cat([gradients[:, :number], gradients[:, number + 1 :]], 1)
            own = Slopes(gradients[:, number], apart_from.flatten(0, 1) / max(len(gradients) * others, 1) ** 0.5)
            made = _subspace(heads, own, group, columns, editable, recipe)
            found += [made] if made.columns else []
    return found


def _varies(values: Tensor) -> bool:
    return float(values.std()) > _LEAST_SPREAD


@dataclass(frozen=True)
class Slopes:
    """Gradients to the styles: ``own [M, S]`` of a group, ``others [K, S]`` of all others, so that the sum of their
    squares along a move is the mean squared change of a value."""

    own: Tensor
    others: Tensor


def _subspace(
    heads: ReadHeads, slopes: Slopes, group: str, columns: list[int], editable: Tensor, recipe: Recipe
) -> Subspace:
    learn, _ = apart(len(heads))
    mean, spread = heads.styles[learn].mean(0), heads.styles[learn].std(0)
    channels = reached(slopes.own * spread, spread, editable, recipe)
    mean, spread = mean[channels], spread[channels]
    standard, targets = (heads.styles[:, channels] - mean) / spread, _standard(heads.values, learn)[:, columns]
    parts = [ridge(standard, targets, learn), standard[learn].T @ targets[learn]]
    basis = span(parts, slopes.own[:, channels] * spread, min(recipe.rank, len(channels)))
    along, across = ((each[:, channels] * spread) @ basis for each in (slopes.own, slopes.others))
    weights, read = _first_reading(standard @ basis, targets, heads.certainty[:, columns])
    good = [i for i, r2 in enumerate(read.tolist()) if r2 >= recipe.least_read]
    kept = [columns[i] for i in good]
    return Subspace(group, channels, mean, spread, basis, kept, weights[:, good], across.T @ across, along.T @ along)


def reached(standard: Tensor, spread: Tensor, editable: Tensor, recipe: Recipe) -> Tensor:
    """Channels, in order, of the largest gradients ``standard [M, S]``, until they hold ``recipe.energy`` of all; among
    the ``editable`` ones that vary. Without gradients (M = 0), all of these up to the reach, the most varied first."""
    allowed = editable[spread[editable] > _LEAST_SPREAD]
    energy = standard[:, allowed].square().sum(0) if len(standard) else spread[allowed].square()
    order = energy.argsort(descending=True, stable=True)
    share = energy[order].cumsum(0) / energy.sum().clamp_min(1e-30)
    enough = int((share < recipe.energy).sum()) + 1 if len(standard) else len(order)
    count = min(max(enough, 2 * recipe.rank), recipe.reach, len(order))
    return allowed[order[:count]].sort().values


def ridge(x: Tensor, y: Tensor, learn: Tensor) -> Tensor:
    """``x [N, n]``, ``y [N, p]`` -> ``[n, p]``, with the ridge that explains most of heads that are apart from those it
    is found on."""
    inner, outer = learn[learn % 5 != 1], learn[learn % 5 == 1]
    scores = [_mean_explained(y[outer], x[outer] @ w) for w in _ridges(x[inner], y[inner])]
    return _ridges(x[learn], y[learn])[max(range(len(scores)), key=scores.__getitem__)]


def _ridges(x: Tensor, y: Tensor) -> list[Tensor]:
    u, s, vt = torch.linalg.svd(x, full_matrices=False)
    middle = float(s.square().mean())
    return [vt.T @ ((s / (s.square() + share * middle))[:, None] * (u.T @ y)) for share in _RIDGES]


def _mean_explained(truth: Tensor, found: Tensor) -> float:
    return float(explained(truth, found).nanmean())


def span(parts: Sequence[Tensor], gradients: Tensor, rank: int) -> Tensor:
    """Orthonormal ``[n, rank]``: the main directions of the columns of ``parts [n, p]``, each of length 1, and of the
    rows of ``gradients [M, n]``, each main direction of theirs by its share."""
    columns = [part / part.norm(dim=0).clamp_min(1e-12) for part in parts]
    if len(gradients):
        _, s, vt = torch.linalg.svd(gradients, full_matrices=False)
        columns.append((vt * (s / s.max().clamp_min(1e-30))[:, None]).T)
    u, _, _ = torch.linalg.svd(torch.cat(columns, 1), full_matrices=False)
    return u[:, : min(rank, u.shape[1])].contiguous()


def _standard(values: Tensor, learn: Tensor) -> Tensor:
    known = values[learn]
    return (values - known.mean(0)) / known.std(0).clamp_min(_LEAST_SPREAD)


def _first_reading(coordinates: Tensor, targets: Tensor, certainty: Tensor) -> tuple[Tensor, Tensor]:
    """Weights ``[rank + 1, p]`` of each value, by least squares in which uncertain ones count less; and the R² of each
    on heads that are apart."""
    learn, others = apart(len(targets))
    x = torch.cat([coordinates, torch.ones(len(coordinates), 1)], 1)
    eye = _HEAD_RIDGE * len(learn) * torch.eye(x.shape[1])
    columns = []
    for y, sure in zip(targets[learn].T, certainty[learn].T, strict=True):
        weighted = x[learn] * sure[:, None]
        columns.append(torch.linalg.solve(weighted.T @ x[learn] + eye, weighted.T @ y))
    weights = torch.stack(columns, 1)
    return weights, explained(targets[others], x[others] @ weights).nan_to_num(-1.0)


def first_sliders(
    subspaces: Sequence[Subspace], heads: ReadHeads, values: Sequence[Value], recipe: Recipe
) -> SliderNetwork:
    """T as regression has it, and D its inverse that leaks least: a change that T reads as what was wanted."""
    learn, _ = apart(len(heads))
    groups = tuple(SliderGroup(s.group, s.basis.shape[1], len(s.channels), recipe.hidden) for s in subspaces)
    sliders = tuple(_slider(values[i], heads.values[learn, i]) for s in subspaces for i in s.columns)
    network = SliderNetwork(SliderConfig(heads.styles.shape[1], groups, sliders))
    with torch.no_grad():
        for maps, subspace in zip(network.maps, subspaces, strict=True):
            for name in ("channels", "mean", "spread"):
                getattr(maps, name).copy_(getattr(subspace, name))
            maps.basis.copy_(subspace.basis / maps.scale)
            straight = subspace.weights[:-1]
            maps.straight_read.weight.copy_(straight.T)
            maps.straight_read.bias.copy_(subspace.weights[-1])
            maps.straight_write.weight.copy_(least_leaking(straight.T, subspace.leak, subspace.own))
    return network


def least_leaking(reading: Tensor, leak: Tensor, own: Tensor) -> Tensor:
    """``reading [p, rank]``, ``leak`` and ``own [rank, rank]`` -> ``[rank, p]``: moves read as one unit of a value
    and none of the others; along directions that move the group's own values, rather than others', by the gradients.

    T alone would not do: along many directions it reads what no picture shows.
    """
    eye = torch.eye(len(leak))
    cost, gain = (each / each.diagonal().mean().clamp_min(1e-12) + eye for each in (leak, own))
    values, vectors = torch.linalg.eigh(gain)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    free = root @ torch.linalg.solve(cost, root @ reading.T)
    return free @ torch.linalg.pinv(reading @ free, rtol=_LEAST_SHARE)


def _slider(value: Value, known: Tensor) -> Slider:
    low, high = (round(float(known.quantile(tail)), _DIGITS) for tail in _TAILS)
    mean, spread = float(known.mean()), max(float(known.std()), _LEAST_SPREAD)
    if low >= high:
        low, high = mean - spread, mean + spread
    return Slider(value.name, value.group, low, high, mean, spread, value.unit)
