"""The motion of a rendered head: actions and gaze as an attribute reader of that domain tells them, its turn by points.

The reader knows registered pictures, such as this pack renders, so nothing is tracked: each frame is looked at as it
is, the square in its middle. Which of both eyes, reader or photo networks, see a driver, :func:`read_driver` chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

import torch
from torch import Tensor

from ..errors import ConfigError, ShapeError
from ..faces.finding import Face, read_faces, squares_around
from ..faces.networks import face_networks_on
from ..generators import StyleGenerator
from ..inversion import InversionOptions, Inverter, invert
from ..inversion.encoder import PortraitEncoder, fits_encoder
from ..inversion.frames import Frame
from ..inversion.target import square_in_the_middle
from ..inversion.verdict import Answer, Parse, examine
from ..networks.loading import SMALLEST_PICTURE_PX
from ..networks.reader import AttributeReader
from ..networks.seen_faces import registered_square
from .channels import ACTION_PREFIX, GAZE_NAMES, gaze_from_channels
from .driver import Drive, Watch, fill, no_watch, one_by_one, read_motion, row_of
from .motion import Motion
from .smoothing import smooth_motion

ReadBy = Literal["auto", "photo networks", "action reader"]
AUTO, PHOTO, READER = "auto", "photo networks", "action reader"
READ_BY: tuple[ReadBy, ...] = (AUTO, PHOTO, READER)
_LEAST_LOGIT = 2.0  # of the landmark network, for a frame that shows a face; renders have 14 to 27, things below -14
_OBLONG = 0.02  # of the longer side: a frame is taken for a registered picture up to there
_JUDGED = 3  # frames of the first piece

IsDrawn = Callable[[Tensor], bool]


@dataclass(frozen=True)
class Eyes:
    """Who sees a driver. ``read_by``: *auto* takes the ``reader`` if it knows actions and ``is_drawn`` says of most of
    the first frames that they are of its domain."""

    read_by: ReadBy = AUTO
    reader: AttributeReader | None = None
    is_drawn: IsDrawn | None = None

    def __post_init__(self):
        if self.read_by not in READ_BY:
            raise ConfigError("There is no such way to read a driver", self.read_by, ", ".join(READ_BY),
                              "choose one of these")  # fmt: skip


def knows_actions(reader: AttributeReader | None) -> bool:
    """Whether it tells the strengths of facial actions."""
    return reader is not None and bool(_names(reader))


def check_actions(reader: AttributeReader | None) -> AttributeReader:
    """
    Raises:
        ConfigError: no reader, or one that was not taught what faces do.
    """
    if reader is not None and knows_actions(reader):
        return reader
    got = "no reader" if reader is None else ", ".join(name for name, _ in reader.config.numbers[:6]) + ", …"
    raise ConfigError("This attribute reader knows no facial actions", got,
                      f"numbers called {ACTION_PREFIX}jaw_open and so on",
                      "read the driver by the photo networks, or train a reader: training/train_reader.py")  # fmt: skip


def read_driver(
    frames: Iterable[Tensor], fps: float, drive: Drive, eyes: Eyes, watch: Watch = no_watch
) -> tuple[Motion, ReadBy]:
    """Pieces ``[N, 3, H, W]`` of a video, in -1..1 -> the motion in it, and who has read it.

    Raises:
        ConfigError: the reader is asked for and knows no actions. ShapeError: see :func:`.driver.read_motion`.
    """
    reader = check_actions(eyes.reader) if eyes.read_by == READER else eyes.reader
    use_it = eyes.read_by == READER
    if eyes.read_by == AUTO and reader is not None and knows_actions(reader) and eyes.is_drawn is not None:
        pieces = iter(frames)
        first = next(pieces, None)
        use_it = first is not None and _most_are_drawn(first, eyes.is_drawn)
        frames = pieces if first is None else chain([first], pieces)
    if use_it and reader is not None:
        return read_actions(frames, fps, reader, drive, watch), READER
    return read_motion(frames, fps, drive, watch=watch), PHOTO


def _most_are_drawn(piece: Tensor, is_drawn: IsDrawn) -> bool:
    if piece.ndim != 4 or abs(piece.shape[2] - piece.shape[3]) > _OBLONG * max(piece.shape[2:]):
        return False
    step = max(1, len(piece) // _JUDGED)
    answers = [is_drawn(frame) for frame in piece[::step].split(1)]
    return 2 * sum(answers) > len(answers)


@dataclass(frozen=True, eq=False)
class FoundAgain:
    """An :data:`IsDrawn`: frames are of a generator's domain if its encoder finds the very face again, at once.

    ``parse``: see :func:`sat3d.inversion.verdict.examine`, by whose measure photographs are drawings, and answer no."""

    network: StyleGenerator
    encoder: PortraitEncoder
    parse: Parse
    options: InversionOptions = field(default_factory=lambda: InversionOptions("encoder"))

    def __call__(self, frame: Tensor) -> bool:
        """``[1, 3, H, W]`` in -1..1."""
        if not fits_encoder(self.encoder, self.network):
            return False
        try:
            found = invert(Inverter(self.network, encoder=self.encoder), frame, self.options).picture
        except ShapeError:  # a frame in which nothing is to be seen
            return False
        return examine(square_in_the_middle(frame), found, self.parse).answer is Answer.GOOD


@torch.no_grad()
def read_actions(
    frames: Iterable[Tensor], fps: float, reader: AttributeReader, drive: Drive | None = None, watch: Watch = no_watch
) -> Motion:
    """Pieces ``[N, 3, H, W]`` of a video of a registered head, in -1..1 -> its motion in the reader's actions.

    Of ``drive`` the frame and the smoothing count.

    Raises:
        ConfigError: see :func:`check_actions`. ShapeError: no frames, or none that shows a face.
    """
    check_actions(reader)
    drive = drive or Drive()
    rows = list(_rows(frames, reader, drive.frame, watch))
    if not rows:
        raise ShapeError("There are no frames to read a motion from", 0, "at least one", "check the step before")
    seen = [i for i, row in enumerate(rows) if row is not None]
    if not seen:
        raise ShapeError("No face was found in any frame", f"in all {len(rows)} frames", "a rendered head, upright",
                         "read the driver by the photo networks, or choose another part of it")  # fmt: skip
    values, gaze, pose = (fill(rows, seen, part) for part in range(3))
    missing = torch.ones(len(rows), dtype=torch.bool)
    missing[seen] = False
    return smooth_motion(Motion(_names(reader), values, gaze, pose, fps, missing), drive.smoothing)


def _names(reader: AttributeReader) -> tuple[str, ...]:
    """Of its actions."""
    numbers = [name for name, size in reader.config.numbers if size == 1]
    return tuple(name.removeprefix(ACTION_PREFIX) for name in numbers if name.startswith(ACTION_PREFIX))


def _rows(
    frames: Iterable[Tensor], reader: AttributeReader, world: Frame, watch: Watch
) -> Iterator[tuple[Tensor, ...] | None]:
    """Of each frame actions ``[A]``, gaze ``[2]`` and pose ``[3]``; None where no face is seen."""
    device, names = reader.number_mean.device, _names(reader)
    for done, frame in enumerate(one_by_one(frames)):
        watch(done, frame)
        picture = square_in_the_middle(frame).to(device).float().clamp(-1, 1)
        face = find_registered(picture)
        row = None if face is None else row_of(face, world)
        if row is None:
            yield None
            continue
        numbers = {name: value[0].cpu() for name, value in reader(picture).numbers.items()}
        actions = torch.cat([numbers[ACTION_PREFIX + name] for name in names]).clamp(0, 1)
        gaze = torch.cat([numbers.get(name, torch.zeros(1)) for name in GAZE_NAMES])
        yield actions, gaze_from_channels(gaze), row[1]


def find_registered(picture: Tensor) -> Face | None:
    """The face of ``[1, 3, S, S]`` where a registered head has it, with its points; None: there is none."""
    if picture.shape[-1] < SMALLEST_PICTURE_PX:
        return None
    networks = face_networks_on(str(picture.device))
    points, logits = read_faces(networks, picture, registered_square(picture.shape[-1]).to(picture))
    if float(logits[0]) < _LEAST_LOGIT:
        return None
    points, _ = read_faces(networks, picture, squares_around(points))
    return Face(points[0].cpu(), float(logits[0].sigmoid()), networks.expressions(points)[0].cpu())
