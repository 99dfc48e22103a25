"""Pictures of the edits: one sheet an attribute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from sat3d.pictures import contact_sheet, save_picture, to_pil

from .run import Examination
from .triples import SCORED, Cases

_CELL_PX = 128


def save_sheets(made: Examination, folder: Path) -> list[Path]:
    """``<attribute>.png`` each: a row a triple, with source, reference, renders of the source and of the true edit, the
    generator's own true edit, if it makes one, and each method's edit at its best δ; and ``chain_<method>.png``: the
    source, an attribute more in each column, the reference."""
    edits = [_save(made, attribute, edits, folder) for attribute, edits in made.kept.items()]
    return edits + [
        _save_walks(images, made.plan.rows, folder / f"chain_{name}.png") for name, images in made.walked.items()
    ]


def _save_walks(columns: Sequence[Tensor], most: int, path: Path) -> Path:
    rows = [list(row) for row in zip(*(to_pil(column[:most]) for column in columns), strict=True)]
    label = ", ".join(["source", *(f"+ {name}" for name in SCORED), "reference"])
    save_picture(contact_sheet(rows, [label] * len(rows), _CELL_PX), path)
    return path


def _save(made: Examination, attribute: str, edits: dict, folder: Path) -> Path:
    cases = made.cases[attribute].select(slice(made.plan.rows))
    columns = _columns(made, attribute, cases) | edits
    rows = [list(row) for row in zip(*(to_pil(column) for column in columns.values()), strict=True)]
    names = ", ".join(columns)
    labels = [f"{names}      {_what(made, attribute, i)}" for i in range(len(cases))]
    path = folder / f"{attribute}.png"
    save_picture(contact_sheet(rows, labels, _CELL_PX), path)
    return path


def _columns(made: Examination, attribute: str, cases: Cases) -> dict[str, Tensor]:
    """What is beside the edits."""
    source, edit = (images[: len(cases)] for images in made.truths[attribute].pictures())
    columns = {"source": made.shots.images[cases.source], "reference": made.shots.images[cases.reference]}
    columns |= {"render of the source": source, "true edit": edit}
    if attribute in made.own:
        columns["own true edit"] = made.own[attribute].images[: len(cases)]
    return columns


def _what(made: Examination, attribute: str, i: int) -> str:
    cases, names = made.cases[attribute], SCORED[attribute].primary
    truths = [made.people.truths[int(number)] for number in (cases.source[i], cases.reference[i])]
    return " -> ".join(", ".join(truth[name] for name in names) for truth in truths)
