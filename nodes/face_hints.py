"""Faces that other nodes have found: the host's FACE_LANDMARKS and BOUNDING_BOX, read for Align Face."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..sat3d.errors import ShapeError
from ..sat3d.faces.finding import Face, in_order
from ..sat3d.faces.mesh import POINTS
from ..sat3d.inversion.align import Crop

Box = tuple[float, float, float, float]  # left, top, right, bottom
_EXPRESSIONS = 52
_ROUNDING = 0.01  # by which the proportions of two sizes of one photo may differ


def read_landmarks(landmarks: Mapping[str, Any], photos: Tensor) -> list[list[Face]]:
    """The faces of each photo ``[B, 3, H, W]``, in the order in which Align Face numbers them.

    Raises:
        ShapeError: not the host's landmarks, of another photo, or neither of one picture nor of as many as there are.
    """
    try:
        height, width = (float(side) for side in landmarks["image_size"])
        frames = [[_read_face(face) for face in faces] for faces in landmarks["frames"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ShapeError("These are no landmarks of faces", repr(error), f"{POINTS} points a face, of MediaPipe's kind",
                         "connect Detect Face Landmarks (MediaPipe)") from error  # fmt: skip
    scale = photos.shape[3] / width
    if abs(photos.shape[2] / (height * scale) - 1) > _ROUNDING:
        raise ShapeError("The landmarks are of another photo", f"a photo of {width:g} x {height:g} pixels",
                         f"{photos.shape[3]} x {photos.shape[2]}", "connect their own photo")  # fmt: skip
    frames = [in_order([Face(f.points * scale, f.presence, f.expressions) for f in faces]) for faces in frames]
    return _for_each(frames, len(photos), "landmarks")


def _read_face(face: Mapping[str, Any]) -> Face:
    flat = torch.as_tensor(face["landmarks_xy"]).float()
    deep = torch.as_tensor(face["landmarks_3d"]).float()
    if tuple(flat.shape) != (POINTS, 2) or tuple(deep.shape) != (POINTS, 3) or not torch.isfinite(flat).all():
        raise ValueError(f"points of shape {tuple(flat.shape)} and {tuple(deep.shape)}")
    to_pixels = _extent(flat) / _extent(deep[:, :2]).clamp_min(1e-6)
    points = torch.cat([flat, deep[:, 2:] * to_pixels], 1)
    return Face(points, float(face.get("score", 1.0)), torch.zeros(_EXPRESSIONS))


def _extent(points: Tensor) -> Tensor:
    return (points - points.mean(0)).norm()


def read_boxes(boxes: Any, count: int) -> list[list[Box]]:
    """The boxes of each of ``count`` pictures: one box, a list of them, or a list for each picture.

    Raises:
        ShapeError: no such boxes, or neither for one picture nor for as many as there are.
    """
    try:
        boxes = [boxes] if isinstance(boxes, Mapping) else list(boxes)
        frames = [boxes] if all(isinstance(box, Mapping) for box in boxes) else boxes
        read = [[_read_box(box) for box in frame] for frame in frames]
    except (KeyError, TypeError, ValueError) as error:
        raise ShapeError("These are no boxes", repr(error), "x, y, width and height in pixels", "connect a BOUNDING_BOX"
                         ) from error  # fmt: skip
    return _for_each(read, count, "boxes")


def _read_box(box: Mapping[str, float]) -> Box:
    left, top, width, height = (float(box[key]) for key in ("x", "y", "width", "height"))
    if not all(map(math.isfinite, (left, top, width, height))) or width <= 0 or height <= 0:
        raise ValueError(f"a box of {width:g} x {height:g} pixels")
    return left, top, left + width, top + height


def _for_each(frames: list[list], count: int, what: str) -> list[list]:
    if len(frames) not in (1, count):
        raise ShapeError(f"The {what} do not pair with the pictures", f"{what} of {len(frames)} pictures",
                         f"of one, or of {count}", "find them in the pictures that are connected here")  # fmt: skip
    return frames if len(frames) == count else frames * count


def inside(faces: Sequence[Face], boxes: Sequence[Box]) -> list[Face]:
    """The faces whose middle lies in one of the boxes."""
    return [face for face in faces if any(_holds(box, face) for box in boxes)]


def _holds(box: Box, face: Face) -> bool:
    x, y = ((face.box[axis] + face.box[axis + 2]) / 2 for axis in (0, 1))
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def square_around(boxes: Sequence[Box], number: int) -> Crop:
    """The square in whose middle the box lies, as large as its longer side.

    Raises:
        ShapeError: no such box.
    """
    if number >= len(boxes):
        raise ShapeError("There is no such box", f"box {number} of {len(boxes)}", f"0 to {len(boxes) - 1}",
                         "choose another 'face'")  # fmt: skip
    left, top, right, bottom = boxes[number]
    side = max(right - left, bottom - top)
    return Crop((left + right - side) / 2, (top + bottom - side) / 2, side)
