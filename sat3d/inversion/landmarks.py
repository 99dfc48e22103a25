"""The face of a photo that is meant: by its number; else an error that tells what helps."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from ..errors import ShapeError
from ..faces.finding import Face, find_faces
from .align import check_photo, turn_points
from .face_points import check_landmarks, quarter_turns_of

_SMALLEST_SHARE = 0.012  # of the photo's longer side, between the eyes: measured; smaller faces may be missed


def faces_of(photo: Tensor) -> list[Face]:
    """``[1, 3, H, W]`` in -1..1 -> every face, see :func:`sat3d.faces.finding.find_faces`.

    Raises:
        ShapeError: not a photo.
    """
    check_photo(photo)
    return find_faces(photo)


def one_face(faces: Sequence[Face], photo: Tensor, index: int = 0) -> Face:
    """Face ``index`` of ``photo``, 0 the largest; its head may be turned any way.

    Raises:
        ShapeError: no face, not so many, or one whose points are no face's.
    """
    if not 0 <= index < len(faces):
        raise _no_such_face(index, len(faces), photo)
    points = faces[index].five_points
    check_landmarks(turn_points(points, quarter_turns_of(points), 0, 0), found=True)
    return faces[index]


def _no_such_face(index: int, count: int, photo: Tensor) -> ShapeError:
    height, width = photo.shape[2:]
    apart_px = math.ceil(_SMALLEST_SHARE * max(height, width))
    help_small = (
        f"crop the photo nearer to the head (the eyes must be at least {apart_px} pixels apart in a photo of {width} x "
        f"{height}, {_SMALLEST_SHARE:.1%} of its longer side), give the five points or a box, or use the picture as it "
        "is if it is cropped already"
    )
    if not count:
        return ShapeError("No face was found in the photo", f"{width} x {height} pixels",
                          "a face that is seen well, not in profile and not small", help_small)  # fmt: skip
    return ShapeError("There is no such face in the photo: fewer were found", f"face {index} of {count}",
                      f"0 to {count - 1}", f"choose another face; if one was missed, {help_small}")  # fmt: skip
