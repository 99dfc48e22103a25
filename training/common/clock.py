"""How far a training is, and how much of it is done."""

from __future__ import annotations

from dataclasses import dataclass

from sat3d.errors import ConfigError


@dataclass
class Clock:
    """Over all runs of a training: plain numbers that are saved with it. ``seen``: samples that steps looked at."""

    stage: str = ""
    stage_steps: int = 0
    stage_seconds: float = 0.0
    steps: int = 0
    seen: int = 0
    seconds: float = 0.0

    def tick(self, samples: int) -> None:
        """A step is done."""
        self.stage_steps += 1
        self.steps += 1
        self.seen += samples

    def spend(self, seconds: float) -> None:
        self.stage_seconds += seconds
        self.seconds += seconds

    def enter(self, stage: str) -> None:
        self.stage, self.stage_steps, self.stage_seconds = stage, 0, 0.0


@dataclass(frozen=True)
class Budget:
    """The length of a whole training: ``minutes``, or ``steps``, which make a run independent of the machine's speed;
    with both, whichever is over sooner.

    Raises:
        ConfigError: neither, or one that is not above 0.
    """

    minutes: float | None = None
    steps: int | None = None

    def __post_init__(self):
        given = [value for value in (self.minutes, self.steps) if value is not None]
        if not given or not all(value > 0 for value in given):
            raise ConfigError("The length of the training is not usable", self, "minutes or steps, above 0")

    def share(self, clock: Clock, share_of_stage: float = 1.0) -> float:
        """How much of a stage that gets ``share_of_stage`` of all is done, 0..1."""
        done = 0.0
        if self.steps is not None:
            done = clock.stage_steps / max(self.steps * share_of_stage, 1.0)
        if self.minutes is not None:
            done = max(done, clock.stage_seconds / max(60 * self.minutes * share_of_stage, 1e-9))
        return min(done, 1.0)
