"""Not "a beard" but "this very beard": the numbers of an attribute, read in the edit, against the reference's truth.

Colours, lengths, sizes and facial actions. A reader need not read all of them: what it does not is None in the report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from training.synth.rules import ChoiceRule, ColourRule, VectorRule
from training.synthheads.actions import ACTION_NAMES
from training.synthheads.edits import PARAMETERS
from training.synthheads.parameter_spec import FIELDS
from training.synthheads.parameters import HeadParameters
from training.synthheads.visibility import visible_parameters

from .metrics import rounded, share
from .renderer_and_judges import Seen

# Parameter -> the reader's number, where it has another name.
_READ_AS = {
    "hair_colour": "hair_rgb",
    "iris_colour": "iris_rgb",
    "beard_colour": "beard_rgb",
    "frame_colour": "frame_rgb",
    "lipstick_colour": "lipstick_rgb",
    "lipstick": "lipstick_amount",
    "eye_shadow": "eye_shadow_amount",
    "parting": "parting_place",
    "light_warmth": "light_warmth_amount",
}
_ACTION = "action_{}"  # how the reader calls one
LEAST_SHARE = 0.2  # of a number's range, that source and reference must differ by: else nothing can be nearer
LEAST_COLOUR = 0.1  # the same for colours: distance in sRGB of 0..1
_FEWEST = 3  # cases that r² is taken of


@dataclass(frozen=True)
class Specific:
    """A number of an attribute. ``name``: in the report and of the reader; ``least``: the difference from which two
    values count as different; ``member``: an action's place among all."""

    name: str
    parameter: str
    least: float
    member: int | None = None

    @property
    def shown_with(self) -> str:
        """What must be visible, in the names of :func:`visible_parameters`."""
        return self.parameter if self.member is None else ACTION_NAMES[self.member]

    def true_of(self, p: HeadParameters) -> list[float]:
        value = getattr(p, self.parameter)
        if self.member is not None:
            return [value[self.member]]
        return list(value) if isinstance(value, tuple) else [value]

    def read_from(self, numbers: Mapping[str, Tensor]) -> Tensor | None:
        """``[N, size]``; None if the reader does not read it. All actions are read together or one by one."""
        if self.name in numbers:
            return numbers[self.name]
        if self.member is not None and self.parameter in numbers:
            return numbers[self.parameter][:, self.member : self.member + 1]
        singly = [_ACTION.format(name) for name in ACTION_NAMES]
        if self.name == "actions" and all(name in numbers for name in singly):
            return torch.cat([numbers[name] for name in singly], 1)
        return None


@cache
def specifics_of(attribute: str) -> tuple[Specific, ...]:
    """All numbers of an attribute; its categories are scored elsewhere."""
    found: list[Specific] = []
    for parameter in PARAMETERS[attribute]:
        rule, name = FIELDS[parameter], _READ_AS.get(parameter, parameter)
        if isinstance(rule, ColourRule):
            found.append(Specific(name, parameter, LEAST_COLOUR))
        elif isinstance(rule, VectorRule):
            found.append(Specific(name, parameter, LEAST_SHARE))
            found += [Specific(_ACTION.format(a), parameter, LEAST_SHARE, i) for i, a in enumerate(ACTION_NAMES)]
        elif not isinstance(rule, ChoiceRule):
            found.append(Specific(name, parameter, LEAST_SHARE * (rule.high - rule.low)))
    return tuple(found)


@dataclass(frozen=True)
class TrueNumbers:
    """``source``, ``reference``: what is true of N cases, ``[N, size]`` by name. NaN where it cannot be seen; the
    reference's must be visible in the true edit, too."""

    attribute: str
    source: dict[str, Tensor]
    reference: dict[str, Tensor]


def true_numbers(
    attribute: str, sources: Sequence[HeadParameters], references: Sequence[HeadParameters],
    edits: Sequence[HeadParameters],
) -> TrueNumbers:  # fmt: skip
    """The truth about N cases; ``edits``: the true ones."""
    own, theirs, made = ([visible_parameters(p) for p in heads] for heads in (sources, references, edits))
    shown = [both & after for both, after in zip(theirs, made, strict=True)]
    names = specifics_of(attribute)
    return TrueNumbers(
        attribute,
        {specific.name: _values(specific, sources, own) for specific in names},
        {specific.name: _values(specific, references, shown) for specific in names},
    )


def _values(specific: Specific, heads: Sequence[HeadParameters], visible: Sequence[frozenset[str]]) -> Tensor:
    rows = torch.tensor([specific.true_of(p) for p in heads])
    seen = torch.tensor([specific.shown_with in names for names in visible])
    return torch.where(seen[:, None], rows, torch.nan)


def score_specifics(truth: TrueNumbers, seen: Seen) -> dict[str, dict | None]:
    """By number: None where it is not read, else

    ``nearer``: how often the value read in the edit is nearer to the reference's true one than to the source's, among
    the ``nearer_count`` cases where these differ enough and can both be seen; ``r2``: the coefficient of determination
    (1 − squared error / variance of the truth; at most 1, 0 and less: no better than always the mean) of the read
    value for the reference's true one, among the ``r2_count`` cases where that can be seen.
    """
    report: dict[str, dict | None] = {}
    for specific in specifics_of(truth.attribute):
        read = specific.read_from(seen.numbers)
        known = truth.source[specific.name], truth.reference[specific.name]
        report[specific.name] = None if read is None else _score(specific, read.double(), *known)
    return report


def _score(specific: Specific, read: Tensor, source: Tensor, reference: Tensor) -> dict:
    differ = (reference - source).norm(dim=1) > specific.least  # not so where one is NaN
    nearer = (read - reference).norm(dim=1) < (read - source).norm(dim=1)
    shown = ~reference.isnan().any(1)
    return {
        "nearer": share(nearer[differ]),
        "nearer_count": int(differ.sum()),
        "r2": determination(read[shown], reference[shown]),
        "r2_count": int(shown.sum()),
    }


def determination(read: Tensor, true: Tensor) -> float | None:
    """R² of ``read [N, size]`` for ``true``, all columns together; None where the truth does not vary."""
    spread = (true - true.mean(0)).square().sum()
    if len(true) < _FEWEST or spread <= 0:
        return None
    return rounded(1 - (read - true).square().sum() / spread)
