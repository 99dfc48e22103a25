"""SAT3DAlignFace: the crop of a photo as face generators expect it, and its place."""

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
from ..sat3d.inversion.video import fill_gaps
from . import face_crops, face_previews, host, images

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
        typed, found, faces = read_numbers(method, points), [], []
        for i, photo in enumerate(photos.split(1)):
            report(i, 2 * len(photos))
            with images.naming(i, len(photos)):
                faces.append(faces_of(photo) if method == DETECT else [])
                found.append(try_to_locate(photo, method, typed, Choice(faces[i], face), frame, no_face))
        if method in (DETECT, POINTS):
            host.warn(explain_doubts(found))
        chosen = [face if method == DETECT and not isinstance(each, ShapeError) else None for each in found]
        found = fill_missing(found, photos, no_face)
        crops, previews = [], []
        for i, photo in enumerate(photos.split(1)):
            report(len(photos) + i, 2 * len(photos))
            with images.naming(i, len(photos)):
                crops.append(cut(photo, found[i][0], size))
            previews.append(face_previews.draw_preview(photo, faces[i], found[i][0], chosen[i]))
        report(2 * len(photos), 2 * len(photos))
        where = [face_crops.FaceCrop(crop, photos.shape[3], photos.shape[2], camera_deg) for crop, camera_deg in found]
        preview = images.from_pictures(previews)
        shown = latest.ui.PreviewImage(preview[: face_previews.SHOWN_AT_ONCE], cls=cls)
        return io.NodeOutput(host.keep(images.to_host(torch.cat(crops))), face_crops.to_text(where), preview, ui=shown)


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


def read_numbers(method: str, text: str) -> list[float]:
    """What the method needs of the text.

    Raises:
        ShapeError: another count of numbers.
    """
    if method == BOX:
        return parse_numbers(text, 3, "left, top and side of the box")
    return parse_numbers(text, 10, "x and y of five points") if method == POINTS else []


@dataclass(frozen=True)
class Choice:
    """The faces of a photo, and which of them is wanted."""

    faces: Sequence[Face]
    number: int


def locate_crop(photo: Tensor, method: str, typed: Sequence[float], choice: Choice, frame: str) -> Found:
    """The crop; and yaw, pitch and roll in degrees, where points tell.

    Raises:
        ShapeError: no such face, or points that are none.
    """
    if method == WHOLE:
        return crop_middle(photo), None
    if method == BOX:
        return Crop(*typed), None
    if method == POINTS:
        landmarks = torch.tensor(typed).reshape(5, 2)
        return FRAMES[frame].crop_of_points(landmarks), measure_angles(landmarks)
    face = one_face(choice.faces, photo, choice.number)
    crop = FRAMES[frame].crop_of_points(face.five_points)
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
        "wrong, and how the head is turned is not known. Look at the crop; turn a photo that is upside down first"
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
