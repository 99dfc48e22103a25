"""Contact sheets: things at random, a row per attribute, one thing from all sides, populations, looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from PIL import Image
from tqdm import tqdm

from sat3d.errors import FileError
from sat3d.pictures import contact_sheet, save_picture
from training.common.settings import Again, Range, Settings

from .domain import SynthDomain
from .looks import STYLES
from .shards import LARGEST_SIZE, SMALLEST_SIZE
from .sheet_rows import Crowd, Row, attribute_rows, look_rows, population_rows, random_rows, view_rows
from .views import check_device

Kinds = Mapping[str, Callable[[Crowd], list[Row]]]
KINDS: Kinds = {
    "random": random_rows,
    "attributes": attribute_rows,
    "views": view_rows,
    "populations": population_rows,
    "looks": look_rows,
}
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


@dataclass(frozen=True, kw_only=True)
class SheetSettings(Settings):
    """Contact sheets: things at random, a row per attribute, one thing from all sides, populations, looks."""

    out: Path  # the picture to write
    kind: str = "random"
    seed: int = 0
    population: str = ""  # how attributes go together
    look: Literal[STYLES] = STYLES[0]
    size: Annotated[int, Range(SMALLEST_SIZE, LARGEST_SIZE)] = 192  # pixels of each picture
    device: Literal["cpu", "cuda"] = "cpu"
    set: Annotated[Again[str], tyro.conf.arg(metavar="ATTRIBUTE=VALUE")] = ()
    """give all of them this; may be repeated"""


def draw_sheet(domain: SynthDomain, kinds: Kinds, settings: SheetSettings) -> int:
    table, people = domain.table, domain.population(settings.population)
    crowd = Crowd(domain, people, settings.seed, table.parse_settings(settings.set), settings.look)
    _check(settings)
    check_device(settings.device)
    chosen = tuple(kinds) if settings.kind == "all" else (settings.kind,)
    rows = [row for kind in chosen for row in kinds[kind](crowd)]
    save_picture(render_rows(domain, rows, settings.size, settings.device), settings.out)
    print(settings.out)
    return 0


def _check(settings: SheetSettings) -> None:
    if settings.out.suffix.lower() not in _SUFFIXES:
        raise FileError("Not a kind of picture that can be written", settings.out, ", ".join(_SUFFIXES))
    if not settings.out.absolute().parent.is_dir():
        raise FileError("The folder of the picture does not exist", settings.out.absolute().parent, "a folder")


def render_rows(domain: SynthDomain, rows: list[Row], size: int, device: str) -> Image.Image:
    """All rows under each other, each with its title."""
    pictures = []
    with tqdm(total=sum(len(row.cells) for row in rows), unit="img", leave=False) as bar:
        for row in rows:
            pictures.append([])
            for cell in row.cells:
                pictures[-1].append(cell.render(domain, size, device))
                bar.update()
    return contact_sheet(pictures, [row.title for row in rows], cell_px=size)
