"""The attribute readers and the head parser on fresh heads, clean and blurred."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor

from sat3d.networks.loading import SMALLEST_PICTURE_PX, resize
from sat3d.networks.reader import AttributeReader, load_reader
from sat3d.parsing.parser import HeadParser, load_parser
from training.common.settings import Maybe
from training.data.degradations import blur
from training.data.views import load_views
from training.synthheads.populations import INDEPENDENT, POPULATIONS, find_population

from .judging import judge_parser, judge_reader
from .people import Count, Crowd, CrowdJudging, Size, render_crowd
from .second_reader import SECOND_READER, agreement

_BLUR_PX_AT_128 = 1.0


@dataclass(frozen=True, kw_only=True)
class JudgeReaders(CrowdJudging):
    """The attribute readers and the head parser on fresh heads, clean and blurred."""

    count: Count = 400  # number of pictures, two of each person
    size: Size = 256  # of the pictures, in pixels
    population: Literal[tuple(POPULATIONS)] = INDEPENDENT.name  # who is drawn
    data: Maybe[Path] = None  # judge on a data set, without other looks, in place of fresh heads
    reader: Maybe[Path] = None  # a .safetensors file (the built-in one)
    second: Maybe[Path] = None
    """another reader, with which the first is compared (the built-in second one, where there is one)"""
    parser: Maybe[Path] = None  # a .safetensors file (the built-in one)
    only: Maybe[Literal["reader", "parser"]] = None  # judge one of the two


def run(settings: JudgeReaders) -> dict:
    """Report: ``reader``, ``second``, ``parser``: each with ``clean`` and ``blurred``; ``agreement`` of the readers."""
    population = find_population(settings.population)
    crowd = Crowd(settings.seed, settings.count, settings.size, settings.yaw_deg, population)
    judges = _judges(settings)
    if settings.data:
        plain = load_views([settings.data], settings.size, settings.count, smallest=SMALLEST_PICTURE_PX)
        disguised = None
    else:
        plain, disguised = render_crowd(crowd)
    report: dict = {"seed": settings.seed, "count": len(plain), "size": settings.size, "yaw_deg": settings.yaw_deg}
    report |= {"population": settings.population}
    for name, change in CHANGES.items():
        for role, judge in judges.items():
            if role == "parser":
                report.setdefault(role, {})[name] = judge_parser(judge, plain, change)
            else:
                report.setdefault(role, {})[name] = judge_reader(judge, plain, disguised, change)
        if "second" in judges:
            found = agreement(judges["reader"], judges["second"], plain, change)
            report.setdefault("agreement", {})[name] = found
    print(summary(report))
    return report


def _judges(settings: JudgeReaders) -> dict[str, AttributeReader | HeadParser]:
    """``reader``, ``second`` where there is one, ``parser``: those that are asked for."""
    judges: dict[str, AttributeReader | HeadParser] = {}
    if settings.only != "parser":
        judges["reader"] = load_reader(settings.reader)
        if second := settings.second or (SECOND_READER if SECOND_READER.is_file() else None):
            judges["second"] = load_reader(second)
    if settings.only != "reader":
        judges["parser"] = load_parser(settings.parser)
    return judges


def _clean(images: Tensor) -> Tensor:
    return images


def blurred(images: Tensor) -> Tensor:
    """About what a small generator makes: 128 pixels, softened, and brought back to the size."""
    size = images.shape[2]
    return resize(blur(resize(images, 128, 128), _BLUR_PX_AT_128), size, size)


CHANGES = {"clean": _clean, "blurred": blurred}


def summary(report: dict) -> str:
    """A table for people: each figure clean and blurred."""
    lines = [f"{report['count']} pictures, seed {report['seed']}{'':16}{'clean':>8}{'blurred':>9}"]
    for part, rows in _ROWS.items():
        if part in report:
            columns = [rows(report[part][name]) for name in CHANGES]
            lines += [_TITLES[part]] if part in _TITLES else []
            lines += [f"{label:36}" + "".join(_cell(c.get(label)) for c in columns) for label in columns[0]]
    return "\n".join(lines)


def _reader_rows(judged: dict) -> dict[str, float | None]:
    rows = {"accuracy": judged["accuracy"]}
    for name, part in judged["categories"].items():
        rows[f"  {name}"] = part["accuracy"]
        rows |= {f"    recall: {value}": share for value, share in _lowest(part["recall"])}
        rows |= {f"    {pair['truth']} → {pair['read_as']}": pair["share"] for pair in part["worst"][:2]}
    rows |= {f"  {name}, explained": part["explained"] for name, part in judged["numbers"].items()}
    rows |= {f"  actions, {name} explained": judged["actions"][name] for name in ("mean", "least")}
    rows |= {f"  people, {name}": share for name, share in judged["people"].items()}
    return rows


def _agreement_rows(found: dict) -> dict[str, float | None]:
    rows = {"  both say the same": found["same"], "  both make the same mistake": found["same_mistake"]}
    rows |= {f"    {name}": part["same"] for name, part in found["categories"].items()}
    return rows | {"  errors of numbers correlate": found["errors_alike"]}


def _lowest(recall: dict[str, float | None], count: int = 2) -> list[tuple[str, float]]:
    known = [(name, share) for name, share in recall.items() if share is not None]
    return sorted(known, key=lambda item: item[1])[:count]


def _parser_rows(judged: dict) -> dict[str, float | None]:
    return {"mIoU": judged["miou"], **{f"  {name}": share for name, share in judged["iou"].items()}}


_TITLES = {"second": "second reader", "agreement": "both readers"}
_ROWS = {"reader": _reader_rows, "second": _reader_rows, "agreement": _agreement_rows, "parser": _parser_rows}


def _cell(value: float | None) -> str:
    return f"{'–' if value is None else f'{value:.3f}':>8} "
