"""What masks are worth, by QMM alone: transfers between held-out faces, and a plain sentence for each attribute."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..masks import AttributeMasks
from ..progress import Watch, no_watch
from ..qmm import QMM, Measurement
from .edits import edit_pictures, edit_row, edit_sheet
from .face_cache import Pairs
from .sampling import Draw, draw_transfers, most_different, shown
from .studio import Studio

TRANSFERS = 24  # of each attribute
_CHOICES = 8  # references to choose from: faces that agree in an attribute tell nothing about it
_ROWS = 4  # of the sheet
_AT_ONCE = 8  # pictures that are measured
_HALF = 0.5  # of the way to the reference; of the usual difference between two faces
_LEAST_DIFFERENCE = 0.1  # between two faces, of 2 for each group: less is none
GOOD, FAIR = 0.8, 0.5  # shares that arrive
_KEPT = 0.85
_SURE = 1.96  # standard errors: 95 of 100 times the truth lies between


@dataclass(frozen=True)
class Verdict:
    """How one attribute fared.

    ``transfers``: between faces that differ in it. ``arrived``: the share of them that came nearer to the reference
    than half of the way. ``kept``: other attribute -> the share of transfers that left it alone. ``second``:
    ``arrived`` by another image-text model; None: not asked. ``carried``: what carries it, in words.
    """

    attribute: str
    transfers: int
    arrived: float = 0.0
    kept: Mapping[str, float] = field(default_factory=dict)
    second: float | None = None
    carried: str = ""

    @property
    def grade(self) -> str:
        """``good``, ``fair``, ``weak``; ``unseen``: the faces do not differ in it."""
        if not self.transfers:
            return "unseen"
        return "good" if self.arrived >= GOOD else "fair" if self.arrived >= FAIR else "weak"

    @property
    def likely(self) -> tuple[float, float]:
        """Between which shares the true one lies, 95 times out of 100 (Wilson 1927)."""
        return wilson(self.arrived, self.transfers)

    @property
    def all_kept(self) -> float:
        """Mean over the other attributes; 1 where there are none."""
        return sum(self.kept.values()) / len(self.kept) if self.kept else 1.0

    def __str__(self) -> str:
        """
        Example:
            >>> print(Verdict("beard", 24, 22 / 24, {"hair": 1.0}))
            beard: arrives in 92 % (likely 74 to 98), all else kept in 100 %
        """
        if not self.transfers:
            return f"{self.attribute}: not seen, the faces drawn hardly differ in it; other phrases, or more faces"
        low, high = (round(100 * end) for end in self.likely)
        arrives = f"arrives in {self.arrived:.0%} (likely {low} to {high})".replace("%", " %")
        grade = {"good": arrives, "fair": f"fair, {arrives}; more faces or steps help"}
        parts = [grade.get(self.grade, f"weak, {arrives}; add phrases or faces"), self._say_kept()]
        if self.second is not None:
            parts.append(f"by the second model {self.second:.0%}".replace("%", " %"))
        return f"{self.attribute}: {', '.join(parts)}" + (f" [{self.carried}]" if self.carried else "")

    def _say_kept(self) -> str:
        along = [f"{name} (in {1 - share:.0%})" for name, share in self.kept.items() if share < _KEPT]
        said = f"takes along {' and '.join(along)}" if along else f"all else kept in {self.all_kept:.0%}"
        return said.replace("%", " %")


@dataclass(frozen=True)
class Report:
    """``sheet [1, 3, H, W]`` in -1..1: source, reference, and the edit of each attribute, row by row."""

    verdicts: tuple[Verdict, ...]
    sheet: Tensor

    def __str__(self) -> str:
        return "\n".join(map(str, self.verdicts))


def wilson(share: float, count: int) -> tuple[float, float]:
    """The interval for a share seen in ``count`` trials.

    Example:
        >>> [round(end, 3) for end in wilson(0.5, 10)]
        [0.237, 0.763]
    """
    squared = _SURE**2 / count
    middle = (share + squared / 2) / (1 + squared)
    half = _SURE / (1 + squared) * math.sqrt(share * (1 - share) / count + squared / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def examine(
    studio: Studio,
    masks: AttributeMasks,
    pairs: Pairs,
    seed: int = 0,
    second: QMM | None = None,
    transfers: int = TRANSFERS,
    watch: Watch = no_watch,
) -> Report:
    """Transfer every attribute ``transfers`` times between ``pairs``, which no mask was learned from.

    ``second``: another image-text model with the same domain, which is asked, too. ``watch`` sees the sheet grow.
    """
    rows: list[Tensor] = []
    total = transfers + min(_ROWS, len(pairs) // 2)
    for number in range(total - transfers):
        watch(number, total, edit_sheet(rows) if rows else None)
        rows.append(edit_row(studio, masks, pairs, number))
    sheet = edit_sheet(rows)
    draws, edited = [], []
    for number in range(transfers):
        watch(total - transfers + number, total, sheet)
        draw = draw_transfers(seed, number, len(masks.attributes), len(pairs), len(masks.attributes), _CHOICES)
        draws.append(most_different(draw, pairs.scores, studio.domain))
        edited.append(_edit(studio, masks, pairs, draws[-1]))
    watch(total, total, sheet)
    draw = Draw(*(torch.cat([getattr(one, name) for one in draws]) for name in ("source", "reference", "target")))
    pictures = torch.cat(edited)
    found = judge(_measure(studio.qmm, pictures), Measurement(pairs.scores, studio.domain), draw)
    others = {} if second is None else judge(_measure(second, pictures), _measure(second, pairs.images), draw)
    verdicts = tuple(_verdict(name, found[name], others.get(name), masks) for name in masks.attributes)
    return Report(verdicts, sheet)


@dataclass(frozen=True)
class Outcome:
    """See :class:`Verdict`, by one image-text model."""

    transfers: int
    arrived: float
    kept: Mapping[str, float]


def judge(edited: Measurement, faces: Measurement, draw: Draw) -> dict[str, Outcome]:
    """Attribute -> how the transfers of it fared; ``edited``: of T pictures, ``faces``: of all that ``draw`` names.

    Only transfers between faces that show the attribute and differ in it count, by at least half of what two faces
    usually differ by. Another attribute is kept where it has changed by less than that.
    """
    source, reference = faces.select(draw.source), faces.select(draw.reference)
    before, left, moved = source.differences(reference), edited.differences(reference), edited.differences(source)
    domain, enough = faces.domain, _enough(faces)
    seen, still_seen = shown(faces.probabilities, domain), shown(edited.probabilities, domain)
    outcomes = {}
    for row, name in enumerate(domain.attributes):
        counts = (draw.target == row) & seen[draw.source, row] & seen[draw.reference, row]
        counts &= before[name] >= enough[name]
        kept = {
            other: _share(moved[other] < enough[other], counts & seen[draw.source, column] & still_seen[:, column])
            for column, other in enumerate(domain.attributes)
            if other != name and other not in domain.covers.get(name, ())
        } | {other: _share(moved[other] < enough[other], counts) for other in domain.kept}
        known = {other: share for other, share in kept.items() if share is not None}
        arrived = _share(left[name] <= _HALF * before[name], counts)
        outcomes[name] = Outcome(int(counts.sum()), arrived or 0.0, known)
    return outcomes


def _enough(faces: Measurement) -> dict[str, float]:
    """Half of what a face usually differs from the next by, but not nothing, of each attribute."""
    next_one = faces.select(torch.arange(len(faces)).roll(1))
    usual = {name: float(off.mean()) for name, off in faces.differences(next_one).items()}
    return {name: max(_HALF * off, _LEAST_DIFFERENCE) for name, off in usual.items()}


def _share(holds: Tensor, counts: Tensor) -> float | None:
    return float(holds[counts].float().mean()) if counts.any() else None


def _edit(studio: Studio, masks: AttributeMasks, pairs: Pairs, draw: Draw) -> Tensor:
    names = [masks.attributes[target] for target in draw.target.tolist()]
    pictures = edit_pictures(studio, masks, pairs.select(draw.source), pairs.select(draw.reference), names)
    return pictures.half().cpu()


@torch.no_grad()
def _measure(qmm: QMM, pictures: Tensor) -> Measurement:
    device = qmm.model.device
    pieces = [qmm.measure(piece.float().to(device)).probabilities.cpu() for piece in pictures.split(_AT_ONCE)]
    return Measurement(torch.cat(pieces), qmm.domain)


def _verdict(name: str, found: Outcome, second: Outcome | None, masks: AttributeMasks) -> Verdict:
    by_second = second.arrived if second is not None and second.transfers else None
    return Verdict(name, found.transfers, found.arrived, found.kept, by_second, _describe_carriers(name, masks))


def _describe_carriers(name: str, masks: AttributeMasks) -> str:
    if name in masks.subspaces:
        return f"{masks.subspaces[name].rank} directions"
    own = int((masks.logits.argmax(0) == masks.attributes.index(name)).sum())
    return f"{own} of {masks.logits.shape[1]} channels"
