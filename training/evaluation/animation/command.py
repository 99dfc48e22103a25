"""``evaluate.py animation``: a driver's expression and pose on other heads and on its own, against other ways."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.animation.expression_space import load_expressions
from sat3d.animation.refining import MOST_STEPS
from sat3d.files.writing import make_folder
from sat3d.generators import RenderOptions
from sat3d.inversion import expression_channels, load_encoder
from sat3d.inversion.cameras import rolled_labels
from sat3d.masks import load_masks
from sat3d.networks.built_in import GENERATOR, MASKS
from sat3d.networks.reader import load_reader
from sat3d.pictures import contact_sheet, save_picture, to_pil
from training.animation.directions import LearnDirections, learn_directions
from training.common.settings import BuiltIn, Maybe, Range
from training.networks.coded_heads import CoderSettings, find_coder, load_domain_generator

from ..judging import rounded
from ..people import Judging
from ..samples import frechet_distance
from .methods import METHODS, Made, Tools, make
from .optimised_w import STEPS
from .scenes import Scene, scenes
from .scores import (
    Seen,
    action_error,
    expression_errors,
    likeness,
    look,
    pose_error_deg,
    warped_difference,
)

TRUE_HEAD = "true_head"
_SHOWN, _CELL_PX = 10, 96


@dataclass(frozen=True, kw_only=True)
class JudgeAnimation(CoderSettings, Judging):
    """A driver's expression and pose on other heads and on its own, against other ways to do it."""

    checkpoint: BuiltIn = GENERATOR  # the generator's .safetensors file
    expressions: Maybe[Path] = None  # directions of expression (learned from known heads)
    masks: BuiltIn = MASKS  # say which channels the baselines copy
    reader: Maybe[Path] = None  # who says who it is and what it does (the built-in one); a second reader is better
    pairs: Annotated[int, Range(1, 10**4)] = 6  # of a driver and another head, and as many of a head and itself
    frames: Annotated[int, Range(4, 10**4)] = 16  # of each clip, 12.5 a second
    neural_resolution: Annotated[int, Range(8, 512)] = 64
    w_steps: Annotated[int, Range(0, 10**4)] = STEPS  # of the paper's optimisation of w for each frame (0: left out)
    precision: Annotated[int, Range(0, MOST_STEPS)] = 0  # of the refined directions (0: left out)
    pictures: Maybe[Path] = None  # a folder for strips


@dataclass
class _Tally:
    """Scores of one method, clip by clip, and what is compared as a whole."""

    rows: list[dict[str, float | None]] = field(default_factory=list)
    people: list[Tensor] = field(default_factory=list)

    def means(self, true_people: Tensor) -> dict[str, float | None]:
        if not self.rows:
            return {}
        found: dict[str, float | None] = {}
        for name in self.rows[0]:
            known = [value for row in self.rows if (value := row[name]) is not None and value == value]
            found[name] = rounded(sum(known) / len(known)) if known else None
        found["fd"] = rounded(frechet_distance(torch.cat(self.people), true_people))
        found["clips"] = len(self.rows)
        return found


