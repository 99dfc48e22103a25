"""The part of the report for people that compares edits with the true pictures."""

from __future__ import annotations

from collections.abc import Mapping

OWN = "the generator itself"
TRUTH_EXPLANATION = (
    "Against the truth: the renderer draws the source, and the source with the reference's attribute. Delta is the",
    "share of the true change that the edit makes: 1 exactly that, 0 no better than no edit, below 0 worse. Leak: mean",
    "|edit − source|, of 255, where the true change is none. Numbers: how often what is read of the edit is nearer to",
    "the reference's true value than to the source's, where these differ; and R² of the read for the true value.",
    f"{OWN.capitalize()}: its picture of the edited head, asked for by its latent; all that a transfer can reach.",
)


def truth_section(report: Mapping, attribute: str) -> list[str]:
    """Lines for one attribute: delta and leak of each method, then the numbers at δ = 1."""
    ceiling = report["ceiling"][attribute]
    methods = {name: method[attribute] for name, method in report["methods"].items() if attribute in method}
    lines = ["| against the truth | delta | leak | delta at best δ | leak at best δ |", "|---" * 5 + "|"]
    lines.append(_row(OWN, ceiling, None))
    lines += [_row(name, scores, scores["best"]) for name, scores in methods.items()]
    return [*lines, "", *_numbers({OWN: ceiling, **methods})]


def _row(name: str, scores: Mapping, best: Mapping | None) -> str:
    cells = [_number(part and part[key]) for part in (scores, best) for key in ("delta", "leak")]
    return f"| {name} | " + " | ".join(cells) + " |"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 2) + 0.0:.2f}"  # + 0.0: no "-0.00"


def _numbers(columns: Mapping[str, Mapping]) -> list[str]:
    """A row a number, a column a method; what the reader does not read in a line below."""
    columns = {name: scores["specifics"] for name, scores in columns.items() if scores["specifics"] is not None}
    if not columns:
        return []
    first = next(iter(columns.values()))
    read = [name for name, scores in first.items() if scores is not None]
    unread = [name for name in first if name not in read]
    lines = []
    if read:
        lines += ["| number, nearer / R² | " + " | ".join(columns) + " | cases |", "|---" * (len(columns) + 2) + "|"]
        lines += [_number_row(name, [scores[name] for scores in columns.values()]) for name in read]
        lines.append("")
    return [*lines, f"Not read: {', '.join(unread)}.", ""] if unread else lines


def _number_row(name: str, scores: list[Mapping]) -> str:
    cells = [f"{_share(score['nearer'])} / {_number(score['r2'])}" for score in scores]
    counts = f"{scores[0]['nearer_count']} / {scores[0]['r2_count']}"
    return f"| {name} | " + " | ".join([*cells, counts]) + " |"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"
