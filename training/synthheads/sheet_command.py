"""Contact sheets: people at random, a row per attribute or facial action, a head from all sides, populations, looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from PIL import Image
from tqdm import tqdm

from sat3d.errors import FileError
from sat3d.pictures import contact_sheet, save_picture
from training.common.settings import Again, Range, Settings

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


@dataclass(frozen=True, kw_only=True)
class SheetSettings(Settings):
    """Contact sheets: people at random, a row per attribute or action, a head from all sides, populations, looks."""

    out: Path  # the picture to write
    kind: Literal[(*KINDS, "all")] = "random"
    seed: int = 0
    population: Literal[tuple(POPULATIONS)] = INDEPENDENT.name
    look: Literal[STYLES] = STYLES[0]
    size: Annotated[int, Range(SMALLEST_SIZE, LARGEST_SIZE)] = 192  # pixels of each picture
    device: Literal["cpu", "cuda"] = "cpu"
    set: Annotated[Again[str], tyro.conf.arg(metavar="ATTRIBUTE=VALUE")] = ()
    """give everyone this, for example hair_style=afro; may be repeated"""


def run(settings: SheetSettings) -> int:
    people = find_population(settings.population)
    crowd = Crowd(settings.seed, parse_settings(settings.set), people, settings.look)
    _check(settings)
    check_device(settings.device)
    kinds = tuple(KINDS) if settings.kind == "all" else (settings.kind,)
    rows = [row for kind in kinds for row in KINDS[kind](crowd)]
    save_picture(render_rows(rows, settings.size, settings.device), settings.out)
    print(settings.out)
    return 0


def _check(settings: SheetSettings) -> None:
    if settings.out.suffix.lower() not in _SUFFIXES:
        raise FileError("Not a kind of picture that can be written", settings.out, ", ".join(_SUFFIXES))
    if not settings.out.absolute().parent.is_dir():
        raise FileError("The folder of the picture does not exist", settings.out.absolute().parent, "a folder")


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