def run(settings: JudgeAnimation) -> dict:
    """Report with ``methods.<method>.{fd, id, apd_deg, aed, aed_dual, aed_actions, flicker, seconds_per_frame, clips}``
    of drivers and other heads, ``same.<method>`` of heads that drive themselves. The method ``true_head`` is the head
    rendered as it does what the driver does: what judges say of it is the best that can be asked for.

    ``fd``: Fréchet distance of the reader's vectors of people from those of the true heads; ``id``: their cosine with
    the still's, ``aed``, ``aed_dual``: mean |Δ| and root mean square of 51 blendshapes, from the driver's frames;
    ``aed_actions``: mean |Δ| of actions from the truth, where the reader knows actions; ``flicker``: depth-warped
    frame differences, as a share of the true head's.
    """
    network = load_domain_generator(settings.checkpoint)
    masks = load_masks(settings.masks, network.layout)
    learned = LearnDirections(generator=settings.checkpoint, encoder=settings.encoder, population=settings.population)
    space = learn_directions(learned) if settings.expressions is None else load_expressions(settings.expressions)
    space.check_layout(network.layout)
    render = RenderOptions(settings.neural_resolution, fast=True)
    tools = Tools(network, load_encoder(settings.encoder), space, expression_channels(masks), render, settings.w_steps,
                  settings.precision)  # fmt: skip
    coder, reader = find_coder(network, settings.encoder, settings.population), load_reader(settings.reader)
    report: dict = {"seed": settings.seed, "pairs": settings.pairs, "frames": settings.frames}
    for key, same in (("methods", False), ("same", True)):
        tallies: dict[str, _Tally] = defaultdict(_Tally)
        clips = scenes(coder, settings.seed, settings.pairs, settings.frames, same)
        for number, scene in enumerate(tqdm(clips, key, settings.pairs, disable=None)):
            made = judge(tools, scene, reader, tallies)
            if settings.pictures is not None:
                save_strip(scene, made, make_folder(settings.pictures) / f"{key}_{number}.png")
        people = torch.cat(tallies[TRUE_HEAD].people)
        report[key] = {method: tallies[method].means(people) for method in (*METHODS, TRUE_HEAD)}
    print(summary(report))
    return report


def judge(tools: Tools, scene: Scene, reader, tallies: Mapping[str, _Tally]) -> dict[str, Made]:
    """All methods on one scene, into the tallies."""
    wanted, still = look(scene.driver.split(1), reader), look([scene.still], reader)
    pose = scene.motion.pose_rad
    true = Made(scene.truth, rolled_labels(tools.network.rig, pose[:, :2], pose[:, 2]), 0.0)
    steady = warped_difference(true.views, true.cameras)
    made = {TRUE_HEAD: true, **{name: one for name in METHODS if (one := make(name, tools, scene)) is not None}}
    for name, one in made.items():
        seen = look([view.image for view in one.views], reader)
        tallies[name].people.append(seen.people)
        tallies[name].rows.append(_scores(scene, one, seen, wanted, still, steady))
    return made


def _scores(scene: Scene, made: Made, seen: Seen, wanted: Seen, still: Seen, steady: float) -> dict[str, float | None]:
    aed, aed_dual = expression_errors(seen, wanted)
    return {
        "id": likeness(seen, still),
        "apd_deg": pose_error_deg(seen, scene.motion.pose_rad),
        "aed": aed,
        "aed_dual": aed_dual,
        "aed_actions": action_error(seen, scene.motion.values),
        "flicker": warped_difference(made.views, made.cameras) / max(steady, 1e-9),
        "seconds_per_frame": made.seconds_per_frame,
    }


def save_strip(scene: Scene, made: Mapping[str, Made], path: Path) -> None:
    """The driver, then a row for each method."""
    names = [TRUE_HEAD, *(name for name in METHODS if name in made)]
    rows = [_some(scene.driver.split(1)), *(_some([view.image for view in made[name].views]) for name in names)]
    save_picture(contact_sheet(rows, ["driver", *names], _CELL_PX), path)


def _some(pictures: Sequence[Tensor]) -> list:
    step = max(1, len(pictures) // _SHOWN)
    return [to_pil(picture)[0] for picture in pictures[::step][:_SHOWN]]


def summary(report: dict) -> str:
    """A few lines for people."""
    lines = []
    for key, title in (("methods", "onto other heads"), ("same", "onto the own head")):
        lines.append(f"{title}: id, APD in degrees, AED, AED dual, flicker, FD, s a frame")
        for method, s in report[key].items():
            told = ("id", "apd_deg", "aed", "aed_dual", "flicker", "fd", "seconds_per_frame")
            lines.append(f"  {method}: " + ", ".join(str(s.get(name)) for name in told))
    return "\n".join(lines)
