"""SAT3DContactSheet: many pictures on one sheet, to look at or to show."""

import math
from collections.abc import Mapping

import torch
from comfy_api.latest import io
from PIL import Image, ImageOps
from torch import Tensor

from ..sat3d.errors import ShapeError
from ..sat3d.pictures import contact_sheet
from . import host, images, newer_hosts

ROWS, MOST_ROWS = 6, 24
_SMALLEST_CELL_PX = 32
_LONGEST_SIDE_PX, _LARGEST_PX = 16384, 2**26
_BESIDE_PX = 32  # gap and label
_GROUND = (24, 24, 28)


class SAT3DContactSheet(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DContactSheet",
            display_name="Contact Sheet",
            category="SAT3D/render",
            description="Puts pictures on one sheet, a row for each input: source, reference, edits, views.",
            **newer_hosts.found_by("grid", "montage", "collage", "image grid", "xy plot"),
            inputs=[
                io.Image.Input("row_1", tooltip="The pictures of the first row, from left to right."),
                io.String.Input(
                    "labels",
                    default="source\nreference\nedit",
                    multiline=True,
                    tooltip="A line of text for each row; empty for none.",
                ),
                io.Int.Input(
                    "cell_px",
                    default=256,
                    min=_SMALLEST_CELL_PX,
                    max=1024,
                    step=8,
                    tooltip="Side of each picture on the sheet, in pixels.",
                ),
                io.Int.Input(
                    "columns",
                    default=8,
                    min=1,
                    max=64,
                    tooltip="Pictures side by side at most; longer rows go on below.",
                ),
                *[
                    io.Image.Input(f"row_{i}", optional=True, tooltip=f"The pictures of row {i}.")
                    for i in range(2, ROWS + 1)
                ],
                *newer_hosts.grown_inputs(
                    "more",
                    io.Image.Input("row", optional=True, tooltip="The pictures of a further row."),
                    [f"row_{i}" for i in range(ROWS + 1, MOST_ROWS + 1)],
                    "Rows beyond the sixth: another input appears as soon as the last one is used.",
                ),
            ],
            outputs=[io.Image.Output("sheet", display_name="sheet", tooltip="The sheet, one picture.")],
        )

    @classmethod
    def execute(
        cls,
        row_1: Tensor,
        labels: str,
        cell_px: int,
        columns: int,
        more: Mapping[str, Tensor | None] | None = None,
        **rows_2_to_6: Tensor | None,
    ) -> io.NodeOutput:
        others = {**rows_2_to_6, **(more or {})}
        given = [row_1, *(others.get(f"row_{i}") for i in range(2, MOST_ROWS + 1))]
        rows, names = wrap_rows([images.as_image(row) for row in given if row is not None], labels.split("\n"), columns)
        cell_px = fitting_cell(rows, cell_px)
        cells = [[fit_into_square(picture, cell_px) for picture in images.to_pictures(row)] for row in rows]
        sheet = contact_sheet(cells, names if any(names) else (), cell_px)
        return io.NodeOutput(images.from_pictures([sheet]))


def wrap_rows(rows: list[Tensor], labels: list[str], columns: int) -> tuple[list[Tensor], list[str]]:
    """Rows of at most ``columns`` pictures, and a label for each; what goes on below has none."""
    parts, names = [], []
    for i, row in enumerate(rows):
        pieces = torch.split(row, columns)
        parts += pieces
        names += [to_latin1(labels[i]) if i < len(labels) else "", *[""] * (len(pieces) - 1)]
    return parts, names


def to_latin1(text: str) -> str:
    """What the built-in font has letters for."""
    return text.strip()[:200].encode("latin-1", "replace").decode("latin-1")


def fit_into_square(picture: Image.Image, side_px: int) -> Image.Image:
    """The whole picture inside a square, its proportions kept."""
    return ImageOps.pad(picture, (side_px, side_px), Image.Resampling.LANCZOS, color=_GROUND)


def fitting_cell(rows: list[Tensor], cell_px: int) -> int:
    """``cell_px``, or less where the sheet would be too large: pictures that took long to make are not refused.

    Raises:
        ShapeError: so many pictures that nothing could be seen.
    """
    wide, high = max(map(len, rows)), len(rows)
    by_area = math.isqrt(_LARGEST_PX // (wide * high)) - _BESIDE_PX
    fitting = min(cell_px, _LONGEST_SIDE_PX // max(wide, high) - _BESIDE_PX, by_area)
    if fitting < _SMALLEST_CELL_PX:
        raise ShapeError("The sheet would be too large", f"{wide} x {high} pictures",
                         f"at most {_LONGEST_SIDE_PX} pixels a side and {_LARGEST_PX // 10**6} megapixels in all",
                         "connect fewer pictures, or choose another number of columns")  # fmt: skip
    if fitting < cell_px:
        host.warn(f"the sheet would be too large with cell_px {cell_px}; its pictures are {fitting} pixels wide")
    return fitting
