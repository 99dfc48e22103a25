"""SAT3DContactSheet: many pictures on one sheet, to look at or to show."""

import torch
from comfy_api.latest import io
from PIL import Image, ImageOps
from torch import Tensor

from ..sat3d.errors import ShapeError
from ..sat3d.pictures import contact_sheet
from . import images

ROWS = 6
_LONGEST_SIDE_PX = 16384
_GROUND = (24, 24, 28)


class SAT3DContactSheet(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DContactSheet",
            display_name="Contact Sheet",
            category="SAT3D/render",
            description="Puts pictures on one sheet, a row for each input: source, reference, edits, views.",
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
                    min=32,
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
            ],
            outputs=[io.Image.Output("sheet", display_name="sheet", tooltip="The sheet, one picture.")],
        )

    @classmethod
    def execute(cls, row_1: Tensor, labels: str, cell_px: int, columns: int, **more: Tensor | None) -> io.NodeOutput:
        given = [row_1, *(more.get(f"row_{i}") for i in range(2, ROWS + 1))]
        rows, names = wrap_rows([images.as_image(row) for row in given if row is not None], labels.split("\n"), columns)
        _check_size(rows, cell_px)
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


def _check_size(rows: list[Tensor], cell_px: int) -> None:
    longest = max(len(rows), *map(len, rows)) * (cell_px + 32)
    if longest > _LONGEST_SIDE_PX:
        raise ShapeError(
            "The sheet would be too large",
            f"{longest} pixels",
            f"at most {_LONGEST_SIDE_PX}",
            "choose a smaller cell_px, fewer pictures, or another number of columns",
        )
