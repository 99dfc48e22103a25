"""Choosing each method's option and intensity, on people of their own and in coarser pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from .methods import Edit, Method, Pairing
from .renderer_and_judges import Shots, Stage
from .scored import SCORED
from .scoring import all_alike, kept_share, likely_alike
from .triples import Cases, People, draw_cases, draw_people

SEED_OFFSET = 1_000_003  # people that the scores are not taken from
_SIFT = 4  # triples on which options are sifted
_LEFT = 4  # options that are left for all triples


@dataclass(frozen=True)
class Choice:
    """What tuning found for one attribute of a method."""

    option: str
    delta: float


class Tuning:
    """Triples to tune on: ``each`` for every attribute. Sources and references are seen once."""

    def __init__(self, stage: Stage, seed: int, each: int):
        self.stage = stage
        self.people: People = draw_people(stage.network, seed + SEED_OFFSET, max(4 * each, 16))
        self.cases = draw_cases(self.people, seed + SEED_OFFSET, each * len(SCORED))
        self.shots: Shots = stage.shoot(self.people.styles)

    def choose(self, method: Method, attribute: str, deltas: Sequence[float]) -> Choice:
        """The option that is best at δ = 1, and then the best δ, both by transfer · preservation."""
        options, cases = method.options[attribute], self.cases[attribute]
        option = next(iter(options))
        if len(options) > 1:
            sifted = self._best(options, cases.select(slice(_SIFT)), _LEFT)
            option = self._best(sifted, cases, 1).popitem()[0]
        of_delta = {delta: self.product(options[option], cases, delta) for delta in deltas}
        return Choice(option, max(of_delta, key=of_delta.get))

    def _best(self, options: Mapping[str, Edit], cases: Cases, count: int) -> dict[str, Edit]:
        if len(options) <= count:
            return dict(options)
        products = {name: self.product(edit, cases, 1.0) for name, edit in options.items()}
        return {name: options[name] for name in sorted(products, key=products.get, reverse=True)[:count]}

    def product(self, edit: Edit, cases: Cases, delta: float) -> float:
        """Transfer · preservation, both by the reader's chances in place of its verdicts, since triples are few."""
        with torch.no_grad():
            styles = edit(Pairing(self.stage.network, self.people, cases), delta)
        seen = self.stage.shoot(styles).seen
        source, reference = (self.shots.seen.select(index) for index in (cases.source, cases.reference))
        transfer = likely_alike(seen, reference, cases.attribute).mean()
        kept = kept_share(all_alike(seen, source, likely_alike), cases.kept).nanmean().nan_to_num(1.0)
        return float(transfer * kept)
