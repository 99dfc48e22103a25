"""Contact sheets: people at random, a row per attribute or facial action, a head from all sides, populations, looks."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from sat3d.errors import ConfigError, FileError
from sat3d.pictures import contact_sheet, save_picture

from .attributes import STYLES
from .parameter_spec import parse_settings
from .populations import INDEPENDENT, POPULATIONS, find_population
from .shards import LARGEST_SIZE, SMALLEST_SIZE
from .sheet_rows import Crowd, Row, action_rows, attribute_rows, look_rows, population_rows, random_rows, view_rows
from .views import check_device

KINDS: dict[str, Callable[[Crowd], list[Row]]] = {
    "random": random_rows,
    "attributes": attribute_rows,
    "actions": action_rows,
    "views": view_rows,
    "populations": population_rows,
    "looks": look_rows,
}
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, help="the picture to write")
    parser.add_argument("--kind", choices=(*KINDS, "all"), default="random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--population", choices=tuple(POPULATIONS), default=INDEPENDENT.name)
    parser.add_argument("--look", choices=STYLES, default=STYLES[0])
    parser.add_argument("--size", type=int, default=192, help="pixels of each picture (192)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="ATTRIBUTE=VALUE",
        help="give everyone this, for example hair_style=afro; may be repeated",
    )


def run(options: argparse.Namespace) -> int:
    people = find_population(options.population)
    crowd = Crowd(options.seed, parse_settings(options.set), people, options.look)
    _check(options)
    check_device(options.device)
    kinds = tuple(KINDS) if options.kind == "all" else (options.kind,)
    rows = [row for kind in kinds for row in KINDS[kind](crowd)]
    save_picture(render_rows(rows, options.size, options.device), options.out)
    print(options.out)
    return 0


def _check(options: argparse.Namespace) -> None:
    if not SMALLEST_SIZE <= options.size <= LARGEST_SIZE:
        raise ConfigError("size is out of range", options.size, f"{SMALLEST_SIZE} to {LARGEST_SIZE} pixels")
    if options.out.suffix.lower() not in _SUFFIXES:
        raise FileError("Not a kind of picture that can be written", options.out, ", ".join(_SUFFIXES))
    if not options.out.absolute().parent.is_dir():
        raise FileError("The folder of the picture does not exist", options.out.absolute().parent, "a folder")


def render_rows(rows: list[Row], size: int, device: str) -> Image.Image:
    """All rows under each other, each with its title."""
    pictures = []
    with tqdm(total=sum(len(row.cells) for row in rows), unit="img", leave=False) as bar:
        for row in rows:
            pictures.append([])
            for cell in row.cells:
                pictures[-1].append(cell.render(size, device))
                bar.update()
    return contact_sheet(pictures, [row.title for row in rows], cell_px=size)
