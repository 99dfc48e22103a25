"""What a face does over time: strengths of its movements, where the eyes look, and from where the head is seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from ..errors import ShapeError

MOST_FRAMES = 1_000_000  # ten hours of film
MOST_CHANNELS = 256
_LONGEST_NAME = 64
_LARGEST = 100.0  # of any number: strengths are about 0..1, angles below 2 pi
_HIGHEST_FPS = 1000.0


@dataclass(frozen=True, eq=False)
class Motion:
    """T frames of a face.

    ``names``: of K channels, blendshapes or actions (:mod:`.channels`); ``values [T, K]``: their strengths, about 0..1.
    ``gaze_rad [T, 2]``: where both eyes look, to the viewer's right and up, relative to the head. ``pose_rad [T, 3]``:
    yaw, pitch and roll of the camera about the head, as all cameras are counted: of a head that turns to one side of
    the picture the camera has moved to the other. ``missing [T]`` bool: frames in which nothing was seen, and which
    were filled from their neighbours. ``starts``: frames that begin a new shot, across which nothing is smoothed.

    Raises:
        ShapeError: parts that do not pair, numbers that no face has, names that are none.
    """

    names: tuple[str, ...]
    values: Tensor
    gaze_rad: Tensor
    pose_rad: Tensor
    fps: float = 25.0
    missing: Tensor | None = None
    starts: tuple[int, ...] = ()
    name: str = ""

    def __post_init__(self):
        for part in ("names", "starts"):
            object.__setattr__(self, part, tuple(getattr(self, part)))
        if self.missing is None:
            object.__setattr__(self, "missing", torch.zeros(len(self.values), dtype=torch.bool))
        self._check_names()
        self._check_frames()
        if not (isinstance(self.fps, int | float) and math.isfinite(self.fps) and 0 < self.fps <= _HIGHEST_FPS):
            raise ShapeError("A motion needs a speed", self.fps, f"frames per second, up to {_HIGHEST_FPS:g}",
                             "say how many frames make a second")  # fmt: skip
        if not all(isinstance(start, int) and 0 <= start < len(self.values) for start in self.starts):
            raise ShapeError("A shot of the motion begins outside of it", self.starts, f"0 … {len(self.values) - 1}",
                             "make the motion again")  # fmt: skip

    def _check_names(self) -> None:
        good = all(isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and name.isprintable()
                   for name in self.names)  # fmt: skip
        if not good or len(set(self.names)) != len(self.names) or not 0 < len(self.names) <= MOST_CHANNELS:
            raise ShapeError("The channels of the motion have no usable names", self.names[:4],
                             f"up to {MOST_CHANNELS} names, each once", "name each channel")  # fmt: skip

    def _check_frames(self) -> None:
        frames = len(self.values)
        if not 0 < frames <= MOST_FRAMES:
            raise ShapeError("There is no frame in the motion, or too many", frames, f"1 … {MOST_FRAMES}",
                             "check the step before")  # fmt: skip
        wanted = {"values": len(self.names), "gaze_rad": 2, "pose_rad": 3}
        for part, width in wanted.items():
            numbers = getattr(self, part)
            if tuple(numbers.shape) != (frames, width):
                raise ShapeError(f"The motion's {part} do not pair with its frames", tuple(numbers.shape),
                                 (frames, width), "make the motion again")  # fmt: skip
            if not bool((numbers.abs() <= _LARGEST).all()):
                raise ShapeError(f"The motion's {part} are not usable", "NaN, infinite or huge numbers",
                                 "strengths of about 0..1, angles in radians", "make the motion again")  # fmt: skip
        if tuple(self.seen.shape) != (frames,):
            raise ShapeError("The motion does not say of each frame whether it was seen", tuple(self.seen.shape),
                             (frames,), "make the motion again")  # fmt: skip

    def __len__(self) -> int:
        return len(self.values)

    @property
    def seen(self) -> Tensor:
        """``[T]`` bool: frames that were not filled."""
        assert self.missing is not None
        return ~self.missing

    @property
    def seconds(self) -> float:
        return len(self) / self.fps

    def part(self, first: int, last: int | None = None) -> Motion:
        """Frames ``first`` … ``last`` − 1.

        Raises:
            ShapeError: no frame is left.
        """
        last = len(self) if last is None else min(last, len(self))
        cut = slice(first, last)
        starts = tuple(start - first for start in self.starts if first <= start < last)
        return replace(self, values=self.values[cut], gaze_rad=self.gaze_rad[cut], pose_rad=self.pose_rad[cut],
                       missing=~self.seen[cut], starts=starts)  # fmt: skip

    def shots(self) -> list[slice]:
        """The frames of each shot."""
        edges = sorted({0, *self.starts, len(self)})
        return [slice(a, b) for a, b in pairwise(edges)]


def still(names: Sequence[str], frames: int, fps: float = 25.0) -> Motion:
    """A face at rest, seen from the front: to begin with where a motion is written by hand."""
    zeros = torch.zeros
    return Motion(tuple(names), zeros(frames, len(names)), zeros(frames, 2), zeros(frames, 3), fps)
