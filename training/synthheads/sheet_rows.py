"""What the contact sheets show: rows of cells, each a head, a pose, and how to look at it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from sat3d.picture_modes import rgb_picture

from .fields import FIELDS, ChoiceRule, ColourRule, NumberRule, change
from .parameters import HeadParameters
from .sampler import PITCH_LIMIT_RAD, YAW_LIMIT_RAD, Pose, draw_cameras, draw_latents, parameters_from_latent
from .views import FRONT, render_head

if TYPE_CHECKING:
    from .render import View

_COLUMNS, _RANDOM_ROWS = 7, 5
_TURNED = Pose(math.radians(20.0), 0.0)
# One colour a label of sat3d.parsing.labels.
_LABEL_COLOURS = np.array(
    [
        (40, 42, 48), (236, 188, 160), (120, 84, 50), (60, 36, 24), (245, 245, 250), (250, 150, 90),
        (220, 60, 84), (165, 115, 40), (30, 130, 220), (240, 120, 200), (200, 150, 120), (70, 160, 90),
    ],
    np.uint8,
)  # fmt: skip
# Where one value of an attribute has to be seen: what the calm person of the rows gets with it.
_SHOWN_WITH: dict[str, dict[str, object]] = {
    "hair_volume": {"hair_style": "curly"},
    "hair_length": {"hair_style": "long wavy"},
    "parting": {"hair_style": "side part"},
    "expression_strength": {"expression": "open-mouth smile"},
    "beard_colour": {"beard": "full beard"},
    "beard_length": {"beard": "full beard"},
    "frame_colour": {"glasses": "rectangular", "frame_thickness": 0.9},
    "frame_thickness": {"glasses": "round"},
    "glasses_size": {"glasses": "rectangular"},
    "lens_darkness": {"glasses": "sunglasses"},
    "lipstick": {"lipstick_colour": "red"},
    "lipstick_colour": {"lipstick": 1.0},
    "freckles": {"skin_tone": 0.1},
    "skin_redness": {"skin_tone": 0.15},
}
# All others are shown from close by.
_WHOLE_HEAD = (
    "weight", "hair_style", "hair_colour", "hair_volume", "hair_length", "parting", "beard_length", "cloth_colour",
    "neckline", "background",
)  # fmt: skip
_CALM = {
    "expression": "neutral", "beard": "none", "glasses": "none", "lipstick": 0.0, "eye_shadow": 0.0, "freckles": 0.0,
    "age": 0.45, "hair_style": "short crop", "hair_colour": "brown", "iris_colour": "blue", "beard_colour": "brown",
    "background": "sky", "cloth_colour": "blue", "lid_openness": 0.6, "skin_tone": 0.3,
}  # fmt: skip


def show_image(view: View) -> Image.Image:
    return Image.fromarray(view.image)


def show_labels(view: View) -> Image.Image:
    return Image.fromarray(_LABEL_COLOURS[view.labels])


def show_labels_behind(view: View) -> Image.Image:
    return Image.fromarray(_LABEL_COLOURS[view.labels_behind])


def show_depth(view: View) -> Image.Image:
    """Near is bright, the background black; always the same scale."""
    near, far = 2.38, 2.88
    grey = np.clip((far - view.depth) / (far - near), 0.1, 1) * (view.depth > 0)
    return rgb_picture(Image.fromarray((grey * 255).astype(np.uint8)))


@dataclass(frozen=True)
class Cell:
    """One picture of a sheet and the words printed on it."""

    parameters: HeadParameters
    pose: Pose = FRONT
    text: str = ""
    show: Callable[[View], Image.Image] = show_image
    close: bool = False  # the face only

    def render(self, size: int, device: str) -> Image.Image:
        picture = self.show(render_head(self.parameters, [self.pose], 2 * size if self.close else size, device)[0])
        if self.close:
            picture = picture.crop((size // 2, 2 * size // 3, size // 2 + size, 2 * size // 3 + size))
        if self.text:
            pen = ImageDraw.Draw(picture)
            pen.rectangle(pen.textbbox((4, 3), self.text), fill=(24, 24, 28))
            pen.text((4, 3), self.text, fill=(235, 235, 235))
        return picture


@dataclass(frozen=True)
class Row:
    title: str
    cells: tuple[Cell, ...]


def _person(seed: int, index: int, settings: Mapping[str, object]) -> HeadParameters:
    return change(parameters_from_latent(draw_latents(seed, index)), **settings)


def random_rows(seed: int, settings: Mapping[str, object]) -> list[Row]:
    """People as the domain draws them, each from a random side."""
    rows = []
    for start in range(0, _COLUMNS * _RANDOM_ROWS, _COLUMNS):
        indices = range(start, start + _COLUMNS)
        cells = tuple(Cell(_person(seed, index, settings), draw_cameras(seed, index, 4)[0]) for index in indices)
        rows.append(Row(f"people {indices[0]} to {indices[-1]} of seed {seed}", cells))
    return rows


def attribute_rows(seed: int, settings: Mapping[str, object]) -> list[Row]:
    """For each attribute its values, on one person."""
    person = change(_person(seed, 0, {}), **{**_CALM, **settings})
    people = tuple(Cell(_person(seed, index, {**_CALM, **settings}), _TURNED) for index in range(_COLUMNS))
    rows = [Row("shape (other people)", people)]
    for name, rule in FIELDS.items():
        values = _values(rule)
        cells = [_attribute_cell(person, name, value, settings) for value in values]
        for start in range(0, len(cells), _COLUMNS):
            rows.append(Row(name if start == 0 else f"{name}, continued", tuple(cells[start : start + _COLUMNS])))
    return [row for row in rows if row.cells]


def _attribute_cell(person: HeadParameters, name: str, value: object, settings: Mapping[str, object]) -> Cell:
    # What the user fixed wins over what shows the attribute best.
    shown = {**_SHOWN_WITH.get(name, {}), **settings, name: value}
    text = f"{value:.2f}" if isinstance(value, float) else str(value)
    pose = _TURNED if name in ("hair_style", "hair_length", "expression", "glasses", "beard") else FRONT
    return Cell(change(person, **shown), pose, text, close=name not in _WHOLE_HEAD)


def _values(rule: object) -> list:
    if isinstance(rule, NumberRule):
        return np.round(np.linspace(rule.low, rule.high, _COLUMNS), 4).tolist()
    if isinstance(rule, ChoiceRule):
        return list(rule.values)
    return list(rule.anchors) if isinstance(rule, ColourRule) else []


def view_rows(seed: int, settings: Mapping[str, object]) -> list[Row]:
    """One person with glasses and a beard from all sides: picture, labels, labels behind the lenses, depth."""
    person = _person(seed, 0, {"glasses": "sunglasses", "beard": "full beard", "expression": "smile", **settings})
    turns = [Pose(yaw, 0.0) for yaw in np.linspace(-YAW_LIMIT_RAD, YAW_LIMIT_RAD, _COLUMNS).tolist()]
    nods = [Pose(0.25, pitch) for pitch in np.linspace(-PITCH_LIMIT_RAD, PITCH_LIMIT_RAD, _COLUMNS).tolist()]
    looks = {
        "yaw -50 to 50 degrees": (turns, show_image),
        "labels": (turns, show_labels),
        "labels behind lenses": (turns, show_labels_behind),
        "depth": (turns, show_depth),
        "pitch -25 to 25 degrees": (nods, show_image),
    }
    return [
        Row(title, tuple(Cell(person, pose, show=show) for pose in poses)) for title, (poses, show) in looks.items()
    ]
