"""Where the face is in each photo: by the networks, by points or a box, or by what is done without a face."""

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor

from ..sat3d.errors import ShapeError
from ..sat3d.faces.finding import Face
from ..sat3d.inversion import frames
from ..sat3d.inversion.align import Crop, check_photo, crop_of
from ..sat3d.inversion.landmarks import one_face
from ..sat3d.inversion.pose import REAL_PEOPLE, PhotoPose, camera_of, camera_of_face
from ..sat3d.inversion.video import fill_gaps
from . import face_hints, host, images

STOP, BEFORE = "stop", "as before"
DETECT, POINTS, BOX, WHOLE = "find the face", "five points", "box", "whole picture"
MOST_FACES = 16
Angles = tuple[float, float, float]
Found = tuple[Crop, Angles | None]
PUBLISHED, OWN = "published face models", "built-in heads"
FRAMES = {PUBLISHED: frames.PUBLISHED, OWN: frames.BUILT_IN}


def read_numbers(method: str, text: str, boxes_known: bool = False) -> list[float]:
    """What the method needs of the text.

    Raises:
        ShapeError: another count of numbers.
    """
    if method == BOX and boxes_known:
        return []
    if method == BOX:
        return parse_numbers(text, 3, "left, top and side of the box")
    return parse_numbers(text, 10, "x and y of five points") if method == POINTS else []


def check_typed(method: str, typed: Sequence[float]) -> None:
    """
    Raises:
        ShapeError: a box without area, or points that are none of an upright face.
    """
    if method == BOX:
        _typed_box(typed)
    elif method == POINTS:
        crop_of(torch.tensor(typed).reshape(5, 2))


def _typed_box(typed: Sequence[float]) -> Crop:
    left, top, side = typed
    return Crop(left, top, side)


@dataclass(frozen=True)
class Choice:
    """The faces of a photo, which of them is wanted, and the boxes that were given."""

    faces: Sequence[Face]
    number: int
    boxes: Sequence[face_hints.Box] = ()


def locate_crop(photo: Tensor, method: str, typed: Sequence[float], choice: Choice, frame: str) -> Found:
    """The crop; and yaw, pitch and roll in degrees, where points tell.

    Raises:
        ShapeError: no such face, or points that are none.
    """
    if method == WHOLE:
        return crop_middle(photo), None
    if method == BOX:
        return _typed_box(typed) if typed else face_hints.square_around(choice.boxes, choice.number), None
    if method == POINTS:
        landmarks = torch.tensor(typed).reshape(5, 2)
        return FRAMES[frame].crop_of_points(landmarks), measure_angles(landmarks)
    face = one_face(choice.faces, photo, choice.number)
    crop = FRAMES[frame].crop_of_found(face.five_points)
    return crop, measure_face_angles(face, crop, frame)


def try_to_locate(
    photo: Tensor, method: str, typed: Sequence[float], choice: Choice, frame: str, no_face: str
) -> Found | ShapeError:
    """See :func:`locate_crop`; where a photo may be without a face, the reason for that."""
    try:
        return locate_crop(photo, method, typed, choice, frame)
    except ShapeError as error:
        if method != DETECT or no_face == STOP:
            raise
        return error


def fill_missing(found: Sequence[Found | ShapeError], photos: Tensor, no_face: str) -> list[Found]:
    """What is taken for each photo, where some, for the reason given, have no face.

    Raises:
        ShapeError: none has one, and the crop of another photo is asked for.
    """
    seen = {i: each for i, each in enumerate(found) if not isinstance(each, ShapeError)}
    missing = [each for each in found if isinstance(each, ShapeError)]
    if not missing:
        return list(seen.values())
    host.warn(f"{explain_missing(found)}; done there: {no_face}")
    if no_face == WHOLE:
        return [seen[i] if i in seen else (crop_middle(photos[i : i + 1]), None) for i in range(len(found))]
    if not seen:
        with images.naming(0, len(found)):
            raise missing[0]
    return fill_gaps(seen, len(found))


def explain_missing(found: Sequence[Found | ShapeError]) -> str:
    """Why there is no face, and in which pictures."""
    by_reason: dict[str, list[int]] = {}
    for i, each in enumerate(found):
        if isinstance(each, ShapeError):
            by_reason.setdefault(each.what, []).append(i)
    return "; ".join(f"{what} ({images.name_pictures(where, len(found))})" for what, where in by_reason.items())


def explain_doubts(found: Sequence[Found | ShapeError]) -> str | None:
    """What is said where points have no head's proportions: of a drawing, say, or of a face that was misread."""
    where = [i for i, each in enumerate(found) if not isinstance(each, ShapeError) and each[1] is None]
    if not where:
        return None
    return (
        f"no head has eyes, nose and mouth like these ({images.name_pictures(where, len(found))}): the crop may be "
        "wrong, and how the head is turned is not known. Look at the crop"
    )


def measure_angles(landmarks: Tensor) -> Angles | None:
    """Yaw, pitch and roll in degrees by five points; None for points of a drawing, say, that no head has."""
    crop = crop_of(landmarks)
    with suppress(ShapeError):
        return in_degrees(camera_of(crop.to_crop(landmarks, 1), 1, spread=REAL_PEOPLE))
    return None


def measure_face_angles(face: Face, crop: Crop, frame: str) -> Angles | None:
    """Yaw, pitch and roll in degrees as the frame's generator counts them; None for points that no head has."""
    points = torch.cat([crop.to_crop(face.points[:, :2], 1), face.points[:, 2:] / crop.side], 1)
    with suppress(ShapeError):
        return in_degrees(camera_of_face(points, 1, FRAMES[frame]))
    return None


def in_degrees(pose: PhotoPose) -> Angles:
    return math.degrees(pose.yaw_rad), math.degrees(pose.pitch_rad), math.degrees(pose.roll_rad)


def crop_middle(photo: Tensor) -> Crop:
    """
    Raises:
        ShapeError: not a photo, or hardly a pixel.
    """
    check_photo(photo)
    height, width = photo.shape[2:]
    side = min(height, width)
    return Crop((width - side) // 2, (height - side) // 2, side)


def parse_numbers(text: str, count: int, what: str) -> list[float]:
    """The numbers of a text, however they are separated.

    Raises:
        ShapeError: another count.
    """
    found = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]
    if len(found) != count:
        raise ShapeError(
            f"'points' does not hold {what}",
            f"{len(found)} numbers",
            f"{count} numbers",
            "write them with spaces or commas between",
        )
    return found
