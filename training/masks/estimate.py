"""What a training will take: a few faces and steps in memory, timed, before anything is written."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, replace

import torch

from sat3d.learning.carriers import MaskMatrix
from sat3d.learning.face_cache import Pairs
from sat3d.learning.objective import Objective
from sat3d.learning.presampling import draw_faces, measure
from sat3d.learning.studio import Studio
from sat3d.masks import AttributeMasks
from training.common.distributed import Processes
from training.common.engine import Engine, Run
from training.common.report import Report
from training.common.timing import Measurement
from training.common.timing import measure as measure_run

from .settings import FEWEST_FACES, FEWEST_STEPS, QUICK, Recipe
from .task import MaskTask

_FACES = 2
_TIMED_STEPS = 3


@dataclass(frozen=True)
class Estimate:
    """``face_seconds``: to draw and measure one; ``step``: of the training; ``face_mib``: of one that is kept."""

    face_seconds: float
    step: Measurement
    face_mib: float

    def minutes(self, recipe: Recipe) -> tuple[float, float]:
        """To draw the faces; to make the steps, whichever the training ends by."""
        steps = recipe.iterations * self.step.seconds / 60
        return recipe.pairs * self.face_seconds / 60, min(steps, recipe.minutes or steps)


def make_estimate(recipe: Recipe, run: Run, studio: Studio) -> Estimate:
    """Time a few faces and steps of the batch that the recipe has."""
    candidates = draw_faces(studio, run.seed, 0, _FACES)
    measure(studio, *candidates)  # the first takes longer than any other
    started = time.perf_counter()
    pairs = measure(studio, *candidates)
    face_seconds = (time.perf_counter() - started) / _FACES
    engine = silent_engine(recipe, run, studio, pairs)
    return Estimate(face_seconds, measure_run([engine.step], _TIMED_STEPS, studio.device.type)[0], pairs.mib / _FACES)


def fit(recipe: Recipe, estimate: Estimate) -> Recipe:
    """The quick recipe, with fewer faces and steps where all would take longer than ``fit_minutes``; numbers that were
    asked for stay."""
    if recipe.fit_minutes is None:
        return recipe
    share = recipe.fit_minutes / max(sum(estimate.minutes(recipe)), 1e-9)
    if share >= 1:
        return recipe
    pairs, steps = recipe.pairs, recipe.iterations
    return replace(
        recipe,
        pairs=max(FEWEST_FACES, round(pairs * share)) if pairs == QUICK.pairs else pairs,
        iterations=max(FEWEST_STEPS, round(steps * share)) if steps == QUICK.iterations else steps,
    )


def describe(recipe: Recipe, run: Run, studio: Studio, estimate: Estimate) -> str:
    """A few lines for people."""
    drawing, training = estimate.minutes(recipe)
    kept = estimate.face_mib * recipe.pairs
    took = estimate.step
    memory = "unknown here" if took.peak_mib is None else f"{took.peak_mib + kept:.0f} MiB"
    steps = min(recipe.iterations, max(1, round(training * 60 / took.seconds)))
    attributes, channels = len(studio.domain.attributes), studio.network.layout.num_editable
    return (
        f"device    {_name_of(studio.device)}\n"
        f"masks     {attributes} attributes and others x {channels} channels\n"
        f"faces     {recipe.pairs} of {studio.picture_px} px: {kept:.0f} MiB on disk,"
        f" at least {drawing:.0f} min to draw and measure\n"
        f"memory    {memory} at most\n"
        f"steps     {steps} of {took.seconds:.3f} s with batch {recipe.batch}: {training:.0f} min\n"
        f"in all    about {drawing + training:.0f} min, and some for where channels act and the report\n"
        f"disk      {shutil.disk_usage(run.out.absolute().parent).free / 2**30:.0f} GiB free"
    )


def _name_of(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads"


def silent_engine(recipe: Recipe, run: Run, studio: Studio, pairs: Pairs) -> Engine:
    """Ready for steps of masks that begin with nothing."""
    start = AttributeMasks.initial(list(studio.domain.attributes), studio.network.layout)
    objective = Objective(studio, MaskMatrix(start.logits), recipe.weights, recipe.temperature)
    task = MaskTask(recipe, objective, start, pairs, run.out)
    engine = Engine(task, run, Processes(studio.device), Report(write=lambda line: None))
    engine.begin()
    return engine
