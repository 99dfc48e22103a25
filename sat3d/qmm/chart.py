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
_NUMBER_PX, _MARGIN_PX = 40, 16
_WIDER, _FEW, _MOST_ROWS = 1.3, 3, 6
_BAR_PX, _LINE_PX, _GAP_PX, _THUMBNAIL_PX = 12, 20, 8, 128
_BESIDE_PX = 88  # of a picture beside the panels


@dataclass(frozen=True)
class _Sizes:
    """Of a panel and of its column of phrases; ``beside``: the pictures stand in a column left of the panels."""

    panel_px: int = 560
    phrase_px: int = 220
    beside: bool = False

    @property
    def left_px(self) -> int:
        """Where the first panel begins."""
        return _MARGIN_PX + (_BESIDE_PX + _MARGIN_PX if self.beside else 0)


_WIDE, _SMALL = _Sizes(), _Sizes(panel_px=288, phrase_px=146, beside=True)


@dataclass(frozen=True)
class _Panel:
    """One attribute: its title, and its rows; a row without values is the heading of a group."""

    title: str
    differences: tuple[float, ...]  # to the first picture
    rows: tuple[tuple[str, tuple[float, ...]], ...]

    def by_groups(self) -> list["_Panel"]:
        """A panel for each group of phrases, or more for a long one; the first also has the differences."""
        heads = [i for i, (_, values) in enumerate(self.rows) if not values]
        parts = []
        for i, j in zip(heads, [*heads[1:], len(self.rows)], strict=True):
            parts += [(self.rows[i], *self.rows[k : min(k + _MOST_ROWS, j)]) for k in range(i + 1, j, _MOST_ROWS)]
        return [_Panel(self.title, self.differences if i == 0 else (), part) for i, part in enumerate(parts)] or [self]

    @property
    def height_px(self) -> int:
        return _LINE_PX + sum(_row_height(len(values)) for _, values in self.rows) + 2 * _GAP_PX


def score_chart(
    measurement: Measurement,
    names: Sequence[str],
    thumbnails: Sequence[Image.Image] = (),
    attributes: Sequence[str] | None = None,
    columns: int | None = None,
) -> Image.Image:
    """A picture of D(I, φ), one colour per picture; panels also give Σ_φ |D − D'|_1 to the first picture.

    ``names``: one per picture, at most 6; ``thumbnails``: as many, or none; ``attributes``: which to draw (all);
    ``columns``: of panels; None: as few as make the chart wider than high, as screens are.

    Raises:
        ShapeError: no picture, more than 6, or names or thumbnails that do not match. ConfigError: unknown attribute.
    """
    _check_counts(measurement, names, thumbnails)
    domain = measurement.domain
    panels = [_panel(measurement, domain, t) for t in (domain.attributes if attributes is None else attributes)]
    sizes = _WIDE
    if len(panels) == 1 and columns is None and len(names) <= _FEW:
        panels, sizes = panels[0].by_groups(), _SMALL
    places, bottom = _arrange(panels, columns, sizes, _head_height(names, thumbnails, sizes))
    width = max((x for x, _ in places), default=0) + sizes.panel_px + _MARGIN_PX
    chart = Image.new("RGB", (width, max(bottom, _beside_height(names, thumbnails, sizes)) + _MARGIN_PX), _BACKGROUND)
    pen = ImageDraw.Draw(chart)
    (_draw_beside if sizes.beside else _draw_head)(chart, pen, names, thumbnails)
    for panel, (x, y) in zip(panels, places, strict=True):
        _draw_panel(pen, panel, (x, y), sizes)
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


def _head_height(names: Sequence[str], thumbnails: Sequence[Image.Image], sizes: _Sizes) -> int:
    if sizes.beside:
        return _MARGIN_PX
    return 2 * _MARGIN_PX + _LINE_PX + (_THUMBNAIL_PX + _GAP_PX if thumbnails else 0)


def _beside_height(names: Sequence[str], thumbnails: Sequence[Image.Image], sizes: _Sizes) -> int:
    step = _LINE_PX + _GAP_PX + (_BESIDE_PX if thumbnails else 0)
    return _MARGIN_PX + len(names) * step if sizes.beside else 0


def _flow(panels: Sequence[_Panel], columns: int, sizes: _Sizes, top: int) -> tuple[list[tuple[int, int]], int]:
    """Where each panel goes, the next always into the shortest column; and where the longest ends."""
    ends, places = [top] * columns, []
    for panel in panels:
        column = ends.index(min(ends))
        places.append((sizes.left_px + column * (sizes.panel_px + _MARGIN_PX), ends[column]))
        ends[column] += panel.height_px + _MARGIN_PX
    return places, max(ends)


def _arrange(
    panels: Sequence[_Panel], columns: int | None, sizes: _Sizes, top: int
) -> tuple[list[tuple[int, int]], int]:
    """See :func:`_flow`."""
    if columns is not None:
        return _flow(panels, max(1, min(columns, len(panels))), sizes, top)
    for columns in range(1, len(panels) + 1):
        places, bottom = _flow(panels, columns, sizes, top)
        if sizes.left_px + columns * (sizes.panel_px + _MARGIN_PX) >= _WIDER * (bottom + _MARGIN_PX):
            return places, bottom
    return _flow(panels, max(1, len(panels)), sizes, top)


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


def _draw_beside(
    chart: Image.Image, pen: ImageDraw.ImageDraw, names: Sequence[str], thumbnails: Sequence[Image.Image]
) -> None:
    x, y = _MARGIN_PX, _MARGIN_PX
    for i, name in enumerate(names):
        pen.rectangle((x, y + 3, x + 11, y + 14), fill=_COLOURS[i])
        _write(pen, (x + 18, y), name, _TEXT, _BESIDE_PX - 18)
        y += _LINE_PX
        if thumbnails:
            small = rgb_picture(thumbnails[i])
            small.thumbnail((_BESIDE_PX, _BESIDE_PX), Image.Resampling.LANCZOS)
            chart.paste(small, (x, y))
            y += _BESIDE_PX
        y += _GAP_PX


def _draw_panel(pen: ImageDraw.ImageDraw, panel: _Panel, at: tuple[int, int], sizes: _Sizes) -> None:
    x, y = at
    pen.rectangle((x, y, x + sizes.panel_px - 1, y + panel.height_px - 1), outline=_TRACK)
    _write(pen, (x + _GAP_PX, y + 3), panel.title, _TEXT, sizes.phrase_px)
    _draw_differences(pen, panel.differences, x + sizes.phrase_px, y + 3)
    y += _LINE_PX + _GAP_PX
    for text, values in panel.rows:
        _write(
            pen, (x + (2 if values else 1) * _GAP_PX, y), text, _TEXT if values else _DIM, sizes.phrase_px - 2 * _GAP_PX
        )
        _draw_bars(pen, values, (x + sizes.phrase_px, y), sizes)
        y += _row_height(len(values))


def _draw_differences(pen: ImageDraw.ImageDraw, differences: Sequence[float], x: int, y: int) -> None:
    if len(differences) < 2:
        return
    _write(pen, (x, y), "off by", _DIM, 44)
    for i, difference in enumerate(differences[1:]):
        _write(pen, (x + 48 + i * 40, y), f"{difference:.2f}", _COLOURS[i + 1], 38)


def _draw_bars(pen: ImageDraw.ImageDraw, values: Sequence[float], at: tuple[int, int], sizes: _Sizes) -> None:
    (x, y), length = at, sizes.panel_px - sizes.phrase_px - _NUMBER_PX - _GAP_PX
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
