"""Draw the losses of trainings of masks over their steps, one panel a loss, one line a training.

python training/curves.py --out curves.png [NAME=]FILE.progress.jsonl [[NAME=]FILE …]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image, ImageDraw, ImageFont

from sat3d.errors import FileError
from sat3d.pictures import save_picture
from training.common.console import script

Curve = list[tuple[float, float]]  # step, value
# Okabe and Ito's colours, which colour-blind people tell apart too.
_COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233))
_INK, _GRID = (40, 40, 40), (225, 225, 225)
_WIDTH, _HEIGHT, _MARGIN, _LEFT = 420, 260, 40, 70
_SUFFIX = ".progress.jsonl"


@script()
def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+", metavar="[NAME=]FILE", help="*.progress.jsonl of train_masks.py")
    parser.add_argument("--out", type=Path, required=True, help="a picture, .png or .jpg")
    options = parser.parse_args(arguments)
    runs = dict(read_log(text) for text in options.logs)
    save_picture(draw(runs), options.out)
    print(options.out)
    return 0


def read_log(text: str) -> tuple[str, dict[str, Curve]]:
    """``NAME=FILE`` or ``FILE`` -> its name, and each loss by step; of a step that was done twice the later counts.

    Raises:
        FileError: missing, or no log of a training.
    """
    name, _, path = text.rpartition("=")
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        rows = {int(row["step"]): row["losses"] for row in map(json.loads, lines)}
        names = next(iter(rows.values())).keys()
        curves = {name: [(step, float(rows[step][name])) for step in sorted(rows)] for name in names}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, StopIteration, RecursionError) as error:
        raise FileError("Not a log of a training", f"{path} ({error!r})", f"a *{_SUFFIX} file", "check it") from error
    return name or Path(path).name.removesuffix(_SUFFIX), curves


def draw(runs: Mapping[str, Mapping[str, Curve]]) -> Image.Image:
    """A panel for each loss that any of the runs has, side by side in rows of two."""
    losses = list(dict.fromkeys(loss for curves in runs.values() for loss in curves))
    rows = -(-len(losses) // 2)
    sheet = Image.new("RGB", (2 * _WIDTH, rows * _HEIGHT + _MARGIN), "white")
    pen = ImageDraw.Draw(sheet)
    for i, loss in enumerate(losses):
        corner = (i % 2 * _WIDTH, i // 2 * _HEIGHT)
        _panel(pen, loss, [curves.get(loss, []) for curves in runs.values()], corner)
    for i, name in enumerate(runs):
        pen.text((_LEFT + i * 200, rows * _HEIGHT + 8), name, fill=_colour(i), font=ImageFont.load_default())
    return sheet


def _panel(pen: ImageDraw.ImageDraw, title: str, curves: Sequence[Curve], corner: tuple[int, int]) -> None:
    points = [point for curve in curves for point in curve]
    steps, values = ([point[axis] for point in points] for axis in (0, 1))
    last, low, high = max(steps), min(values), max(values)
    wide, tall = _WIDTH - _LEFT - 20, _HEIGHT - 2 * _MARGIN
    span = (high - low) or 1.0

    def place(step: float, value: float) -> tuple[float, float]:
        x, y = corner[0] + _LEFT + wide * step / max(last, 1), corner[1] + _MARGIN + tall * (high - value) / span
        return x, y

    font = ImageFont.load_default()
    pen.text((corner[0] + _LEFT, corner[1] + 14), title, fill=_INK, font=font)
    for share in (0.0, 0.5, 1.0):
        value = low + share * span
        pen.line([place(0, value), place(last, value)], fill=_GRID)
        pen.text((corner[0] + 8, place(0, value)[1] - 6), f"{value:.3g}", fill=_INK, font=font)
        x, y = place(share * last, low)
        pen.text((x - 12, y + 6), f"{share * last:.0f}", fill=_INK, font=font)
    for i, curve in enumerate(curves):
        if len(curve) > 1:
            pen.line([place(*point) for point in curve], fill=_colour(i), width=2)


def _colour(number: int) -> tuple[int, int, int]:
    return _COLOURS[number % len(_COLOURS)]


if __name__ == "__main__":
    sys.exit(main())
