"""SAT3DAlignFace: the crop of a photo as face generators expect it, and its place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from comfy_api import latest
from comfy_api.latest import io
from torch import Tensor

from ..sat3d.errors import ShapeError
from ..sat3d.faces.finding import Face
from ..sat3d.inversion.align import check_photo, cut
from ..sat3d.inversion.landmarks import faces_of
from . import face_crops, face_hints, face_previews, host, images, newer_hosts
from .face_places import (
    BEFORE,
    BOX,
    DETECT,
    FRAMES,
    MOST_FACES,
    POINTS,
    PUBLISHED,
    STOP,
    WHOLE,
    Choice,
    check_typed,
    explain_doubts,
    fill_missing,
    read_numbers,
    try_to_locate,
)


class SAT3DAlignFace(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SAT3DAlignFace",
            display_name="Align Face",
            category="SAT3D/face",
            description="Cuts a face out of a photo as the pictures were cut that the face generators learned from, "
            "ready for Invert Photo to Face.",
            **newer_hosts.found_by(
                "face detection",
                "find face",
                "crop face",
                "landmarks",
                "portrait",
                "face alignment",
                "ffhq",
                essential=True,
            ),
            inputs=_inputs(),
            outputs=[
                io.Image.Output("crop", display_name="crop", tooltip="The face, square."),
                io.String.Output(
                    "place",
                    display_name="place",
                    tooltip="Where it was cut, for Paste Back, and how the head is turned and tilted, for "
                    "Invert Photo to Face: pixels and degrees, as JSON, one entry for each picture.",
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
    def validate_inputs(cls, method: str = "", points: str = "") -> bool | str:
        """Say what is wrong with points that were typed before anything runs; those of a wire are not known yet."""
        try:
            if method in (POINTS, BOX) and points.strip():
                check_typed(method, read_numbers(method, points))
        except ShapeError as error:
            return str(error)
        return True

    @classmethod
    def execute(
        cls,
        image: Tensor,
        method: str,
        points: str,
        face: int,
        size: int,
        frame: str = PUBLISHED,
        no_face: str = STOP,
        landmarks: Mapping[str, Any] | None = None,
        boxes: Any = None,
    ) -> io.NodeOutput:
        photos, report = images.from_host(image), host.Report(cls)
        hints = Hints.read(landmarks, boxes, photos)
        typed, found, faces = read_numbers(method, points, hints.boxes is not None), [], []
        check_photos(photos)
        for i, photo in enumerate(photos.split(1)):
            report(i, 2 * len(photos))
            with images.naming(i, len(photos)):
                faces.append(hints.faces_of(photo, i) if method == DETECT else [])
                choice = Choice(faces[i], face, hints.boxes_of(i))
                found.append(try_to_locate(photo, method, typed, choice, frame, no_face))
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
        newer_hosts.FACE_LANDMARKS.Input(
            "landmarks",
            optional=True,
            tooltip="For 'find the face': the faces that Detect Face Landmarks (MediaPipe) has found, in place of "
            "those that this node finds.",
        ),
        newer_hosts.BOUNDING_BOX.Input(
            "boxes",
            optional=True,
            extra_dict={"forceInput": True},  # else newer pages make four numbers of it
            tooltip="Boxes of another node. With 'find the face' only faces in them count; with 'box' the square "
            "around the box is cut, and 'face' is its number.",
        ),
    ]


@dataclass(frozen=True)
class Hints:
    """What other nodes know of the photos: faces and boxes of each, or None."""

    faces: list[list[Face]] | None
    boxes: list[list[face_hints.Box]] | None

    @classmethod
    def read(cls, landmarks: Mapping[str, Any] | None, boxes: Any, photos: Tensor) -> "Hints":
        """
        Raises:
            ShapeError: see :mod:`.face_hints`.
        """
        return cls(
            None if landmarks is None else face_hints.read_landmarks(landmarks, photos),
            None if boxes is None else face_hints.read_boxes(boxes, len(photos)),
        )

    def boxes_of(self, i: int) -> Sequence[face_hints.Box]:
        return () if self.boxes is None else self.boxes[i]

    def faces_of(self, photo: Tensor, i: int) -> list[Face]:
        """Those of picture ``i``, found here unless they are known."""
        found = faces_of(photo) if self.faces is None else self.faces[i]
        return found if self.boxes is None else face_hints.inside(found, self.boxes[i])


def check_photos(photos: Tensor) -> None:
    """
    Raises:
        ShapeError: a photo that no face can be found in, before any is looked for.
    """
    for i, photo in enumerate(photos.split(1)):
        with images.naming(i, len(photos)):
            check_photo(photo)
