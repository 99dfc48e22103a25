"""What the contact sheets show: rows of cells, each a head, a pose, and how to look at it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from sat3d.picture_modes import rgb_picture

from .actions import ACTION_NAMES
from .attributes import EXPRESSIONS, STYLES
from .cameras import PITCH_LIMIT_RAD, YAW_LIMIT_RAD, Pose
from .parameter_spec import FIELDS, ChoiceRule, ColourRule, NumberRule, change
from .parameters import HeadParameters
from .population import Population
from .populations import INDEPENDENT, PHOTOGRAPHS
from .shards import normals_to_bytes
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
    "background_second": {"backdrop": "horizon", "backdrop_variant": 0.5},
    "backdrop_variant": {"backdrop": "blurred shapes"},
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
    "neckline", "background", "background_second", "backdrop", "backdrop_variant",
    "light_yaw_deg", "light_pitch_deg", "light_strength", "light_fill", "light_warmth",
)  # fmt: skip
_CALM = {
    "expression": "neutral", "beard": "none", "glasses": "none", "lipstick": 0.0, "eye_shadow": 0.0, "freckles": 0.0,
    "age": 0.45, "hair_style": "short crop", "hair_colour": "brown", "iris_colour": "blue", "beard_colour": "brown",
    "background": "sky", "cloth_colour": "blue", "lid_openness": 0.6, "skin_tone": 0.3, "backdrop": "plain",
    "gaze_yaw": 0.0, "gaze_pitch": 0.0,
    **{name: getattr(HeadParameters(), name) for name in FIELDS if name.startswith("light_")},
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


def show_normals(view: View) -> Image.Image:
    return Image.fromarray(normals_to_bytes(view.normal))


@dataclass(frozen=True)
class Cell:
    """One picture of a sheet and the words printed on it."""

    parameters: HeadParameters
    pose: Pose = FRONT
    text: str = ""
    show: Callable[[View], Image.Image] = show_image
    close: bool = False  # the face only
    look: str = STYLES[0]

    def render(self, size: int, device: str) -> Image.Image:
        pixels = 2 * size if self.close else size
        picture = self.show(render_head(self.parameters, [self.pose], pixels, device, self.look)[0])
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


@dataclass(frozen=True)
class Crowd:
    """Who is on a sheet. ``settings``: parameters that everyone gets."""

    seed: int = 0
    settings: Mapping[str, object] = field(default_factory=dict)
    population: Population = INDEPENDENT
    look: str = STYLES[0]

    def person(self, index: int, **calm: object) -> HeadParameters:
        """``calm``: what the person gets where the settings do not say otherwise."""
        return change(self.population.draw(self.seed, index), **{**calm, **self.settings})


def random_rows(crowd: Crowd) -> list[Row]:
    """People as the population draws them, each from a side of its cameras."""
    rows = []
    for start in range(0, _COLUMNS * _RANDOM_ROWS, _COLUMNS):
        indices = range(start, start + _COLUMNS)
        poses = [crowd.population.draw_poses(crowd.seed, index, 4)[0] for index in indices]
        cells = [Cell(crowd.person(i), pose, look=crowd.look) for i, pose in zip(indices, poses, strict=True)]
        rows.append(Row(f"{crowd.population.name}: people {start} to {indices[-1]} of seed {crowd.seed}", tuple(cells)))
    return rows


def population_rows(crowd: Crowd) -> list[Row]:
    """The same numbers as people of each population."""
    both = (INDEPENDENT, PHOTOGRAPHS)
    return [row for population in both for row in random_rows(replace(crowd, population=population))[:3]]


def look_rows(crowd: Crowd) -> list[Row]:
    """The same people in every look."""
    poses = [crowd.population.draw_poses(crowd.seed, index, 4)[0] for index in range(_COLUMNS)]
    return [Row(look, tuple(Cell(crowd.person(i), pose, look=look) for i, pose in enumerate(poses))) for look in STYLES]


def action_rows(crowd: Crowd) -> list[Row]:
    """Each facial action at 0, a half and 1, on two people; named expressions; where the eyes look."""
    people = [crowd.person(index, **_CALM) for index in (0, 1)]
    rows = [
        Row(name, tuple(_action_cell(person, name, strength) for person in people for strength in (0.0, 0.5, 1.0)))
        for name in ACTION_NAMES
    ]
    for start in range(0, len(EXPRESSIONS), _COLUMNS):
        some = EXPRESSIONS[start : start + _COLUMNS]
        cells = tuple(Cell(change(people[0], expression=name), FRONT, name, close=True) for name in some)
        rows.append(Row("expressions", cells))
    for name in ("gaze_yaw", "gaze_pitch"):
        values = np.linspace(-1, 1, _COLUMNS).round(4).tolist()
        cells = tuple(Cell(change(people[0], **{name: v}), FRONT, f"{v:.2f}", close=True) for v in values)
        rows.append(Row(name, cells))
    return rows


def _action_cell(person: HeadParameters, name: str, strength: float) -> Cell:
    return Cell(change(person, actions={name: strength}), FRONT, f"{strength:g}", close=True)


def attribute_rows(crowd: Crowd) -> list[Row]:
    """For each attribute its values, on one person."""
    person, settings = crowd.person(0, **_CALM), crowd.settings
    people = tuple(Cell(crowd.person(index, **_CALM), _TURNED) for index in range(_COLUMNS))
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
    pose = _TURNED if name in ("hair_style", "hair_length", "glasses", "beard") else FRONT
    return Cell(change(person, **shown), pose, text, close=name not in _WHOLE_HEAD)


def _values(rule: object) -> list:
    if isinstance(rule, NumberRule):
        return np.round(np.linspace(rule.low, rule.high, _COLUMNS), 4).tolist()
    if isinstance(rule, ChoiceRule):
        return list(rule.values)
    return list(rule.anchors) if isinstance(rule, ColourRule) else []


def view_rows(crowd: Crowd) -> list[Row]:
    """One person with glasses and a beard from all sides: picture, labels, labels behind lenses, depth, normals."""
    person = crowd.person(0, glasses="sunglasses", beard="full beard", expression="smile")
    turns = [Pose(yaw, 0.0) for yaw in np.linspace(-YAW_LIMIT_RAD, YAW_LIMIT_RAD, _COLUMNS).tolist()]
    nods = [Pose(0.25, pitch) for pitch in np.linspace(-PITCH_LIMIT_RAD, PITCH_LIMIT_RAD, _COLUMNS).tolist()]
    looks = {
        "yaw -50 to 50 degrees": (turns, show_image),
        "labels": (turns, show_labels),
        "labels behind lenses": (turns, show_labels_behind),
        "depth": (turns, show_depth),
        "normals": (turns, show_normals),
        "pitch -25 to 25 degrees": (nods, show_image),
    }
    return [
        Row(title, tuple(Cell(person, pose, show=show) for pose in poses)) for title, (poses, show) in looks.items()
    ]
