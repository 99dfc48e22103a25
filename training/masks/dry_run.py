"""What a training would take: a few steps in memory, timed; nothing is written."""

from __future__ import annotations

import shutil
import time

from sat3d.learning.face_cache import Pairs
from sat3d.learning.presampling import draw_candidates, measure
from sat3d.learning.studio import Studio
from sat3d.masks import AttributeMasks
from training.common.distributed import Processes
from training.common.engine import Engine, Run
from training.common.report import Report
from training.common.timing import Measurement
from training.common.timing import measure as measure_run

from .objective import Objective
from .settings import Recipe
from .task import MaskTask

_FACES = 2
_TIMED_STEPS = 3


def dry_run(recipe: Recipe, run: Run, studio: Studio) -> int:
    """Say memory, steps and time of a training; the exit code."""
    started, num_pairs = time.perf_counter(), recipe.pairs
    pairs = measure(studio, *draw_candidates(studio.network, studio.domain.sampling, run.seed, 0, _FACES))
    draw_minutes = (time.perf_counter() - started) / _FACES * num_pairs / 60
    engine = silent_engine(recipe, run, studio, pairs)
    took = measure_run([engine.step], _TIMED_STEPS, studio.device.type)[0]
    steps, minutes = _length(run, took)
    memory = "unknown here" if took.peak_mib is None else f"{took.peak_mib + pairs.mib / _FACES * num_pairs:.0f} MiB"
    attributes, channels = len(studio.domain.attributes), studio.network.layout.num_editable
    print(
        f"masks     {attributes} attributes and others x {channels} channels\n"
        f"faces     {num_pairs} of {studio.picture_px} px: {pairs.mib / _FACES * num_pairs:.0f} MiB on disk,"
        f" at least {draw_minutes:.0f} min to draw and measure\n"
        f"memory    {memory} at most\n"
        f"steps     {steps} of {took.seconds:.3f} s with batch {recipe.batch}: {minutes:.0f} min\n"
        f"disk      {shutil.disk_usage(run.out.absolute().parent).free / 2**30:.0f} GiB free\n"
        "nothing was written"
    )
    return 0


def silent_engine(recipe: Recipe, run: Run, studio: Studio, pairs: Pairs) -> Engine:
    """Ready for steps of masks that begin with nothing."""
    start = AttributeMasks.initial(list(studio.domain.attributes), studio.network.layout)
    objective = Objective(studio, start.logits, recipe.weights, recipe.temperature)
    task = MaskTask(recipe, objective, start, pairs, run.out)
    engine = Engine(task, run, Processes(studio.device), Report(write=lambda line: None))
    engine.begin()
    return engine


def _length(run: Run, took: Measurement) -> tuple[int, float]:
    """Steps and minutes, whichever the training ends by."""
    minutes = run.budget.steps * took.seconds / 60
    if run.budget.minutes is not None and run.budget.minutes < minutes:
        return max(1, round(run.budget.minutes * 60 / took.seconds)), run.budget.minutes
    return run.budget.steps, minutes
