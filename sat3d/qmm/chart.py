"""A chart of QMM scores: one panel per attribute, one bar per phrase and picture, 0 to 1."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from ..domains import Domain
from ..errors import ShapeError
from ..picture_modes import rgb_picture
from ..pictures import built_in_font
from .measure import Measurement

MOST_PICTURES = 6
# Okabe and Ito's colours, which colour-blind people tell apart too, in an order that suits a dark ground.
_COLOURS = ((86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (204, 121, 167), (213, 94, 0))
_BACKGROUND, _TRACK, _TEXT, _DIM = (24, 24, 28), (44, 44, 50), (225, 225, 225), (150, 150, 155)
_PANEL_PX, _PHRASE_PX, _NUMBER_PX, _MARGIN_PX = 560, 220, 40, 16
_BAR_PX, _LINE_PX, _GAP_PX, _THUMBNAIL_PX = 12, 20, 8, 128


@dataclass(frozen=True)
class _Panel:
    """One attribute: its title, and its rows; a row without values is the heading of a group."""

    title: str
    differences: tuple[float, ...]  # to the first picture
    rows: tuple[tuple[str, tuple[float, ...]], ...]

    @property
    def height_px(self) -> int:
        return _LINE_PX + sum(_row_height(len(values)) for _, values in self.rows) + 2 * _GAP_PX


def score_chart(
    measurement: Measurement,
    names: Sequence[str],
    thumbnails: Sequence[Image.Image] = (),
    attributes: Sequence[str] | None = None,
    columns: int = 2,
) -> Image.Image:
    """A picture of D(I, φ), one colour per picture; panels also give Σ_φ |D − D'|_1 to the first picture.

    ``names``: one per picture, at most 6; ``thumbnails``: as many, or none; ``attributes``: which to draw (all).

    Raises:
        ShapeError: no picture, more than 6, or names or thumbnails that do not match. ConfigError: unknown attribute.
    """
    _check_counts(measurement, names, thumbnails)
    domain = measurement.domain
    panels = [_panel(measurement, domain, t) for t in (domain.attributes if attributes is None else attributes)]
    places, bottom = _flow(panels, max(1, min(columns, len(panels))), _head_height(thumbnails))
    width = max((x for x, _ in places), default=0) + _PANEL_PX + _MARGIN_PX
    chart = Image.new("RGB", (width, bottom + _MARGIN_PX), _BACKGROUND)
    pen = ImageDraw.Draw(chart)
    _draw_head(chart, pen, names, thumbnails)
    for panel, (x, y) in zip(panels, places, strict=True):
        _draw_panel(pen, panel, x, y)
    return chart


def _check_counts(measurement: Measurement, names: Sequence[str], thumbnails: Sequence[Image.Image]) -> None:
    counts = (len(measurement), len(names), len(thumbnails))
    if not 1 <= counts[0] <= MOST_PICTURES or counts[1] != counts[0] or counts[2] not in (0, counts[0]):
        raise ShapeError(
            "These scores cannot be drawn",
            "{} pictures, {} names, {} thumbnails".format(*counts),
            f"1 to {MOST_PICTURES} pictures with a name each, and a thumbnail each or none",
            "choose fewer pictures, or match the names",
        )


def _panel(measurement: Measurement, domain: Domain, attribute: str) -> _Panel:
    rows: list[tuple[str, tuple[float, ...]]] = []
    for group in domain.groups(attribute):
        scores = measurement.of(group).detach().T.tolist()
        rows += [(group.name, ()), *zip(group.phrases, map(tuple, scores), strict=True)]
    distances = measurement.select([0]).differences(measurement)[attribute].detach().tolist()
    return _Panel(attribute, tuple(distances), tuple(rows))


def _row_height(pictures: int) -> int:
    return max(_LINE_PX, pictures * _BAR_PX + _GAP_PX // 2)


def _head_height(thumbnails: Sequence[Image.Image]) -> int:
    return 2 * _MARGIN_PX + _LINE_PX + (_THUMBNAIL_PX + _GAP_PX if thumbnails else 0)


def _flow(panels: Sequence[_Panel], columns: int, top: int) -> tuple[list[tuple[int, int]], int]:
    """Where each panel goes, the next always into the shortest column; and where the longest ends."""
    ends, places = [top] * columns, []
    for panel in panels:
        column = ends.index(min(ends))
        places.append((_MARGIN_PX + column * (_PANEL_PX + _MARGIN_PX), ends[column]))
        ends[column] += panel.height_px + _MARGIN_PX
    return places, max(ends)


def _draw_head(
    chart: Image.Image, pen: ImageDraw.ImageDraw, names: Sequence[str], thumbnails: Sequence[Image.Image]
) -> None:
    step = (chart.width - 2 * _MARGIN_PX) // len(names)
    for i, name in enumerate(names):
        x, y = _MARGIN_PX + i * step, _MARGIN_PX
        pen.rectangle((x, y + 3, x + 11, y + 14), fill=_COLOURS[i])
        _write(pen, (x + 18, y), name, _TEXT, step - 24)
        if thumbnails:
            small = rgb_picture(thumbnails[i])
            small.thumbnail((min(_THUMBNAIL_PX, step - _GAP_PX), _THUMBNAIL_PX), Image.Resampling.LANCZOS)
            chart.paste(small, (x, y + _LINE_PX))


def _draw_panel(pen: ImageDraw.ImageDraw, panel: _Panel, x: int, y: int) -> None:
    pen.rectangle((x, y, x + _PANEL_PX - 1, y + panel.height_px - 1), outline=_TRACK)
    _write(pen, (x + _GAP_PX, y + 3), panel.title, _TEXT, _PHRASE_PX)
    _draw_differences(pen, panel.differences, x, y + 3)
    y += _LINE_PX + _GAP_PX
    for text, values in panel.rows:
        _write(pen, (x + (2 if values else 1) * _GAP_PX, y), text, _TEXT if values else _DIM, _PHRASE_PX - 2 * _GAP_PX)
        _draw_bars(pen, values, x + _PHRASE_PX, y)
        y += _row_height(len(values))


def _draw_differences(pen: ImageDraw.ImageDraw, differences: Sequence[float], x: int, y: int) -> None:
    if len(differences) < 2:
        return
    _write(pen, (x + _PHRASE_PX, y), "from first by", _DIM, 92)
    for i, difference in enumerate(differences[1:]):
        _write(pen, (x + _PHRASE_PX + 96 + i * 48, y), f"{difference:.2f}", _COLOURS[i + 1], 46)


def _draw_bars(pen: ImageDraw.ImageDraw, values: Sequence[float], x: int, y: int) -> None:
    length = _PANEL_PX - _PHRASE_PX - _NUMBER_PX - _GAP_PX
    for i, value in enumerate(values):
        top = y + i * _BAR_PX + 2
        pen.rectangle((x, top, x + length, top + _BAR_PX - 4), fill=_TRACK)
        pen.rectangle((x, top, x + round(length * value), top + _BAR_PX - 4), fill=_COLOURS[i])
        _write(pen, (x + length + 6, top - 3), f"{value:.2f}", _COLOURS[i], _NUMBER_PX, size=11)


def _write(
    pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, colour: tuple[int, int, int], width: int, size: int = 13
) -> None:
    """Text in one line, cut off with dots where it is longer than ``width``."""
    font = built_in_font(size)
    text = text[:200].encode("latin-1", "replace").decode("latin-1")  # what the built-in font has letters for
    if font.getlength(text) > width:
        while text and font.getlength(text + "...") > width:
            text = text[:-1]
        text += "..."
    pen.text(at, text, fill=colour, font=font)
