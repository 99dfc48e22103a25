"""What a training would take: a few steps in memory, timed; nothing is written."""

from __future__ import annotations

import shutil
import time

from sat3d.masks import AttributeMasks
from training.common.distributed import Processes
from training.common.timing import Measurement
from training.common.timing import measure as measure_run

from .models import Studio
from .objective import Objective
from .presampling import draw_candidates, measure
from .report import Reporter
from .trainer import MaskTrainer, Plan

_FACES = 2
_TIMED_STEPS = 3


def dry_run(plan: Plan, studio: Studio, num_pairs: int) -> int:
    """Say memory, steps and time of a training with ``num_pairs`` faces; the exit code."""
    started = time.perf_counter()
    pairs = measure(studio, *draw_candidates(studio.network, studio.domain.sampling, plan.seed, 0, _FACES))
    draw_minutes = (time.perf_counter() - started) / _FACES * num_pairs / 60
    start = AttributeMasks.initial(list(studio.domain.attributes), studio.network.layout)
    objective, alone = Objective(studio, start.logits, plan.weights, plan.temperature), Processes(studio.device)
    trainer = MaskTrainer(plan, objective, start, pairs, alone, Reporter(plan.out), {})
    took = measure_run([trainer.step], _TIMED_STEPS, studio.device.type)[0]
    steps, minutes = _length(plan, took)
    memory = "unknown here" if took.peak_mib is None else f"{took.peak_mib + pairs.mib / _FACES * num_pairs:.0f} MiB"
    print(
        f"masks     {len(start.attributes)} attributes and others x {studio.network.layout.num_editable} channels\n"
        f"faces     {num_pairs} of {studio.picture_px} px: {pairs.mib / _FACES * num_pairs:.0f} MiB on disk,"
        f" at least {draw_minutes:.0f} min to draw and measure\n"
        f"memory    {memory} at most\n"
        f"steps     {steps} of {took.seconds:.3f} s with batch {plan.batch}: {minutes:.0f} min\n"
        f"disk      {shutil.disk_usage(plan.out.absolute().parent).free / 2**30:.0f} GiB free\n"
        "nothing was written"
    )
    return 0


def _length(plan: Plan, took: Measurement) -> tuple[int, float]:
    """Steps and minutes, whichever the plan ends by."""
    minutes = plan.iterations * took.seconds / 60
    if plan.minutes is not None and plan.minutes < minutes:
        return max(1, round(plan.minutes * 60 / took.seconds)), plan.minutes
    return plan.iterations, minutes
