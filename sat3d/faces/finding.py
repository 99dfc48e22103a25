"""The faces of a photo: found at any size and turned any way, each with its points and its expression."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from .mesh import SIDE_PX
from .networks import FaceNetworks, face_networks_on
from .search import candidates, overlaps
from .squares import cut_squares, to_picture

_EYE_CORNERS = (33, 263)  # the outer ones: image-left, image-right
_FIVE_POINTS = ((33, 133), (362, 263), (4,), (61,), (291,))  # eyes by their corners, nose tip, corners of the mouth
_QUARTER_TURNS = (0, 1, 3, 2)
_FIRST_LOOK, _SURE = 0.1, 0.5  # presence in the detector's square, and in the one about the points
_AROUND = 1.5  # sides of the box of the points
_SAME_FACE = 0.4  # intersection over union of the points' boxes
_LIKE_SIZE = 0.9  # faces that are at least so large, of the largest of them, are ordered from left to right


@dataclass(frozen=True)
class Face:
    """``points [478, 3]``: x, y in pixels of the photo, and depth in the same unit, smaller towards the viewer;
    ``presence`` 0..1: how sure it is that they are a face's; ``expressions [52]``: blendshapes, see
    :data:`sat3d.faces.expressions.NAMES`."""

    points: Tensor
    presence: float
    expressions: Tensor

    @cached_property
    def five_points(self) -> Tensor:
        """``[5, 2]``: eyes, nose tip and corners of the mouth, see ``sat3d.inversion.face_points``."""
        return torch.stack([self.points[list(group), :2].mean(0) for group in _FIVE_POINTS])

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the points."""
        return (*self.points[:, :2].amin(0).tolist(), *self.points[:, :2].amax(0).tolist())

    @property
    def eyes_apart_px(self) -> float:
        """Between the middles of both eyes."""
        return float((self.five_points[1] - self.five_points[0]).norm())

    @property
    def size_px(self) -> float:
        """The root of the area of the points' box."""
        left, top, right, bottom = self.box
        return math.sqrt((right - left) * (bottom - top))


@torch.no_grad()
def find_faces(photo: Tensor, networks: FaceNetworks | None = None) -> list[Face]:
    """``[1, 3, H, W]`` in -1..1 -> its faces, from the largest to the smallest; those of like size from left to right.

    Heads may be turned in the picture: where no upright one is found, the photo is looked at from all four sides.
    """
    networks = networks or face_networks_on(str(photo.device))
    photo = photo.to(networks.device).float().clamp(-1, 1)
    for quarter_turns in _QUARTER_TURNS:
        if faces := _faces_at(networks, photo, candidates(networks.detector, photo, quarter_turns)):
            return in_order(faces)
    return []


def read_faces(networks: FaceNetworks, photo: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
    """What the landmark network sees in squares ``[N, 4]`` (:mod:`.squares`) of ``photo [1, 3, H, W]``: points
    ``[N, 478, 3]`` in pixels of the photo and presence ``[N]`` in 0..1. Differentiable in the photo."""
    points, logits = networks.landmarks(cut_squares(photo, squares, SIDE_PX))
    return to_picture(points, squares, SIDE_PX), logits.sigmoid()


def squares_around(points: Tensor) -> Tensor:
    """``[N, 478, 3]`` -> squares ``[N, 4]`` to look at the same faces again: larger than their boxes, the eyes level."""
    across = points[:, _EYE_CORNERS[1], :2] - points[:, _EYE_CORNERS[0], :2]
    angle = torch.atan2(across[:, 1], across[:, 0])
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    x, y = points[..., 0], points[..., 1]
    level = torch.stack([cos * x + sin * y, cos * y - sin * x], -1)
    low, high = level.amin(1), level.amax(1)
    middle, side = (low + high) / 2, _AROUND * (high - low).amax(1)
    x, y = middle[:, :1], middle[:, 1:]
    return torch.cat([cos * x - sin * y, sin * x + cos * y, side[:, None], angle[:, None]], 1)


def _faces_at(networks: FaceNetworks, photo: Tensor, squares: Tensor) -> list[Face]:
    """The faces in these squares, without doubles. Each is looked at again once its points are known."""
    for least in (_FIRST_LOOK, _SURE):
        if not len(squares):
            return []
        points, presence = read_faces(networks, photo, squares)
        sure = presence >= least
        points, presence = points[sure], presence[sure]
        squares = squares_around(points)
    order = presence.argsort(descending=True)
    points, presence = points[order], presence[order]
    kept = _without_doubles(points)
    if not kept:
        return []
    expressions = networks.expressions(points[kept])
    return [Face(points[i].cpu(), float(presence[i]), shown.cpu()) for i, shown in zip(kept, expressions, strict=True)]


def _without_doubles(points: Tensor) -> list[int]:
    """Which faces to keep of those that lie on one another: the first of each."""
    low, high = points[..., :2].amin(1), points[..., :2].amax(1)
    boxes = torch.cat([(low + high) / 2, high - low], 1)
    doubles = overlaps(boxes, boxes)[0] > _SAME_FACE
    kept: list[int] = []
    for i in range(len(points)):
        if not any(doubles[i, j] for j in kept):
            kept.append(i)
    return kept


def in_order(faces: Sequence[Face]) -> list[Face]:
    """From the largest to the smallest; of those of like size, from left to right, so that a photo at another size has
    the same order."""
    rest, ordered = sorted(faces, key=lambda face: -face.size_px), []
    while rest:
        alike = [face for face in rest if face.size_px >= _LIKE_SIZE * rest[0].size_px]
        ordered += sorted(alike, key=lambda face: face.box[0])
        rest = rest[len(alike) :]
    return ordered
