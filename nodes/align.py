"""SAT3DAlignFace: the crop of a photo that face generators know, and where it was cut."""

import math
import re
from contextlib import suppress

import torch
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.errors import ShapeError
from ..sat3d.inversion.align import Crop, check_photo, crop_of, cut
from ..sat3d.inversion.landmarks import one_face
from ..sat3d.inversion.pose import REAL_PEOPLE, camera_of
from . import host, images, places

DETECT, POINTS, BOX, WHOLE = "find the face", "five points", "box", "whole picture"
MOST_FACES = 16
Angles = tuple[float, float, float]
PUBLISHED, OWN = "published face models", "built-in heads"
# Side and shift to the right and down, in sides of the published crop. The built-in heads are seen from farther away:
# medians over rendered heads with known landmarks.
FRAMES = {PUBLISHED: (1.0, 0.0, 0.0), OWN: (1.58, 0.0, -0.16)}


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
                io.String.Output("place", display_name="place",
                                 tooltip="Where it was cut, for Paste Back, and how the head is turned and tilted, for "
                                         "Invert Image: pixels and degrees, as JSON, one entry for each picture."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, image: Tensor, method: str, points: str, face: int, size: int,
                frame: str = PUBLISHED) -> io.NodeOutput:
        photos, report = images.from_host(image), host.Report(cls)
        cut_out, found = [], []
        for i, photo in enumerate(photos.split(1)):
            report(i, len(photos))
            crop, camera_deg = place_of(photo, method, points, face, frame)
            cut_out.append(cut(photo, crop, size))
            found.append(places.Place(crop, photo.shape[3], photo.shape[2], camera_deg))
        report(len(photos), len(photos))
        return io.NodeOutput(host.keep(images.to_host(torch.cat(cut_out))), places.to_text(found))


def _inputs() -> list[io.Input]:
    return [
        io.Image.Input("image", tooltip="The photo, or several: each is cut for itself."),
        io.Combo.Input("method", options=[DETECT, POINTS, BOX, WHOLE], default=DETECT,
                       tooltip="Finding needs the Python package mediapipe 0.10; points and box need nothing. whole "
                               "picture: it is cropped already, and the square in its middle is taken."),
        io.String.Input("points", default="",
                        tooltip="Five points: x, y in pixels of left eye, right eye, nose tip, left and right "
                                "corner of the mouth, left and right as you see them. Box: left, top, side."),
        io.Int.Input("face", default=0, min=0, max=MOST_FACES - 1,
                     tooltip="Which face where several are found: 0 is the largest."),
        io.Int.Input("size", default=512, min=64, max=2048, step=64, tooltip="Side of the crop in pixels."),
        io.Combo.Input("frame", options=list(FRAMES), default=PUBLISHED, optional=True,
                       tooltip="For whose pictures the crop is: the published models are trained on close crops, the "
                               "built-in one on heads with shoulders. Box and whole picture are taken as they are."),
    ]


def place_of(photo: Tensor, method: str, points: str, face: int, frame: str) -> tuple[Crop, Angles | None]:
    """The crop; and yaw, pitch and roll in degrees, where points tell.

    Raises:
        ShapeError: no such face, or points that are none; ConfigError: no detector.
    """
    if method == WHOLE:
        return middle_square(photo), None
    if method == BOX:
        return Crop(*numbers_in(points, 3, "left, top and side of the box")), None
    if method == POINTS:
        landmarks = torch.tensor(numbers_in(points, 10, "x and y of five points")).reshape(5, 2)
    else:
        landmarks = one_face(photo, face)
    crop = crop_of(landmarks)
    return framed(crop, frame), angles_of(landmarks, crop)


def angles_of(landmarks: Tensor, crop: Crop) -> Angles | None:
    """Yaw, pitch and roll in degrees; None for points of a drawing, say, that no head has."""
    with suppress(ShapeError):
        pose = camera_of(crop.to_crop(landmarks, 1), 1, spread=REAL_PEOPLE)
        return math.degrees(pose.yaw_rad), math.degrees(pose.pitch_rad), math.degrees(pose.roll_rad)
    return None


def framed(crop: Crop, frame: str) -> Crop:
    """The published crop of a face -> the crop that a generator's pictures have."""
    sides, right, down = FRAMES[frame]
    side = crop.side * sides
    x, y = (start + crop.side * (0.5 + shift) for start, shift in ((crop.left, right), (crop.top, down)))
    return Crop(x - side / 2, y - side / 2, side)


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
        raise ShapeError(f"'points' does not hold {what}", f"{len(found)} numbers", f"{count} numbers",
                         "write them with spaces or commas between")
    return found
