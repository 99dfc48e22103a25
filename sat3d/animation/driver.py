"""The motion of a face in pictures: followed from frame to frame, its blendshapes, gaze and pose read by the networks.

Frames come in any pieces; of each only a few numbers are kept. Frames in which the face is not seen are filled from
their neighbours, and told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..errors import ShapeError
from ..faces.finding import Face
from ..faces.networks import FaceNetworks
from ..inversion.frames import PUBLISHED, Frame
from ..inversion.pose import camera_of_face
from .channels import BLENDSHAPES, gaze_from_blendshapes
from .motion import Motion
from .smoothing import smooth_motion
from .tracking import FaceTracker

Watch = Callable[[int, Tensor], None]  # frames done, the frame; may raise to cancel


def no_watch(done: int, frame: Tensor) -> None:
    """The default: say nothing, never cancel."""


@dataclass(frozen=True)
class Drive:
    """How a motion is read. ``face``: which one of the first frame that has so many; ``frame``: in whose generator's
    world the camera is; ``smoothing``: see :func:`.smoothing.smooth_motion`."""

    face: int = 0
    frame: Frame = PUBLISHED
    smoothing: float = 1.0


@dataclass
class _Read:
    """What was read so far, a row a frame; None: not seen."""

    rows: list[tuple[Tensor, Tensor] | None] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)


def read_motion(
    frames: Iterable[Tensor],
    fps: float,
    drive: Drive | None = None,
    networks: FaceNetworks | None = None,
    watch: Watch = no_watch,
) -> Motion:
    """Pieces ``[N, 3, H, W]`` of a video, in -1..1 -> the motion of one face in it, of 52 blendshapes.

    The camera's angles are those at which a crop as the generator's pictures shows the head; where no fit is possible,
    the frame counts as not seen.

    Raises:
        ShapeError: no frames; none that shows the face; something else than frames.
    """
    drive = drive or Drive()
    tracker, read = FaceTracker(drive.face, networks), _Read()
    for image in one_by_one(frames):
        watch(len(read.rows), image)
        face, anew = tracker.follow(image)
        row = None if face is None else row_of(face, drive.frame)
        if anew:
            read.starts.append(len(read.rows))
        read.rows.append(row)
    if not read.rows:
        raise ShapeError("There are no frames to read a motion from", 0, "at least one", "check the step before")
    tracker.check()
    return smooth_motion(_motion_of(read, fps), drive.smoothing)


def describe_missing(motion: Motion) -> str:
    """Which frames were filled, as people count them; empty if none were.

    Example:
        >>> from dataclasses import replace
        >>> from sat3d.animation.motion import still
        >>> describe_missing(replace(still(("jawOpen",), 5), missing=torch.tensor([0, 1, 1, 0, 1], dtype=torch.bool)))
        '3 of 5 frames show no face and were filled: 2-3, 5'
    """
    missing = (~motion.seen).nonzero()[:, 0].tolist()
    if not missing:
        return ""
    runs: list[list[int]] = []
    for frame in missing:
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    told = [str(a + 1) if a == b else f"{a + 1}-{b + 1}" for a, b in runs]
    more = f" and {len(told) - 12} more" if len(told) > 12 else ""
    return f"{len(missing)} of {len(motion)} frames show no face and were filled: {', '.join(told[:12])}{more}"


def one_by_one(pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    """``[N, 3, H, W]`` each -> ``[1, 3, H, W]`` each."""
    for piece in pieces:
        if piece.ndim != 4:
            raise ShapeError("Not frames", tuple(piece.shape), "[N, 3, H, W]", "pass the frames as a batch")
        yield from piece.split(1)


def row_of(face: Face, frame: Frame) -> tuple[Tensor, Tensor] | None:
    """Blendshapes ``[52]`` and the camera's angles ``[3]``; None of points that no head has."""
    try:
        crop = frame.crop_of_found(face.five_points)
        points = torch.cat([crop.to_crop(face.points[:, :2], 1), face.points[:, 2:] / crop.side], 1)
        pose = camera_of_face(points, 1, frame)
    except ShapeError:
        return None
    return face.expressions, torch.tensor([pose.yaw_rad, pose.pitch_rad, pose.roll_rad])


def _motion_of(read: _Read, fps: float) -> Motion:
    seen = [i for i, row in enumerate(read.rows) if row is not None]
    if not seen:
        raise ShapeError("The points that were found are those of no head", f"in all {len(read.rows)} frames",
                         "a face that is seen well", "choose another face")  # fmt: skip
    values, pose = (fill(read.rows, seen, part) for part in (0, 1))
    missing = torch.ones(len(read.rows), dtype=torch.bool)
    missing[seen] = False
    gaze = gaze_from_blendshapes(BLENDSHAPES, values)
    return Motion(BLENDSHAPES, values, gaze, pose, fps, missing, tuple(read.starts))


def fill(rows: Sequence[tuple[Tensor, ...] | None], seen: Sequence[int], part: int) -> Tensor:
    """``[T, C]``: one part of each row; where there is none, between its neighbours in time, at the ends like them."""
    known = torch.stack([row[part] for i in seen if (row := rows[i]) is not None])
    at, places = torch.arange(len(rows)), torch.tensor(seen)
    after = torch.searchsorted(places, at).clamp_max(len(seen) - 1)
    before = (torch.searchsorted(places, at, right=True) - 1).clamp_min(0)
    span = (places[after] - places[before]).clamp_min(1)
    share = ((at - places[before]).float() / span).clamp(0, 1)[:, None]
    return torch.lerp(known[before].float(), known[after].float(), share)
