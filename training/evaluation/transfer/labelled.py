"""Methods that learn from codes with known labels: single channels of StyleSpace, and InterFaceGAN's boundaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .methods import Copy, Method, Pairing, channel_mask
from .triples import SCORED, People

_CHANNELS = (1, 3, 10, 30, 100, 300)  # how many are copied: options
_RIDGE = 1e-2
_STEPS = 60
PRIMARY = {name: scored.primary for name, scored in SCORED.items()}
Categories = Mapping[str, Sequence[str]]  # of each attribute


def single_channels(layout, people: People, categories: Categories = PRIMARY) -> Method:
    """StyleSpace (Wu et al. 2021): the channels whose values tell most of the attribute's known labels.

    A channel's score is its variance between the classes over that within them, as in the paper's ratio of means to
    deviations, for more than two classes; with several categories the larger one.
    """
    codes = layout.editable(people.styles).cpu()
    options = {}
    for name, some in categories.items():
        ratio = torch.stack([variance_ratio(codes, labels_of(people.truths, c)[0]) for c in some]).amax(0)
        best = ratio.argsort(descending=True)
        counts = [k for k in _CHANNELS if k <= len(best)]
        options[name] = {f"{k} channels": Copy(channel_mask(layout, best[:k])) for k in counts}
    return Method("single_channels", "StyleSpace channels found by known labels", options)


def variance_ratio(codes: Tensor, labels: Tensor) -> Tensor:
    """``codes [N, n]``, ``labels [N]`` (below 0: unknown) -> ``[n]``: variance between classes over that within."""
    codes, labels = codes[labels >= 0].double(), labels[labels >= 0]
    member = torch.nn.functional.one_hot(labels).double()
    sizes = member.sum(0).clamp_min(1)
    means = (member.T @ codes) / sizes[:, None]
    between = (sizes[:, None] * (means - codes.mean(0)).square()).sum(0) / len(codes)
    within = (codes - means[labels]).square().mean(0)
    return (between / within.clamp_min(1e-12)).float()


def labels_of(truths: Sequence[Mapping[str, str]], category: str) -> tuple[Tensor, list[str]]:
    """``[N]`` numbers of the values, and the values; −1 for what is hidden or between two names."""
    values = sorted({truth[category] for truth in truths} - {"hidden", "other"})
    return torch.tensor([values.index(t[category]) if t[category] in values else -1 for t in truths]), values


@dataclass(frozen=True)
class Boundary:
    """Linear classifiers of one category in w: ``weight [K, w_dim]``, ``bias [K]``; ``reach [K]``: how far, on
    average, members of a class lie on their side."""

    values: list[str]
    weight: Tensor
    bias: Tensor
    reach: Tensor

    def step(self, w: Tensor, own: Sequence[str], wanted: Sequence[str]) -> Tensor:
        """``w [N, w_dim]`` from each one's ``own`` class to the ``wanted``: the shortest change that brings it as far
        beyond the boundary between the two as members of the wanted class usually are. Where a class had no member
        to learn from, w stays."""
        number = {value: i for i, value in enumerate(self.values)}
        a, b = (torch.tensor([number.get(v, -1) for v in names], device=w.device) for names in (own, wanted))
        weight, bias = self.weight.to(w), self.bias.to(w)
        normal = weight[b] - weight[a]
        margin = (w * normal).sum(1) + bias[b] - bias[a]
        missing = (self.reach.to(w)[a, b] - margin).clamp_min(0) * ((a >= 0) & (b >= 0))
        return missing[:, None] * normal / normal.square().sum(1, keepdim=True).clamp_min(1e-12)


def fit_boundary(w: Tensor, truths: Sequence[Mapping[str, str]], category: str) -> Boundary:
    """Multinomial logistic regression with a small ridge, by L-BFGS."""
    labels, values = labels_of(truths, category)
    w, labels = w.cpu()[labels >= 0], labels[labels >= 0]
    centre, spread = w.mean(0), w.std(0).clamp_min(1e-6)
    x, parameters = (w - centre) / spread, torch.zeros(len(values), w.shape[1] + 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([parameters], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        scores = x @ parameters[:, :-1].T + parameters[:, -1]
        value = torch.nn.functional.cross_entropy(scores, labels) + _RIDGE * parameters[:, :-1].square().sum() / 2
        value.backward()
        return value

    optimizer.step(loss)
    found = parameters.detach()
    weight = found[:, :-1] / spread
    bias = found[:, -1] - weight @ centre
    scores = w @ weight.T + bias
    member = torch.nn.functional.one_hot(labels, len(values)).float()
    means = (member.T @ scores) / member.sum(0).clamp_min(1)[:, None]  # of class b's members, the score of each class
    return Boundary(values, weight, bias, means.diagonal()[None] - means.T)


@dataclass(frozen=True)
class Cross:
    """InterFaceGAN: w moves across the boundaries of the attribute's categories; δ multiplies the step."""

    boundaries: Mapping[str, Boundary]

    def __call__(self, pair: Pairing, delta: float) -> Tensor:
        w, network = pair.people.w[pair.cases.source], pair.network
        own, theirs = pair.truths(pair.cases.source), pair.truths(pair.cases.reference)
        step = torch.zeros_like(w)
        for category, boundary in self.boundaries.items():
            step = step + boundary.step(w, [t[category] for t in own], [t[category] for t in theirs])
        rows = network.config.backbone.num_ws
        before, after = (network.styles(x[:, None].expand(-1, rows, -1)) for x in (w, w + delta * step))
        return pair.moved(pair.layout.editable(after) - pair.layout.editable(before))


def linear_boundaries(people: People, categories: Categories = PRIMARY) -> Method:
    """InterFaceGAN (Shen et al. 2020), with one classifier for all values of a category."""
    options = {}
    for name, some in categories.items():
        boundaries = {category: fit_boundary(people.w, people.truths, category) for category in some}
        options[name] = {"step": Cross(boundaries)}
    return Method("linear_boundary", "InterFaceGAN in w, known labels", options)
