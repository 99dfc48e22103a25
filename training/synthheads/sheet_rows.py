"""What contact sheets of heads show besides: facial actions; and how heads are best shown."""

from __future__ import annotations

import numpy as np

from training.synth.cameras import FRONT
from training.synth.sheet_rows import COLUMNS, Cell, Crowd, Row

from .actions import ACTION_NAMES
from .attributes import EXPRESSIONS
from .parameter_spec import change
from .parameters import HeadParameters
from .sheet_hints import CALM


def action_rows(crowd: Crowd) -> list[Row]:
    """Each facial action at 0, a half and 1, on two people; named expressions; where the eyes look."""
    people = [crowd.person(index, **CALM) for index in (0, 1)]
    rows = [
        Row(name, tuple(_action_cell(person, name, strength) for person in people for strength in (0.0, 0.5, 1.0)))
        for name in ACTION_NAMES
    ]
    for start in range(0, len(EXPRESSIONS), COLUMNS):
        some = EXPRESSIONS[start : start + COLUMNS]
        cells = tuple(Cell(change(people[0], expression=name), FRONT, name, close=True) for name in some)
        rows.append(Row("expressions", cells))
    for name in ("gaze_yaw", "gaze_pitch"):
        values = np.linspace(-1, 1, COLUMNS).round(4).tolist()
        cells = tuple(Cell(change(people[0], **{name: v}), FRONT, f"{v:.2f}", close=True) for v in values)
        rows.append(Row(name, cells))
    return rows


def _action_cell(person: HeadParameters, name: str, strength: float) -> Cell:
    return Cell(change(person, actions={name: strength}), FRONT, f"{strength:g}", close=True)
