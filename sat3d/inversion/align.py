"""The crop that FFHQ-EG3D pictures have, from five points of a face; the transform is kept, so that one can go back.

The points are matched with standard 3D points by a weak-perspective camera (least squares); its translation and scale
say where the head is and how large. No correction of roll, as in the published recipe; but of heads on their side the
photo is turned by quarters, which no pixel notices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from ..errors import ShapeError
from ..picture_modes import rgb_values
from .face_points import check_landmarks
from .resampling import resample

# In the order of POINT_NAMES; x right, y up, z to the viewer.
STANDARD_POINTS = (
    (-0.31148657, 0.29036078, 0.13377953),
    (0.30979887, 0.28972036, 0.13179526),
    (0.0032535, -0.04617932, 0.55244243),
    (-0.25216928, -0.38133916, 0.22405732),
    (0.2484662, -0.38128236, 0.22235769),
)
_SIDE_OF_SCALE = 700 / 300  # of the crop, where the photo is scaled by 300 / scale and 700 pixels are kept
_SMALLEST_FACE_PX = 8


@dataclass(frozen=True)
class Crop:
    """A square of a photo: ``left``, ``top``, ``side`` in its pixels, whole or not; it may reach beyond the photo.

    ``quarter_turns``: how often what is cut is turned counter-clockwise, so that the head is upright in it.
    """

    left: float
    top: float
    side: float
    quarter_turns: int = 0

    def __post_init__(self):
        if not np.isfinite([self.left, self.top, self.side]).all() or self.side < _SMALLEST_FACE_PX:
            raise ShapeError(
                "The crop is not usable",
                f"left {self.left:g}, top {self.top:g}, side {self.side:g}",
                f"finite numbers, a side of at least {_SMALLEST_FACE_PX} pixels",
                "check the points or the box of the face",
            )

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom."""
        return self.left, self.top, self.left + self.side, self.top + self.side

    def to_crop(self, points: Tensor, size: int) -> Tensor:
        """Photo pixels ``[N, 2]`` (x, y) -> pixels of the crop at ``size``; the corner of the first pixel is (0, 0)."""
        placed = (points - points.new_tensor([self.left, self.top])) * (size / self.side)
        return turn_points(placed, self.quarter_turns, size, size)

    def scaled(self, scale: float) -> Crop:
        """The same place in the photo at ``scale`` times its size."""
        return replace(self, left=self.left * scale, top=self.top * scale, side=self.side * scale)

    def turned(self, quarter_turns: int, width: float, height: float) -> Crop:
        """The same square in a photo of ``width`` x ``height`` pixels that was turned counter-clockwise so often; what
        is cut from there is turned by so much less."""
        ends = turn_points(torch.tensor([self.box], dtype=torch.float64).reshape(2, 2), quarter_turns, width, height)
        left, top = ends.amin(0).tolist()
        return Crop(left, top, self.side, (self.quarter_turns - quarter_turns) % 4)


def turn_points(points: Tensor, quarter_turns: int, width: float, height: float) -> Tensor:
    """``[N, 2]`` (x, y) of a picture of ``width`` x ``height`` pixels -> where they are once it is turned
    counter-clockwise so often, as ``torch.rot90`` turns it."""
    x, y = points.unbind(1)
    turned = ((x, y), (y, width - x), (width - x, height - y), (height - y, x))
    return torch.stack(turned[quarter_turns % 4], 1)


def turn_upright(photo: Tensor, crop: Crop) -> tuple[Tensor, Crop]:
    """``[B, C, H, W]`` turned as the crop's pictures are, and the crop in it; :func:`turn` turns back."""
    height, width = photo.shape[2:]
    return turn(photo, crop.quarter_turns), crop.turned(crop.quarter_turns, width, height)


def turn(picture: Tensor, quarter_turns: int) -> Tensor:
    """``[B, C, H, W]`` counter-clockwise, so often."""
    return torch.rot90(picture, quarter_turns, (2, 3)) if quarter_turns % 4 else picture


def crop_of(landmarks: Tensor) -> Crop:
    """The FFHQ-EG3D crop for ``landmarks [5, 2]``: x, y in photo pixels, y downwards, in the order of
    :data:`sat3d.inversion.face_points.POINT_NAMES`.

    Raises:
        ShapeError: see :func:`sat3d.inversion.face_points.check_landmarks`; or all points in one place.
    """
    check_landmarks(landmarks)
    points = landmarks.double() * torch.tensor([1.0, -1.0], dtype=torch.float64)  # y upwards
    known = torch.cat([torch.tensor(STANDARD_POINTS, dtype=torch.float64), torch.ones(5, 1, dtype=torch.float64)], 1)
    rows = torch.linalg.lstsq(known, points).solution  # [4, 2]: s·R and s·T of x and y
    scale = float(rows[:3].norm(dim=0).mean())
    x, y = rows[3].tolist()
    side = scale * _SIDE_OF_SCALE
    return Crop(x - side / 2, -y - side / 2, side)


def cut(photo: Tensor, crop: Crop, size: int = 512) -> Tensor:
    """``photo [1, 3, H, W]`` -> ``[1, 3, size, size]`` by Lanczos, turned as the crop says; beyond the photo its border
    goes on.

    Raises:
        ShapeError: not a photo, a crop that lies outside of it, or one over 1000 times as large.
    """
    check_photo(photo)
    return cut_any(photo, crop, size)


def cut_any(picture: Tensor, crop: Crop, size: int) -> Tensor:
    """The same of ``[1, C, H, W]`` of any channels, such as a mask."""
    return turn(resample(picture, crop.box, (size, size)), crop.quarter_turns)


def check_photo(photo: Tensor) -> None:
    """
    Raises:
        ShapeError: not ``[1, 3, H, W]`` of finite floats.
    """
    if photo.ndim != 4 or photo.shape[:2] != (1, 3) or not photo.is_floating_point() or not photo.numel():
        raise ShapeError("Not a photo", f"{tuple(photo.shape)} of {photo.dtype}", "[1, 3, H, W] floats",
                         "pass one RGB picture at a time")  # fmt: skip
    if not torch.isfinite(photo).all():
        raise ShapeError("The photo holds NaN or infinite numbers", "NaN or infinity", "finite numbers",
                         "check the step that made the picture")  # fmt: skip


def photo_from(picture: Image.Image) -> Tensor:
    """A picture of any mode -> ``[1, 3, H, W]`` in -1..1: upright as its EXIF says, grey as RGB, alpha over white.

    Raises:
        ShapeError: see :func:`sat3d.picture_modes.rgb_values`.
    """
    values = rgb_values(ImageOps.exif_transpose(picture))
    return torch.from_numpy(values).permute(2, 0, 1)[None] * 2 - 1
