"""Five points of a face: their order, and errors where they are not those of an upright head."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import ShapeError

POINT_NAMES = ("left eye", "right eye", "nose tip", "left corner of the mouth", "right corner of the mouth")
_ORDER = ", ".join(POINT_NAMES)
_ON_ITS_SIDE_DEG, _UPSIDE_DOWN_DEG = 60, 135  # beyond: a quarter turn brings the head nearer to upright; half a turn

_FLATTEST = 0.1  # of their extent along it is that across; of heads in profile 0.5


def check_landmarks(landmarks: Tensor, found: bool = False) -> None:
    """Refuse what are not five points of an upright face, in words that fit who gave them.

    ``landmarks [5, 2]``: x, y in pixels, y downwards, in the order of ``POINT_NAMES``. ``found``: by a detector, which
    names the eyes as the person has them; else somebody typed them.

    Raises:
        ShapeError: another shape, NaN or infinity; all on one line; a head on its side or upside down; eyes and mouth
            in another order.
    """
    if tuple(landmarks.shape) != (5, 2) or not torch.isfinite(landmarks).all():
        raise ShapeError("Not the points of a face", tuple(landmarks.shape), f"[5, 2], finite: {_ORDER}",
                         "give x and y of each")  # fmt: skip
    spread = torch.linalg.svdvals(landmarks.double() - landmarks.double().mean(0))
    if spread[1] < _FLATTEST * spread[0]:
        raise ShapeError("The points of the face lie on one line", landmarks.round().tolist(),
                         f"the corners of a face: {_ORDER}",
                         "give the five points or a box" if found else "read the points anew")  # fmt: skip
    angle_deg = turn_deg(landmarks)
    if landmarks[0, 0] < landmarks[1, 0] and abs(angle_deg) <= _ON_ITS_SIDE_DEG:
        return
    if abs(angle_deg) > _UPSIDE_DOWN_DEG:
        raise _turned(landmarks, found, "is upside down", "by 180 degrees")
    if abs(angle_deg) > _ON_ITS_SIDE_DEG:
        raise _turned(landmarks, found, "lies on its side", f"by 90 degrees {_way_back(angle_deg)}")
    raise ShapeError("The points that were found are not those of a face" if found else
                     "The points of the face are in another order", landmarks.round().tolist(), _ORDER,
                     "give the five points or a box" if found else
                     "left and right are those of the picture, y grows downwards")  # fmt: skip


def turn_deg(landmarks: Tensor) -> float:
    """By how much a face is turned in the picture plane, -180 … 180: 0 upright, 90 where the mouth is to the right of
    the eyes (the head was turned counter-clockwise), ±180 upside down."""
    down = (landmarks[3:].mean(0) - landmarks[:2].mean(0)).tolist()
    return math.degrees(math.atan2(down[0], down[1]))


def quarter_turns_of(landmarks: Tensor) -> int:
    """How often a photo is to be turned counter-clockwise, 0 … 3, so that the face ``[5, 2]`` is tilted by at most 45
    degrees; not at all where it is within the tilt that an upright face may have."""
    angle_deg = turn_deg(landmarks)
    return 0 if abs(angle_deg) <= _ON_ITS_SIDE_DEG else round(-angle_deg / 90) % 4


def _way_back(angle_deg: float) -> str:
    return "clockwise" if angle_deg > 0 else "counter-clockwise"


def _turned(landmarks: Tensor, found: bool, how: str, back: str) -> ShapeError:
    wanted = f"a head tilted by at most {_ON_ITS_SIDE_DEG} degrees, the eyes side by side and above the mouth"
    if found:
        return ShapeError(f"The face that was found {how}", f"a face turned by {abs(turn_deg(landmarks)):.0f} degrees",
                          wanted, f"turn the photo upright, {back}")  # fmt: skip
    return ShapeError(f"The points are those of a head that {how}", landmarks.round().tolist(), wanted,
                      f"turn the photo upright, {back}, and take the points from there; if it is upright, mind that y "
                      f"grows downwards and that the order is {_ORDER}")  # fmt: skip
