"""Faces drawn into a picture: a box and a number for each, so that one can say which is meant."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from ..pictures import built_in_font
from .finding import Face

_FOUND, _CHOSEN, _TEXT = (255, 210, 0), (80, 255, 80), (0, 0, 0)
_LINE, _LETTERS, _LEAST_LETTERS_PX = 1 / 250, 1 / 25, 12  # of the picture's longer side
_DOT = 1 / 600
_POINTED_PX = 60  # a smaller face would vanish beneath its points


def draw_faces(
    picture: Image.Image, faces: Sequence[Face], scale: float = 1.0, chosen: int | None = None
) -> Image.Image:
    """A copy of the RGB ``picture`` with the numbers of ``faces``, at ``scale`` times their places.

    ``chosen``: the number of the face that is taken, drawn in another colour and, unless it is small, with its points.
    """
    drawn = picture.copy()
    pen = ImageDraw.Draw(drawn)
    for number, face in enumerate(faces):
        colour = _CHOSEN if number == chosen else _FOUND
        if number == chosen and face.size_px * scale >= _POINTED_PX:
            _draw_points(pen, face, scale, max(1.0, _DOT * max(drawn.size)), colour)
        left, top, right, bottom = (round(edge * scale) for edge in face.box)
        pen.rectangle((left, top, right, bottom), outline=colour, width=max(1, round(_LINE * max(drawn.size))))
        _draw_number(pen, number, (left, top), max(_LEAST_LETTERS_PX, round(_LETTERS * max(drawn.size))), colour)
    return drawn


def _draw_points(pen: ImageDraw.ImageDraw, face: Face, scale: float, radius: float, colour: tuple) -> None:
    for x, y in (face.points[:, :2] * scale).tolist():
        pen.ellipse((x - radius / 2, y - radius / 2, x + radius / 2, y + radius / 2), fill=colour)


def _draw_number(
    pen: ImageDraw.ImageDraw, number: int, corner: tuple[int, int], letters_px: int, colour: tuple
) -> None:
    """Above the corner of the box where there is room, never outside of the picture."""
    font = built_in_font(letters_px)
    left, top, right, bottom = pen.textbbox((0, 0), str(number), font=font)
    width, height = round(right + left), round(bottom + top / 2)
    x = max(0, min(corner[0], pen.im.size[0] - width))
    y = max(0, min(corner[1] - height, pen.im.size[1] - height))
    pen.rectangle((x, y, x + width, y + height), fill=colour)
    pen.text((x, y), str(number), fill=_TEXT, font=font)
