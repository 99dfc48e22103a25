"""Laws and chances that depend on what is drawn already, as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from .blocks import ChoiceBlock, ChoiceFor, Known, LawFor
from .categorical import Choice, simplex_choice
from .distributions import Law
from .rules import ParameterTable

_LEAST_CHANCE = 5e-4  # of a value, whatever the conditions: everything can be drawn


@dataclass(frozen=True)
class Conditions:
    """``named``: conditions on the parameters drawn so far, by name. ``chances``: parameter -> chances of its values
    before conditions, which are scaled to the sum 1; ``factors`` (condition, parameter, factors on the chances of some
    values); ``laws``: parameter -> (condition, law) in order, "" always holds; the first that holds counts."""

    named: Mapping[str, Callable[[Known], bool]]
    chances: Mapping[str, Mapping[str, float]]
    factors: Sequence[tuple[str, str, Mapping[str, float]]]
    laws: Mapping[str, Sequence[tuple[str, Law]]]
    table: ParameterTable

    def law_for(self, name: str) -> LawFor:
        def choose(known: Known) -> Law:
            return next(law for condition, law in self.laws[name] if not condition or self.named[condition](known))

        return choose

    def choice_for(self, name: str) -> ChoiceFor:
        factors = [(self.named[condition], some) for condition, parameter, some in self.factors if parameter == name]

        def choose(known: Known) -> Choice:
            return scaled(tuple(condition(known) for condition, _ in factors))

        @cache
        def scaled(holds: tuple[bool, ...]) -> Choice:
            chances = dict(self.chances[name])
            for (_, some), counts in zip(factors, holds, strict=True):
                if counts:
                    chances |= {value: chances[value] * factor for value, factor in some.items()}
            least = _LEAST_CHANCE * sum(chances.values())
            return simplex_choice(tuple(max(chance, least) for chance in chances.values()))

        return choose

    def chosen(self, name: str) -> ChoiceBlock:
        """The block of a parameter that is one of some names."""
        values = self.table.fields[name].values
        assert tuple(self.chances[name]) == values
        return ChoiceBlock(name, values, self.choice_for(name))
