"""The report for people, and whether masks reach what they should."""

from __future__ import annotations

from collections.abc import Mapping

from .triples import SCORED

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
    lines.append(_truth_row(OWN, ceiling, None))
    lines += [_truth_row(name, scores, scores["best"]) for name, scores in methods.items()]
    return [*lines, "", *_numbers({OWN: ceiling, **methods})]


def _truth_row(name: str, scores: Mapping, best: Mapping | None) -> str:
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
    cells = [f"{_truth_share(score['nearer'])} / {_number(score['r2'])}" for score in scores]
    counts = f"{scores[0]['nearer_count']} / {scores[0]['r2_count']}"
    return f"| {name} | " + " | ".join([*cells, counts]) + " |"


def _truth_share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


LEAST_TRANSFER = {name: 0.8 if name == "eye_region" else 0.9 for name in SCORED}
LEAST_PRESERVATION = 0.95
_BACKGROUND_SHARE = 1 / 3
_COLUMNS = {
    "transfer": "transfer",
    "transfer_truth": "by truth",
    "preservation": "others kept",
    "product": "product",
    "identity": "identity",
    "d_mean": "D_mean",
}


def targets(methods: Mapping[str, Mapping], name: str) -> dict[str, dict]:
    """Of the method ``name`` at its best δ: each target with whether it is met (None: nothing to compare with).

    ``d_mean_ratio``: to the smallest D_mean of those others that transfer at least as well.
    """
    report = {}
    others = [method for method in methods if method != name]
    for attribute, scores in methods[name].items():
        best = scores["best"]
        rivals = [methods[o][attribute]["best"] for o in others if attribute in methods[o]]
        equal = [r["d_mean"] for r in rivals if r["transfer"] >= best["transfer"] and r["d_mean"] is not None]
        ratio = round(best["d_mean"] / min(equal), 3) if equal and min(equal) and best["d_mean"] is not None else None
        report[attribute] = {
            "transfer": best["transfer"] >= LEAST_TRANSFER[attribute],
            "preservation": _at_least(best["preservation"], LEAST_PRESERVATION),
            "d_mean_ratio": ratio,
            "d_mean": None if ratio is None else ratio <= _BACKGROUND_SHARE,
            "first": all(_at_least(best["product"], r["product"]) for r in rivals) if rivals else None,
        }
    return report


def _at_least(value: float | None, least: float | None) -> bool:
    return value is not None and (least is None or value >= least)


def markdown(report: Mapping) -> str:
    """The whole report as Markdown."""
    quality, seconds = report["quality"], report["seconds"]
    lines = [
        "# Attribute transfer",
        "",
        f"{report['count']} triples, seed {report['seed']}, generator {report['generator']}; volume-rendered at"
        f" {quality['neural_px']} pixels with {quality['samples'][0]}+{quality['samples'][1]} samples a ray."
        f" {seconds['pictures']} pictures in {seconds['all']:.0f} s ({seconds['a_picture']:.3f} s each).",
        "",
        *_EXPLANATION,
        "",
        *TRUTH_EXPLANATION,
        "",
    ]
    for attribute in SCORED:
        lines += [*_section(report, attribute), *truth_section(report, attribute)]
    lines += _chain(report["chain"])
    lines += _verdicts(report["targets"])
    return "\n".join(lines)


_EXPLANATION = (
    "Transfer: the attribute reader sees in the edit what it sees in the generated reference (by truth: what is true",
    "of the reference). Others kept: it sees each other attribute as in the source; mean over those that a perfect",
    "transfer leaves visible and unchanged. Product: of the two. Identity: distance of the read head shape from the",
    "source's, in deviations of the population (0: the same head, 1.41: a stranger). D_mean: mean |ΔRGB|, of 255,",
    "outside the alterable regions of source and edit. Views: the share of triples whose verdict is the same from all",
    "sides. The first half is at δ = 1, the second at the δ that was best on other people.",
)


def _section(report: Mapping, attribute: str) -> list[str]:
    best = report["ceiling"][attribute]
    names = [*_COLUMNS.values(), "views", "best δ", *_COLUMNS.values()]
    lines = [
        f"## {attribute}",
        "",
        f"{best['count']} triples. The reader sees the truth in {_share(best['truth'])} of the generated references,"
        f" and no difference between source and reference in {_share(best['unedited'])}.",
        "",
        "| method | " + " | ".join(names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for name, method in report["methods"].items():
        if attribute in method:
            lines.append(_row(name, method[attribute]))
    return [*lines, ""]


def _row(name: str, scores: Mapping) -> str:
    best = scores["best"]
    cells = [_cell(key, scores[key]) for key in _COLUMNS]
    cells += [_share(scores["view_consistency"]), f"{best['intensity']:g} ({best['option']})"]
    cells += [_cell(key, best[key]) for key in _COLUMNS]
    return f"| {name} | " + " | ".join(cells) + " |"


def _cell(key: str, value: float | None) -> str:
    if key in _IN_LEVELS:
        return "–" if value is None else f"{value:.2f}"
    return _share(value)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


_IN_LEVELS = ("identity", "d_mean", "to_reference")


def _chain(walks: Mapping[str, list[dict]]) -> list[str]:
    if not walks:
        return []
    lines = [
        "## One after the other, at δ = 1",
        "",
        "Each attribute of the reference in turn. Moved: of those that went over so far, as in the reference; staying:",
        "of the others, as in the source; picture: mean |ΔRGB| to the reference's, of 255; identity: as above.",
        "",
        "| method | | " + " | ".join(["source", *(f"+ {name}" for name in SCORED)]) + " |",
        "|---" * (len(SCORED) + 3) + "|",
    ]
    for method, rows in walks.items():
        for key, word in (
            ("moved", "moved"),
            ("staying", "staying"),
            ("identity", "identity"),
            ("to_reference", "picture"),
        ):
            cells = [_cell("d_mean" if key == "to_reference" else key, row[key]) for row in rows]
            lines.append(f"| {method} | {word} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _verdicts(found: Mapping[str, Mapping]) -> list[str]:
    if not found:
        return []
    lines = ["## Targets, at the best δ", "", "| attribute | transfer | others kept | D_mean, to the best rival's |"]
    lines[-1] += " first by product |"
    lines.append("|---" * 5 + "|")
    for attribute, verdict in found.items():
        ratio = "no rival" if verdict["d_mean"] is None else f"{_word(verdict['d_mean'])} ({verdict['d_mean_ratio']})"
        cells = [_word(verdict["transfer"]), _word(verdict["preservation"]), ratio, _word(verdict["first"])]
        lines.append(f"| {attribute} | " + " | ".join(cells) + " |")
    return lines


def _word(met: bool | None) -> str:
    return {True: "met", False: "missed", None: "–"}[met]
