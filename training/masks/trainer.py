"""The loop: draw transfers, one step of Ranger, now and then a line, a sheet and a checkpoint."""

from __future__ import annotations

import json
import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from torch import Tensor

from sat3d.losses import PAPER_WEIGHTS, LossWeights
from sat3d.masks import AttributeMasks
from training.common.distributed import Processes
from training.networks.checkpoint import Progress, load_state, save_state, state_path

from .face_cache import Pairs
from .objective import Objective, gather
from .optimizer import make_ranger, restore_steps
from .report import Reporter
from .sampling import draw_transfers, most_different

_LAST_RATE = 0.05  # of the first, where the rate falls


@dataclass(frozen=True)
class Plan:
    """The paper's recipe by default. ``iterations``, and ``minutes`` if they are over sooner, end a training.

    ``batch`` is that of one process. ``contrast``: of so many random references the one is taken that differs most from
    the source in the target attribute, since faces that agree in it teach little. ``falling``: the rate falls along a
    cosine; else it stays. ``centralised``, ``beta2``: see ``optimizer.py``; ``temperature``: ``qmm/equations.py``.
    """

    out: Path
    iterations: int = 300_000
    minutes: float | None = None
    batch: int = 1
    contrast: int = 1
    rate: float = 0.01
    falling: bool = False
    centralised: bool = True
    beta2: float = 0.999
    seed: int = 0
    weights: LossWeights = PAPER_WEIGHTS
    checkpoint_minutes: float = 2.0
    sheet_minutes: float = 10.0
    temperature: float = 1.0

    def rate_at(self, share: float) -> float:
        """The learning rate when ``share`` of the training is done."""
        if not self.falling:
            return self.rate
        down = 0.5 + 0.5 * math.cos(math.pi * share)
        return self.rate * (_LAST_RATE + (1 - _LAST_RATE) * down)

    def share(self, progress: Progress) -> float:
        """How much is done, 0..1."""
        done = progress.step / self.iterations
        if self.minutes is not None:
            done = max(done, progress.seconds / (60 * self.minutes))
        return min(1.0, done)


@dataclass
class MaskTrainer:
    """A training in progress. ``facts``: what the pairs and M before training depend on, kept with both files."""

    plan: Plan
    objective: Objective
    start: AttributeMasks
    pairs: Pairs
    processes: Processes
    reporter: Reporter
    facts: Mapping[str, object]
    notes: Mapping[str, str] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self):
        self.step_module = self.processes.wrap(self.objective)
        self.optimizer = make_ranger(
            self.objective.parameters(), self.plan.rate, self.plan.centralised, self.plan.beta2
        )

    def resume(self) -> None:
        """Go on from the last checkpoint.

        Raises:
            FileError: the state is damaged or of another training.
        """
        modules = {"masks": self.objective}
        self.progress = load_state(state_path(self.plan.out), modules, self.optimizer, self._fixed())
        restore_steps(self.optimizer, self.progress.step)

    def run(self) -> bool:
        """Train until the plan is fulfilled; False if Ctrl-C ended it sooner. Both leave a checkpoint."""
        saved = time.monotonic()
        self.reporter.begin(self)
        with _interrupts() as interrupted:
            while self.plan.share(self.progress) < 1 and not self.processes.agree(float(interrupted.is_set())):
                losses = self.step()
                self.reporter.after_step(self, losses)
                if time.monotonic() - saved > 60 * self.plan.checkpoint_minutes:
                    self.checkpoint()
                    saved = time.monotonic()
        self.checkpoint()
        return not self.processes.agree(float(interrupted.is_set()))

    def step(self) -> dict[str, Tensor]:
        """One step of all processes; returns this one's losses."""
        started = time.monotonic()
        plan, processes, step = self.plan, self.processes, self.progress.step
        people = plan.batch * processes.world
        chances = draw_transfers(plan.seed, step, people, len(self.pairs), len(self.start.attributes), plan.contrast)
        draw = most_different(chances, self.pairs.scores, self.objective.studio.domain)
        for group in self.optimizer.param_groups:
            group["lr"] = plan.rate_at(plan.share(self.progress))
        losses = self.step_module(gather(self.pairs, draw.part(processes.rank, processes.world), processes.device))
        self.optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()
        self.optimizer.step()
        self.progress.step += 1
        self.progress.seconds += processes.agree(time.monotonic() - started)
        return {name: loss.detach() for name, loss in losses.items()}

    def masks(self) -> AttributeMasks:
        """M as it is now, with everything that is known about it."""
        start = self.start
        learning = {**self._fixed(), "iterations": self.progress.step, "processes": self.processes.world}
        notes = {"training": json.dumps(learning), "losses": json.dumps(self.reporter.recent())}
        return AttributeMasks(
            self.objective.logits.detach().cpu().clone(),
            start.attributes,
            start.layers,
            start.layout_fingerprint,
            {**start.metadata, **self.notes, **notes, "iterations": str(self.progress.step)},
        )

    def checkpoint(self) -> None:
        """Write the state, and the masks as they are."""
        if not self.processes.is_first:
            return
        save_state(state_path(self.plan.out), {"masks": self.objective}, self.optimizer, self.progress, self._fixed())
        self.masks().save(self.plan.out)

    def _fixed(self) -> dict[str, object]:
        names = ("batch", "contrast", "rate", "falling", "centralised", "beta2", "seed", "temperature")
        fixed = {name: getattr(self.plan, name) for name in names} | {"world": self.processes.world}
        if self.plan.falling:
            fixed["length"] = self.plan.iterations
        return {**fixed, "weights": asdict(self.plan.weights), **self.facts}


@contextmanager
def _interrupts() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, so that a step is finished before stopping; a second Ctrl-C stops at once."""
    asked = threading.Event()

    def note(number: int, frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
