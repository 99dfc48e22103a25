"""How sliders are judged: what is read of a face when one moves from end to end; and one linear direction each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sat3d.errors import ConfigError
from sat3d.generators import StyleGenerator
from sat3d.sliders import Slider, Sliders
from training.sliders.heads import HeadPlan, Pictures, ReadHeads, draw_styles, read_heads
from training.sliders.source_settings import SourceSettings, make_sources
from training.sliders.sources import Sources
from training.sliders.subspaces import ridge

from .judging import rounded
from .second_reader import SECOND_READER

Set = Callable[[Tensor, str, float], Tensor]  # styles [1, S], a slider, its value -> styles
_LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Bench:
    """``columns``: where each slider stands among what is read; ``spread``: of those values."""

    sliders: Sliders
    sources: Sources
    pictures: Pictures
    heads: ReadHeads
    columns: list[int]
    spread: Tensor

    def face(self, number: int) -> ReadHeads:
        return self.heads.select(torch.tensor([number]))

    @torch.no_grad()
    def read(self, styles: Tensor, cameras: Tensor) -> tuple[Tensor, Tensor]:
        """Values of all sliders ``[P]``, and the picture."""
        picture = self.pictures(styles.to(self.pictures.network.device), cameras.to(self.pictures.network.device))
        return self.sources.read(picture).values[0, self.columns].cpu(), picture.cpu()


def make_bench(
    settings: SourceSettings, plan: HeadPlan, count: int, network: StyleGenerator, sliders: Sliders
) -> Bench:
    """``count`` heads of the plan; the reader of the settings, by default the second one where there is one.

    Raises:
        ConfigError: nobody reads what some sliders set.
    """
    reader = settings.reader or (SECOND_READER if SECOND_READER.is_file() else None)
    pictures = Pictures(network, settings.resolution or None)
    sources = make_sources(_with_reader(settings, reader), network, pictures)
    known = [value.name for value in sources.values]
    if lacking := [name for name in sliders.names if name not in known]:
        raise ConfigError("Nobody reads what these sliders set", ", ".join(lacking[:8]), "sources that do",
                          "say --source and --reader as in their training")  # fmt: skip
    heads = read_heads(pictures, sources, (draw_styles(network, plan, i) for i in range(count)), count)
    columns = [known.index(name) for name in sliders.names]
    spread = heads.values[:, columns].std(0).clamp_min(_LEAST_SPREAD)
    return Bench(sliders, sources, pictures, heads, columns, spread)


def _with_reader(settings: SourceSettings, reader: Path | None) -> SourceSettings:
    return SourceSettings(
        source=settings.source, reader=reader, clip=settings.clip, clip_weights=settings.clip_weights,
        phrases=settings.phrases, resolution=settings.resolution,
    )  # fmt: skip


def set_by(sliders: Sliders) -> Set:
    return lambda styles, name, value: sliders.set(styles, {name: value})


def linear_directions(bench: Bench, editable: Tensor) -> Set:
    """One direction for each slider, over all channels that may be edited: a ridge regression of what is read, moved
    along its own smallest inverse."""
    styles, values = bench.heads.styles[:, editable], bench.heads.values[:, bench.columns]
    mean_style, spread = styles.mean(0), styles.std(0).clamp_min(_LEAST_SPREAD)
    middle = values.mean(0)
    weights = ridge((styles - mean_style) / spread, (values - middle) / bench.spread, torch.arange(len(styles)))

    def move(face: Tensor, name: str, value: float) -> Tensor:
        i = bench.sliders.columns([name])[0]
        w = weights[:, i]
        own = (face[:, editable] - mean_style) / spread
        lacking = (value - middle[i]) / bench.spread[i] - own @ w
        moved = own + lacking[:, None] * w / w.square().sum().clamp_min(1e-12)
        return face.index_copy(1, editable, moved * spread + mean_style)

    return move


def positions_of(slider: Slider, count: int) -> list[float]:
    """From the low end to the high one."""
    return torch.linspace(slider.low, slider.high, count).tolist()


def judge_slider(bench: Bench, setter: Set, name: str, faces: int, positions: int) -> dict:
    """``r2``: share of the read value that the slider explains by one line for all faces; ``slope`` of that line;
    ``leak``: mean change of other groups' values, in their spreads, in shares of the own one."""
    slider, column = bench.sliders.slider(name), bench.sliders.columns([name])[0]
    others = torch.tensor([each.group != slider.group for each in bench.sliders.network.config.sliders])
    wanted, found, leaked, own = [], [], 0.0, 0.0
    for i in range(faces):
        face = bench.face(i)
        for value in positions_of(slider, positions):
            read, _ = bench.read(setter(face.styles, name, value), face.cameras)
            change = (read - face.values[0, bench.columns]).abs() / bench.spread
            leaked += float(change[others].mean()) if others.any() else 0.0
            own += float(change[column])
            wanted.append(value)
            found.append(float(read[column]))
    r2, slope = line_through(torch.tensor(wanted), torch.tensor(found))
    return {"r2": rounded(r2), "slope": rounded(slope), "leak": rounded(leaked / max(own, _LEAST_SPREAD))}


def line_through(x: Tensor, y: Tensor) -> tuple[float, float]:
    """R² and slope of ``y`` by ``x``."""
    x, y = x - x.mean(), y - y.mean()
    slope = (x * y).sum() / x.square().sum().clamp_min(1e-12)
    r2 = (x * y).sum().square() / (x.square().sum() * y.square().sum()).clamp_min(1e-12)
    return float(r2), float(slope)
