"""Sliders from end to end: how much of what is read they explain, how much leaks, beside one linear direction each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tqdm import tqdm

from sat3d.files.writing import make_folder
from sat3d.generators import load_generator
from sat3d.networks.built_in import GENERATOR
from sat3d.pictures import contact_sheet, save_picture, to_pil
from sat3d.sliders import load_sliders
from training.common.settings import BuiltIn, Maybe, Range
from training.networks.metrics import mean
from training.sliders.heads import HeadPlan
from training.sliders.source_settings import SourceSettings

from .judging import rounded
from .people import Judging
from .slider_bench import Bench, judge_slider, linear_directions, make_bench, positions_of, set_by
from .slider_child import judge_child

GOOD_R2, GOOD_LEAK = 0.8, 0.1
_CELL_PX = 128


@dataclass(frozen=True, kw_only=True)
class JudgeSliders(SourceSettings, Judging):
    """Sliders from end to end, beside one linear direction each; and the same sliders on a fine-tuned child."""

    checkpoint: BuiltIn = GENERATOR  # the generator's file
    sliders: Maybe[Path] = None  # the sliders' file (the built-in ones)
    faces: Annotated[int, Range(2, 10**4)] = 8  # on which each slider is moved
    positions: Annotated[int, Range(2, 50)] = 3  # of each slider, from its low end to its high one
    linear_heads: Annotated[int, Range(16, 10**6)] = 256  # heads that the linear directions are found on
    truncation: Annotated[float, Range(0, 2)] = 1.0
    names: tuple[str, ...] = ()  # sliders or groups that are judged (all)
    child: Maybe[Path] = None  # a fine-tuned network that is scored beside it
    masks: Maybe[Path] = None  # for transfers on parent and child (the built-in ones)
    pictures: Maybe[Path] = None  # a folder for sheets: one row per slider


def run(settings: JudgeSliders) -> dict:
    """Report with the keys ``sliders.<name>.{r2, slope, leak, r2_linear, leak_linear}``, their means, ``good``: how
    many reach R² 0.8 and a leak of at most 0.1, and ``child.{transfer_gap, slider_gap, …}``."""
    loaded = load_generator(settings.checkpoint)
    sliders = load_sliders(settings.sliders, loaded.network.layout)
    plan = HeadPlan(settings.seed, settings.truncation, yaw_deg=0.0, pitch_deg=0.0)
    bench = make_bench(settings, plan, max(settings.linear_heads, settings.faces), loaded.network, sliders)
    names = sliders.members(settings.names) if settings.names else list(sliders.names)
    by_line = linear_directions(bench, loaded.network.layout.editable_index)
    report: dict = {"seed": settings.seed, "faces": settings.faces, "generator": loaded.fingerprint, "sliders": {}}
    for name in tqdm(names, "sliders", disable=None):
        own = judge_slider(bench, set_by(sliders), name, settings.faces, settings.positions)
        line = judge_slider(bench, by_line, name, settings.faces, settings.positions)
        report["sliders"][name] = {**own, "r2_linear": line["r2"], "leak_linear": line["leak"]}
    report |= means(report["sliders"])
    if settings.pictures is not None:
        save_sheet(bench, names, settings.pictures / "sliders.png", settings.positions)
    if settings.child is not None:
        child = load_generator(settings.child, others=[settings.checkpoint])
        report["child"] = judge_child(bench, child.network, names, settings.faces, settings.positions, settings.masks)
    print(summary(report))
    return report


def means(sliders: dict) -> dict:
    keys = ("r2", "leak", "r2_linear", "leak_linear")
    good = [one for one in sliders.values() if one["r2"] >= GOOD_R2 and one["leak"] <= GOOD_LEAK]
    reached = [one for one in sliders.values() if one["r2"] >= GOOD_R2]
    return {
        **{key: rounded(mean([one[key] for one in sliders.values()])) for key in keys},
        "reached": len(reached),
        "good": len(good),
    }


def save_sheet(bench: Bench, names: Sequence[str], path: Path, count: int) -> None:
    """One row per slider, of one face, from end to end."""
    face, rows = bench.face(0), []
    for name in names:
        values = positions_of(bench.sliders.slider(name), max(count, 5))
        views = [bench.read(bench.sliders.set(face.styles, {name: value}), face.cameras)[1] for value in values]
        rows.append([to_pil(view)[0] for view in views])
    make_folder(path.parent)
    save_picture(contact_sheet(rows, list(names), _CELL_PX), path)


def summary(report: dict) -> str:
    """A table for people."""
    lines = [f"{'slider':28}{'R²':>7}{'leak':>7}{'R² line':>9}{'leak line':>11}"]
    for name, one in report["sliders"].items():
        lines.append(
            f"{name[:27]:28}{one['r2']:7.3f}{one['leak']:7.3f}{one['r2_linear']:9.3f}{one['leak_linear']:11.3f}"
        )
    lines.append(f"{'mean':28}{report['r2']:7.3f}{report['leak']:7.3f}{report['r2_linear']:9.3f}"
                 f"{report['leak_linear']:11.3f}")  # fmt: skip
    lines.append(f"R² of {GOOD_R2} or more: {report['reached']}; with a leak of {GOOD_LEAK} at most: {report['good']}")
    if "child" in report:
        lines += [f"child, {name}: {value}" for name, value in report["child"].items()]
    return "\n".join(lines)
