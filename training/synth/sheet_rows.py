"""What the contact sheets show: rows of cells, each a thing, a pose, and how to look at it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from sat3d.picture_modes import rgb_picture

from .cameras import FRONT, Pose
from .domain import SynthDomain
from .looks import STYLES
from .population import Population
from .rules import ChoiceRule, ColourRule, NumberRule
from .shards import normals_to_bytes
from .views import render_views

if TYPE_CHECKING:
    from .render import View

COLUMNS, _RANDOM_ROWS = 7, 5
# One colour a label, the background first; further labels begin again.
_LABEL_COLOURS = np.array(
    [
        (40, 42, 48), (236, 188, 160), (120, 84, 50), (60, 36, 24), (245, 245, 250), (250, 150, 90),
        (220, 60, 84), (165, 115, 40), (30, 130, 220), (240, 120, 200), (200, 150, 120), (70, 160, 90),
    ],
    np.uint8,
)  # fmt: skip


def show_image(view: View, domain: SynthDomain) -> Image.Image:
    return Image.fromarray(view.image)


def show_labels(view: View, domain: SynthDomain) -> Image.Image:
    return Image.fromarray(_LABEL_COLOURS[view.labels % len(_LABEL_COLOURS)])


def show_labels_behind(view: View, domain: SynthDomain) -> Image.Image:
    return Image.fromarray(_LABEL_COLOURS[view.labels_behind % len(_LABEL_COLOURS)])


def show_depth(view: View, domain: SynthDomain) -> Image.Image:
    """Near is bright, the background black; always the same scale."""
    near, far = domain.hints.near, domain.hints.far
    grey = np.clip((far - view.depth) / (far - near), 0.1, 1) * (view.depth > 0)
    return rgb_picture(Image.fromarray((grey * 255).astype(np.uint8)))


def show_normals(view: View, domain: SynthDomain) -> Image.Image:
    return Image.fromarray(normals_to_bytes(view.normal))


@dataclass(frozen=True)
class Cell:
    """One picture of a sheet and the words printed on it."""

    parameters: Any
    pose: Pose = FRONT
    text: str = ""
    show: Callable[[View, SynthDomain], Image.Image] = show_image
    close: bool = False  # a part only
    look: str = STYLES[0]

    def render(self, domain: SynthDomain, size: int, device: str) -> Image.Image:
        pixels = 2 * size if self.close else size
        picture = self.show(render_views(domain, self.parameters, [self.pose], pixels, device, self.look)[0], domain)
        if self.close:
            left, top = (int(share * size) for share in domain.hints.close_up)
            picture = picture.crop((left, top, left + size, top + size))
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
    """What is on a sheet. ``settings``: parameters that all get."""

    domain: SynthDomain
    population: Population
    seed: int = 0
    settings: Mapping[str, object] = field(default_factory=dict)
    look: str = STYLES[0]

    def person(self, index: int, **calm: object) -> Any:
        """``calm``: what the thing gets where the settings do not say otherwise."""
        return self.domain.table.change(self.population.draw(self.seed, index), **{**calm, **self.settings})


def random_rows(crowd: Crowd) -> list[Row]:
    """Things as the population draws them, each from a side of its cameras."""
    rows = []
    for start in range(0, COLUMNS * _RANDOM_ROWS, COLUMNS):
        indices = range(start, start + COLUMNS)
        poses = [crowd.population.draw_poses(crowd.seed, index, 4)[0] for index in indices]
        cells = [Cell(crowd.person(i), pose, look=crowd.look) for i, pose in zip(indices, poses, strict=True)]
        rows.append(Row(f"{crowd.population.name}: numbers {start} to {indices[-1]}, seed {crowd.seed}", tuple(cells)))
    return rows


def population_rows(crowd: Crowd) -> list[Row]:
    """The same numbers as things of the first two populations."""
    both = list(crowd.domain.populations.values())[:2]
    return [row for population in both for row in random_rows(replace(crowd, population=population))[:3]]


def look_rows(crowd: Crowd) -> list[Row]:
    """The same things in every look."""
    poses = [crowd.population.draw_poses(crowd.seed, index, 4)[0] for index in range(COLUMNS)]
    return [Row(look, tuple(Cell(crowd.person(i), pose, look=look) for i, pose in enumerate(poses))) for look in STYLES]


def attribute_rows(crowd: Crowd) -> list[Row]:
    """For each attribute its values, on one thing."""
    hints, person = crowd.domain.hints, crowd.person(0, **crowd.domain.hints.calm)
    others = tuple(Cell(crowd.person(index, **hints.calm), hints.side) for index in range(COLUMNS))
    rows = [Row("others", others)]
    for name, rule in crowd.domain.table.fields.items():
        cells = [_attribute_cell(crowd, person, name, value) for value in _values(rule)]
        for start in range(0, len(cells), COLUMNS):
            rows.append(Row(name if start == 0 else f"{name}, continued", tuple(cells[start : start + COLUMNS])))
    return [row for row in rows if row.cells]


def _attribute_cell(crowd: Crowd, person: Any, name: str, value: object) -> Cell:
    hints = crowd.domain.hints
    # What the user fixed wins over what shows the attribute best.
    shown = {**hints.shown_with.get(name, {}), **crowd.settings, name: value}
    text = f"{value:.2f}" if isinstance(value, float) else str(value)
    pose = hints.side if name in hints.turned else crowd.domain.views.front
    close = hints.whole is not None and name not in hints.whole
    return Cell(crowd.domain.table.change(person, **shown), pose, text, close=close)


def _values(rule: object) -> list:
    if isinstance(rule, NumberRule):
        return np.round(np.linspace(rule.low, rule.high, COLUMNS), 4).tolist()
    if isinstance(rule, ChoiceRule):
        return list(rule.values)
    return list(rule.anchors) if isinstance(rule, ColourRule) else []


def view_rows(crowd: Crowd) -> list[Row]:
    """One thing from all sides: picture, labels, labels behind lenses, depth, normals."""
    views, person = crowd.domain.views, crowd.person(0, **crowd.domain.hints.viewed)
    turns = [Pose(yaw, views.front.pitch_rad) for yaw in np.linspace(*views.yaw_rad, COLUMNS).tolist()]
    nods = [Pose(views.front.yaw_rad + 0.25, pitch) for pitch in np.linspace(*views.pitch_rad, COLUMNS).tolist()]
    looks = {
        _range("yaw", views.yaw_rad): (turns, show_image),
        "labels": (turns, show_labels),
        "labels behind lenses": (turns, show_labels_behind),
        "depth": (turns, show_depth),
        "normals": (turns, show_normals),
        _range("pitch", views.pitch_rad): (nods, show_image),
    }
    return [
        Row(title, tuple(Cell(person, pose, show=show) for pose in poses)) for title, (poses, show) in looks.items()
    ]


def _range(name: str, limits_rad: tuple[float, float]) -> str:
    low, high = (round(math.degrees(limit)) for limit in limits_rad)
    return f"{name} {low} to {high} degrees"
