"""One face followed through the frames of a video: looked for near where it was, and found anew where it is lost."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..errors import ShapeError
from ..faces.finding import Face, find_faces, read_faces, squares_around
from ..faces.networks import FaceNetworks, face_networks_on
from ..inversion.align import check_photo

_LEAST_LOGIT = 2.0  # of the landmark network, for a face that was there a frame before
_LARGEST_STEP = 0.5  # sides of its box by which a face may move between two frames
_LARGEST_GROWTH = 1.5
_SAME_PERSON = 1.5  # sides of its box by which a face that was lost may be away when it comes back
_LOOKS = 2  # the points move on as the square does; the second look is at where they are


class FaceTracker:
    """``number``: which face of the first frame that has so many is followed, as :func:`sat3d.faces.finding.find_faces`
    counts them. Frames are given one after the other; nothing of them is kept."""

    def __init__(self, number: int = 0, networks: FaceNetworks | None = None):
        self.number, self.networks = number, networks
        self._last: Face | None = None
        self._lost = False
        self.most_seen = 0  # faces in a frame, of those in which all were looked for

    @torch.no_grad()
    def follow(self, frame: Tensor) -> tuple[Face | None, bool]:
        """``[1, 3, H, W]`` in -1..1 -> the face, None where it is not seen; and whether it was found anew, elsewhere
        than it was, as after a cut.

        Raises:
            ShapeError: not a frame.
        """
        check_photo(frame)
        networks = self.networks or face_networks_on(str(frame.device))
        face = None if self._last is None or self._lost else _near(networks, frame, self._last)
        anew = False
        if face is None:
            face = self._choose(find_faces(frame, networks))
            anew = face is not None and self._last is not None and not _continues(face, self._last, _LARGEST_STEP)
        self._lost = face is None
        self._last = face or self._last
        return face, anew

    def _choose(self, faces: Sequence[Face]) -> Face | None:
        """The face that was followed, the one of the number, or, after a cut, the one of that number again."""
        self.most_seen = max(self.most_seen, len(faces))
        if self._last is not None:
            back = [face for face in faces if _continues(face, self._last, _SAME_PERSON)]
            if back:
                return min(back, key=lambda face: _distance(face, self._last))
        return faces[self.number] if self.number < len(faces) else None

    def check(self) -> None:
        """After all frames.

        Raises:
            ShapeError: no frame showed the face.
        """
        if self._last is not None:
            return
        if not self.most_seen:
            raise ShapeError("No face was found in any frame", "none", "a face that is seen well in some frames",
                             "crop the video nearer to the head, or choose another part of it")  # fmt: skip
        raise ShapeError("No frame has so many faces", f"face {self.number} of {self.most_seen}",
                         f"0 to {self.most_seen - 1}", "choose another face")  # fmt: skip


def _near(networks: FaceNetworks, frame: Tensor, last: Face) -> Face | None:
    """The face in a square about where it was; None where there is none, or where it has gone too far to be sure."""
    frame = frame.to(networks.device).float()
    points, logits = last.points[None].to(networks.device), torch.zeros(1)
    for _ in range(_LOOKS):
        points, logits = read_faces(networks, frame, squares_around(points))
    if float(logits[0]) < _LEAST_LOGIT:
        return None
    expressions = networks.expressions(points)[0].cpu()
    face = Face(points[0].cpu(), float(logits[0].sigmoid()), expressions)
    growth = face.size_px / last.size_px
    inside = _is_inside(face, frame) and 1 / _LARGEST_GROWTH < growth < _LARGEST_GROWTH
    return face if inside and _continues(face, last, _LARGEST_STEP) else None


def _is_inside(face: Face, frame: Tensor) -> bool:
    x, y = _middle(face).tolist()
    return 0 <= x < frame.shape[3] and 0 <= y < frame.shape[2]


def _continues(face: Face, last: Face, sides: float) -> bool:
    return _distance(face, last) <= sides * last.size_px


def _distance(face: Face, last: Face | None) -> float:
    return 0.0 if last is None else float((_middle(face) - _middle(last)).norm())


def _middle(face: Face) -> Tensor:
    left, top, right, bottom = face.box
    return torch.tensor([(left + right) / 2, (top + bottom) / 2])
