"""How generators' pictures show a head: the camera, where the canonical face stands, which square of a photo fits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..camera import CameraRig
from .align import Crop, crop_of, turn_points
from .face_points import quarter_turns_of


@dataclass(frozen=True)
class Frame:
    """``scale``: world units per centimetre of the canonical face, which is tipped forward by ``pitch_rad``, then moved
    by ``offset``. ``sides``, ``right``, ``down``: the square of these pictures, in sides of the published crop."""

    rig: CameraRig
    scale: float
    offset: tuple[float, float, float]
    pitch_rad: float = 0.0
    sides: float = 1.0
    right: float = 0.0
    down: float = 0.0

    def to_world(self) -> Tensor:
        """``[4, 4]``: the canonical face's centimetres -> the generator's world."""
        cos, sin = math.cos(self.pitch_rad), math.sin(self.pitch_rad)
        turn = torch.tensor([[1, 0, 0], [0, cos, -sin], [0, sin, cos]], dtype=torch.float64)
        whole = torch.eye(4, dtype=torch.float64)
        whole[:3, :3], whole[:3, 3] = self.scale * turn, torch.tensor(self.offset, dtype=torch.float64)
        return whole

    def crop_of_points(self, landmarks: Tensor) -> Crop:
        """The square for five points ``[5, 2]``, see :func:`sat3d.inversion.align.crop_of`.

        Raises:
            ShapeError: as there.
        """
        crop = crop_of(landmarks)
        side = crop.side * self.sides
        x, y = (start + crop.side * (0.5 + shift) for start, shift in ((crop.left, self.right), (crop.top, self.down)))
        return Crop(x - side / 2, y - side / 2, side)

    def crop_of_found(self, landmarks: Tensor) -> Crop:
        """The same for points that were found; a head on its side or upside down is turned by quarters.

        Raises:
            ShapeError: as there.
        """
        turns = quarter_turns_of(landmarks)
        crop = self.crop_of_points(turn_points(landmarks, turns, 0, 0))
        return crop.turned(-turns, 0, 0)


# The canonical face matches the standard five points by a similarity without rotation (below 0.4 degrees), which gives
# the published numbers; the built-in ones are medians over rendered heads with known cameras.
PUBLISHED = Frame(CameraRig(), 0.02648, (0.0, 0.0151, 0.1072))
BUILT_IN = Frame(
    CameraRig(pivot=(0.0, 0.0, 0.10)), 0.01634, (0.0, -0.0544, 0.0807), math.radians(2.5), 1.58, 0.0, -0.16
)


def are_cameras_of(frame: Frame, rig: CameraRig) -> bool:
    """Whether cameras stand on the sphere of ``frame``'s and look at the same point, through the same lens."""
    numbers = [(each.radius, each.focal, *each.pivot) for each in (frame.rig, rig)]
    return all(math.isclose(a, b, abs_tol=1e-4) for a, b in zip(*numbers, strict=True))
