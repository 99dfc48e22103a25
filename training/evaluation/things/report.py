"""The report for people, and pictures of the edits: one sheet an attribute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sat3d.pictures import contact_sheet, save_picture, to_pil

from .run import Examination

_COLUMNS = {"transfer": "transfer", "transfer_truth": "by truth", "kept": "others kept", "product": "product",
            "delta": "delta", "leak": "leak", "dragged": "dragged"}  # fmt: skip
_BY_OTHER = ("kept_of", "dragged_by")
_PLAIN = ("delta", "leak")  # neither is a share
_CELL_PX = 128
EXPLANATION = (
    "Transfer: the reader sees in the edit what it sees in the generated reference (by truth: what is true of the",
    "reference). Others kept: it sees each other attribute as in the generated source. Product: of the two. Delta: the",
    "share of the true change of the picture that the edit makes (1: exactly that, 0: no better than none). Leak: mean",
    "|edit − source|, of 255, where the true change is none. Dragged: another attribute is seen as in the reference,",
    "though source and reference differ in it. Keeps, drags: the same of one other attribute.",
)


def markdown(report: Mapping) -> str:
    """The whole report as Markdown."""
    lines = [
        f"# Attribute transfer, {report['domain']}", "",
        f"{report['count']} triples of the population {report['population']}, seed {report['seed']}, intensity"
        f" {report['intensity']:g}, generator {report['generator']}.", "", *EXPLANATION,
        *([f"Told the things' true labels: {', '.join(report['told_labels'])}."] if report["told_labels"] else []), "",
    ]  # fmt: skip
    for attribute in report["ceiling"]:
        lines += _section(report, attribute)
    return "\n".join([*lines, *_means(report)])


def _section(report: Mapping, attribute: str) -> list[str]:
    triples, right = report["triples"][attribute], _cell("transfer", report["ceiling"][attribute])
    methods = {name: some[attribute] for name, some in report["methods"].items() if attribute in some}
    others = next(iter(methods.values()))["dragged_by"] if methods else {}
    names = [*_COLUMNS.values(), *(f"{verb} {other}" for verb in ("keeps", "drags") for other in others), "option"]
    rows = {
        name: [*_cells(scores), *(_cell(key, scores[key][o]) for key in _BY_OTHER for o in others), scores["option"]]
        for name, scores in methods.items()
    }
    said = (
        f"{triples['count']} triples. The reader sees the truth in {right} of the generated things, and no difference"
    )
    said += f" between source and reference in {_cell('transfer', triples['unedited'])}."
    return [f"## {attribute}", "", said, "", *_table(names, rows), ""]


def _means(report: Mapping) -> list[str]:
    """A row for each method that moves all attributes: the means of its scores."""
    rows = {}
    for name, some in report["methods"].items():
        if some.keys() == report["ceiling"].keys():
            rows[name] = _cells({key: _mean([scores[key] for scores in some.values()]) for key in _COLUMNS})
    return ["## Mean over the attributes", "", *_table(list(_COLUMNS.values()), rows)] if rows else []


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _table(names: Sequence[str], rows: Mapping[str, Sequence[str]]) -> list[str]:
    lines = ["| method | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    return lines + [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()]


def _cells(scores: Mapping) -> list[str]:
    return [_cell(key, scores[key]) for key in _COLUMNS]


def _cell(key: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{round(value, 2) + 0.0:.2f}" if key in _PLAIN else f"{value:.1%}"  # + 0.0: no "-0.00"


def save_sheets(made: Examination, folder: Path, most: int) -> list[Path]:
    """``<attribute>.png`` each: a row a triple, with source and reference as generated, each method's edit, and the
    render of the true edit."""
    return [_save(made, attribute, edits, folder, most) for attribute, edits in made.pictures.items()]


def _save(made: Examination, attribute: str, edits: Mapping, folder: Path, most: int) -> Path:
    source, reference = made.scene.seen(attribute)
    columns = {"source": source.images, "reference": reference.images, **edits}
    columns["true edit"] = made.truths[attribute].pictures()[1]
    rows = [list(row) for row in zip(*(to_pil(column[:most]) for column in columns.values()), strict=True)]
    labels = [f"{', '.join(columns)}      {_what(made, attribute, i)}" for i in range(len(rows))]
    path = folder / f"{attribute}.png"
    save_picture(contact_sheet(rows, labels, _CELL_PX), path)
    return path


def _what(made: Examination, attribute: str, i: int) -> str:
    cases, people, facts = made.scene.cases[attribute], made.scene.people, made.scene.stage.facts
    truths = (people.truths[int(part[i])] for part in (cases.source, cases.reference))
    return " -> ".join(", ".join(some[fact] for fact in facts.truths[attribute]) for some in truths)
