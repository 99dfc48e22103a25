"""SAT3DAlignFace: the crop of a photo that face generators know, and where it was cut."""

import json
import re

import torch
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.errors import ShapeError
from ..sat3d.inversion.align import Crop, crop_of, cut
from ..sat3d.inversion.landmarks import one_face
from . import host, images

DETECT, POINTS, BOX = "find the face", "five points", "box"
MOST_FACES = 16


class SAT3DAlignFace(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DAlignFace",
            display_name="Align Face",
            category="SAT3D/face",
            description="Cuts a face out of a photo as the pictures were cut that published face generators learned "
                        "from, ready for Invert Image.",
            inputs=[
                io.Image.Input("image", tooltip="The photo, or several: each is cut for itself."),
                io.Combo.Input("method", options=[DETECT, POINTS, BOX], default=DETECT,
                               tooltip="Finding needs the Python package mediapipe 0.10; points and box need nothing."),
                io.String.Input("points", default="",
                                tooltip="Five points: x, y in pixels of left eye, right eye, nose tip, left and right "
                                        "corner of the mouth, left and right as you see them. Box: left, top, side."),
                io.Int.Input("face", default=0, min=0, max=MOST_FACES - 1,
                             tooltip="Which face where several are found: 0 is the largest."),
                io.Int.Input("size", default=512, min=64, max=2048, step=64, tooltip="Side of the crop in pixels."),
            ],
            outputs=[
                io.Image.Output("crop", display_name="crop", tooltip="The face, square."),
                io.String.Output("place", display_name="place",
                                 tooltip="Where it was cut: left, top and side in pixels of the photo, as JSON, one "
                                         "for each picture."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(cls, image: Tensor, method: str, points: str, face: int, size: int) -> io.NodeOutput:
        photos, report = images.from_host(image), host.Report(cls)
        cut_out, places = [], []
        for i, photo in enumerate(photos.split(1)):
            report(i, len(photos))
            crop = place_of(photo, method, points, face)
            cut_out.append(cut(photo, crop, size))
            places.append({"left": crop.left, "top": crop.top, "side": crop.side})
        report(len(photos), len(photos))
        return io.NodeOutput(host.keep(images.to_host(torch.cat(cut_out))), json.dumps(places))


def place_of(photo: Tensor, method: str, points: str, face: int) -> Crop:
    """
    Raises:
        ShapeError: no such face, or points that are none; ConfigError: no detector.
    """
    if method == BOX:
        return Crop(*numbers_in(points, 3, "left, top and side of the box"))
    if method == POINTS:
        return crop_of(torch.tensor(numbers_in(points, 10, "x and y of five points")).reshape(5, 2))
    return crop_of(one_face(photo, face))


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
