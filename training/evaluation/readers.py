"""The attribute reader and the head parser on fresh heads, clean and blurred."""

from __future__ import annotations

import argparse
from pathlib import Path

from torch import Tensor

from sat3d.parsing.parser import load_parser
from sat3d.reader import load_reader
from sat3d.small_networks import resize
from training.vision.data import load_views
from training.vision.degrade import blur

from .judging import judge_parser, judge_reader
from .people import Crowd, render_crowd

_BLUR_PX_AT_128 = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seed", type=int, default=7, help="which people (7); not a seed that was trained on")
    add("--count", type=int, default=400, help="number of pictures, two of each person (400)")
    add("--size", type=int, default=256, help="of the pictures, in pixels (256)")
    add("--yaw", type=float, default=35.0, dest="yaw_deg", help="largest yaw, in degrees (35)")
    add("--data", type=Path, help="judge on a data set, without other looks, in place of fresh heads")
    add("--reader", type=Path, help="a .safetensors file (the built-in one)")
    add("--parser", type=Path, help="a .safetensors file (the built-in one)")
    add("--only", choices=("reader", "parser"), help="judge one of the two")


def run(options: argparse.Namespace) -> dict:
    """Report: one entry a network, each with ``clean`` and ``blurred``."""
    crowd = Crowd(options.seed, options.count, options.size, options.yaw_deg)
    reader = load_reader(options.reader) if options.only != "parser" else None
    parser = load_parser(options.parser) if options.only != "reader" else None
    if options.data:
        plain, disguised = load_views([options.data], options.size, options.count), None
    else:
        plain, disguised = render_crowd(crowd)
    report: dict = {"seed": options.seed, "count": len(plain), "size": options.size, "yaw_deg": options.yaw_deg}
    for name, change in CHANGES.items():
        if reader:
            report.setdefault("reader", {})[name] = judge_reader(reader, plain, disguised, change)
        if parser:
            report.setdefault("parser", {})[name] = judge_parser(parser, plain, change)
    print(summary(report))
    return report


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
    for network, row in (("reader", _reader_rows), ("parser", _parser_rows)):
        if network in report:
            columns = [row(report[network][name]) for name in CHANGES]
            lines += [f"{label:36}" + "".join(_cell(c.get(label)) for c in columns) for label in columns[0]]
    return "\n".join(lines)


def _reader_rows(judged: dict) -> dict[str, float | None]:
    rows = {"accuracy": judged["accuracy"]}
    for name, part in judged["categories"].items():
        rows[f"  {name}"] = part["accuracy"]
        rows |= {f"    recall: {value}": share for value, share in _lowest(part["recall"])}
        rows |= {f"    {pair['truth']} → {pair['read_as']}": pair["share"] for pair in part["worst"][:2]}
    rows |= {f"  {name}, explained": part["explained"] for name, part in judged["numbers"].items()}
    rows |= {f"  people, {name}": share for name, share in judged["people"].items()}
    return rows


def _lowest(recall: dict[str, float | None], count: int = 2) -> list[tuple[str, float]]:
    known = [(name, share) for name, share in recall.items() if share is not None]
    return sorted(known, key=lambda item: item[1])[:count]


def _parser_rows(judged: dict) -> dict[str, float | None]:
    return {"mIoU": judged["miou"], **{f"  {name}": share for name, share in judged["iou"].items()}}


def _cell(value: float | None) -> str:
    return f"{'–' if value is None else f'{value:.3f}':>8} "
