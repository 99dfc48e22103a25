"""SAT3DAlignFace: the crop of a photo that face generators know, and where it was cut."""

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import torch
from comfy_api import latest
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.errors import ShapeError
from ..sat3d.faces.finding import Face
from ..sat3d.inversion import frames
from ..sat3d.inversion.align import Crop, check_photo, crop_of, cut
from ..sat3d.inversion.landmarks import faces_of, one_face
from ..sat3d.inversion.pose import REAL_PEOPLE, PhotoPose, camera_of, camera_of_face
from . import drawings, face_previews, host, images
from . import face_crops as places

STOP, BEFORE = "stop", "as before"
DETECT, POINTS, BOX, WHOLE = "find the face", "five points", "box", "whole picture"
MOST_FACES = 16
Angles = tuple[float, float, float]
Found = tuple[Crop, Angles | None]
PUBLISHED, OWN = "published face models", "built-in heads"
FRAMES = {PUBLISHED: frames.PUBLISHED, OWN: frames.BUILT_IN}


class SAT3DAlignFace(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DAlignFace",
            display_name="Align Face",
            category="SAT3D/face",
            description="Cuts a face out of a photo as the pictures were cut that the face generators learned from, "
            "ready for Invert Image.",
            inputs=_inputs(),
            outputs=[
                io.Image.Output("crop", display_name="crop", tooltip="The face, square."),
                io.String.Output(
                    "place",
                    display_name="place",
                    tooltip="Where it was cut, for Paste Back, and how the head is turned and tilted, for "
                    "Invert Image: pixels and degrees, as JSON, one entry for each picture.",
                ),
                io.Image.Output(
                    "faces",
                    display_name="faces",
                    tooltip="The photo, small, with the number of every face that was found and the square "
                    "that was cut.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls, image: Tensor, method: str, points: str, face: int, size: int, frame: str = PUBLISHED, no_face: str = STOP
    ) -> io.NodeOutput:
        photos, report = images.from_host(image), host.Report(cls)
        typed, found, faces = typed_numbers(method, points), [], []
        for i, photo in enumerate(photos.split(1)):
            report(i, 2 * len(photos))
            with images.naming(i, len(photos)):
                faces.append(faces_of(photo) if method == DETECT else [])
                found.append(sought(photo, method, typed, Choice(faces[i], face), frame, no_face))
        if method in (DETECT, POINTS):
            host.warn(doubts(found))
        chosen = [face if method == DETECT and not isinstance(each, ShapeError) else None for each in found]
        found = stood_in(found, photos, no_face)
        crops, previews = [], []
        for i, photo in enumerate(photos.split(1)):
            report(len(photos) + i, 2 * len(photos))
            with images.naming(i, len(photos)):
                crops.append(cut(photo, found[i][0], size))
            previews.append(face_previews.draw_preview(photo, faces[i], found[i][0], chosen[i]))
        report(2 * len(photos), 2 * len(photos))
        where = [places.Place(crop, photos.shape[3], photos.shape[2], camera_deg) for crop, camera_deg in found]
        preview = drawings.to_image(previews)
        shown = latest.ui.PreviewImage(preview[: face_previews.SHOWN_AT_ONCE], cls=cls)
        return io.NodeOutput(host.keep(images.to_host(torch.cat(crops))), places.to_text(where), preview, ui=shown)


def _inputs() -> list[io.Input]:
    return [
        io.Image.Input("image", tooltip="The photo, or several: each is cut for itself."),
        io.Combo.Input(
            "method",
            options=[DETECT, POINTS, BOX, WHOLE],
            default=DETECT,
            tooltip="find the face: at any size and turned any way, by networks that come with the pack. "
            "five points and box: yours. whole picture: it is cropped already, and the square in "
            "its middle is taken.",
        ),
        io.String.Input(
            "points",
            default="",
            tooltip="Five points: x, y in pixels of left eye, right eye, nose tip, left and right "
            "corner of the mouth, left and right as you see them. Box: left, top, side.",
        ),
        io.Int.Input(
            "face",
            default=0,
            min=0,
            max=MOST_FACES - 1,
            tooltip="Which face where several are found: 0 is the largest; faces of like size go by rows, "
            "from the left. The picture on the node shows the numbers.",
        ),
        io.Int.Input("size", default=512, min=64, max=2048, step=64, tooltip="Side of the crop in pixels."),
        io.Combo.Input(
            "frame",
            options=list(FRAMES),
            default=PUBLISHED,
            optional=True,
            tooltip="For whose pictures the crop is: the published models are trained on close crops, the "
            "built-in one on heads with shoulders. Box and whole picture are taken as they are.",
        ),
        io.Combo.Input(
            "no_face",
            options=[STOP, WHOLE, BEFORE],
            default=STOP,
            optional=True,
            tooltip="What is done where no face is found. stop: say so. whole picture: the square in its "
            "middle is taken. as before: the crop of the picture before, for frames of a video; "
            "before the first face, the crop of that.",
        ),
    ]


def typed_numbers(method: str, text: str) -> list[float]:
    """What the method needs of the text.

    Raises:
        ShapeError: another count of numbers.
    """
    if method == BOX:
        return numbers_in(text, 3, "left, top and side of the box")
    return numbers_in(text, 10, "x and y of five points") if method == POINTS else []


@dataclass(frozen=True)
class Choice:
    """The faces of a photo, and which of them is wanted."""

    faces: Sequence[Face]
    number: int


def place_of(photo: Tensor, method: str, typed: Sequence[float], choice: Choice, frame: str) -> Found:
    """The crop; and yaw, pitch and roll in degrees, where points tell.

    Raises:
        ShapeError: no such face, or points that are none.
    """
    if method == WHOLE:
        return middle_square(photo), None
    if method == BOX:
        return Crop(*typed), None
    if method == POINTS:
        landmarks = torch.tensor(typed).reshape(5, 2)
        return FRAMES[frame].crop_of_points(landmarks), angles_of(landmarks)
    face = one_face(choice.faces, photo, choice.number)
    crop = FRAMES[frame].crop_of_points(face.five_points)
    return crop, angles_of_face(face, crop, frame)


def sought(
    photo: Tensor, method: str, typed: Sequence[float], choice: Choice, frame: str, no_face: str
) -> Found | ShapeError:
    """See :func:`place_of`; where a photo may be without a face, the reason for that."""
    try:
        return place_of(photo, method, typed, choice, frame)
    except ShapeError as error:
        if method != DETECT or no_face == STOP:
            raise
        return error


def stood_in(found: Sequence[Found | ShapeError], photos: Tensor, no_face: str) -> list[Found]:
    """What is taken for each photo, where some, for the reason given, have no face.

    Raises:
        ShapeError: none has one, and the crop of another photo is asked for.
    """
    seen = [i for i, each in enumerate(found) if not isinstance(each, ShapeError)]
    if len(seen) == len(found):
        return list(found)
    host.warn(f"{reasons(found)}; done there: {no_face}")
    if no_face == WHOLE:
        return [found[i] if i in seen else (middle_square(photos[i : i + 1]), None) for i in range(len(found))]
    if not seen:
        with images.naming(0, len(found)):
            raise found[0]
    return [found[max((j for j in seen if j <= i), default=seen[0])] for i in range(len(found))]


def reasons(found: Sequence[Found | ShapeError]) -> str:
    """Why there is no face, and in which pictures."""
    by_reason: dict[str, list[int]] = {}
    for i, each in enumerate(found):
        if isinstance(each, ShapeError):
            by_reason.setdefault(each.what, []).append(i)
    return "; ".join(f"{what} ({images.numbers(where, len(found))})" for what, where in by_reason.items())


def doubts(found: Sequence[Found | ShapeError]) -> str | None:
    """What is said where points have no head's proportions: of a drawing, say, or of a face that was misread."""
    where = [i for i, each in enumerate(found) if not isinstance(each, ShapeError) and each[1] is None]
    if not where:
        return None
    return (
        f"no head has eyes, nose and mouth like these ({images.numbers(where, len(found))}): the crop may be "
        "wrong, and how the head is turned is not known. Look at the crop; turn a photo that is upside down first"
    )


def angles_of(landmarks: Tensor) -> Angles | None:
    """Yaw, pitch and roll in degrees by five points; None for points of a drawing, say, that no head has."""
    crop = crop_of(landmarks)
    with suppress(ShapeError):
        return in_degrees(camera_of(crop.to_crop(landmarks, 1), 1, spread=REAL_PEOPLE))
    return None


def angles_of_face(face: Face, crop: Crop, frame: str) -> Angles | None:
    """Yaw, pitch and roll in degrees as the frame's generator counts them; None for points that no head has."""
    points = torch.cat([crop.to_crop(face.points[:, :2], 1), face.points[:, 2:] / crop.side], 1)
    with suppress(ShapeError):
        return in_degrees(camera_of_face(points, 1, FRAMES[frame]))
    return None


def in_degrees(pose: PhotoPose) -> Angles:
    return math.degrees(pose.yaw_rad), math.degrees(pose.pitch_rad), math.degrees(pose.roll_rad)


def middle_square(photo: Tensor) -> Crop:
    """
    Raises:
        ShapeError: not a photo, or hardly a pixel.
    """
    check_photo(photo)
    height, width = photo.shape[2:]
    side = min(height, width)
    return Crop((width - side) // 2, (height - side) // 2, side)


def numbers_in(text: str, count: int, what: str) -> list[float]:
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
