"""The faces of a photo: found at any size and turned any way, each with its points and its expression."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from .mesh import POINTS, SIDE_PX
from .networks import FaceNetworks, face_networks_on
from .search import candidates, overlaps
from .squares import cut_squares, to_picture

_EYE_CORNERS = (33, 263)  # the outer ones: image-left, image-right
_FIVE_POINTS = ((33, 133), (362, 263), (4,), (61,), (291,))  # eyes by their corners, nose tip, corners of the mouth
_QUARTER_TURNS = (0, 1, 3, 2)
# Of faces that are read upside down the landmarks' logit reaches 14.6, but the detector's score 0.80; most upright ones
# are above both limits.
_BEYOND_DOUBT, _BEYOND_DOUBT_SCORE = 10.0, 0.82
# The points of a face come out the same when it is looked at again in the square about them; what is no face has others
# every time. By how much they move in the mean, in sides of their box: still; at most, after the last look.
_STILL, _LEAST_STILL = 0.01, 0.022
_LOOKS = 4
_SURE_SCORE = 0.75  # of the detector
_AROUND = 1.5  # sides of the box of the points
_SAME_FACE = 0.4  # intersection over union of the points' boxes
_INSIDE = 0.7  # share of a box that lies in a larger one: an eye behind a lens, not a face
_LIKE_SIZE = 0.75  # of the largest of faces of like size: heads of one size have boxes down to 0.84
_ROW = 0.7  # of a face's size: by how much a face in a row may be lower than the highest one


@dataclass(frozen=True, eq=False)
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
    """``[1, 3, H, W]`` in -1..1 -> its faces, from the largest to the smallest; those of like size as one reads.

    Heads may be turned in the picture: where no upright one is found, the photo is looked at from all four sides; so it
    is where one may be upside down, but then for the faces that are known already.
    """
    networks = networks or face_networks_on(str(photo.device))
    photo = photo.to(networks.device).float()
    points, logits, seen = torch.zeros(0, POINTS, 3), torch.zeros(0), torch.zeros(0)
    for quarter_turns in _QUARTER_TURNS:
        squares, scores = candidates(networks.detector, photo, quarter_turns)
        # The landmark network is unsure of upright profiles and beards, of which the detector is sure.
        more, sure, kept = _settled(networks, photo, squares, (scores >= _SURE_SCORE) & (quarter_turns == 0))
        scores = scores[kept]
        if quarter_turns and len(points):
            known = overlaps(_boxes(more), _boxes(points))[0].amax(1) > _SAME_FACE
            more, sure, scores = more[known], sure[known], scores[known]
        points, logits, seen = (torch.cat(pair) for pair in ((points, more), (logits, sure), (seen, scores)))
        order = _distinct(points, logits)
        points, logits, seen = points[order], logits[order], seen[order]
        if len(logits) and logits.min() >= _BEYOND_DOUBT and seen.min() >= _BEYOND_DOUBT_SCORE:
            break
    if not len(points):
        return []
    expressions = networks.expressions(points.to(networks.device)).cpu()
    parts = zip(points, logits.sigmoid().tolist(), expressions, strict=True)
    return in_order([Face(*part) for part in parts])


def read_faces(networks: FaceNetworks, photo: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
    """What the landmark network sees in squares ``[N, 4]`` (:mod:`.squares`) of ``photo [1, 3, H, W]``: points
    ``[N, 478, 3]`` in pixels of the photo, and logits ``[N]`` of there being a face. Differentiable in the photo."""
    points, logits = networks.landmarks(cut_squares(photo, squares, SIDE_PX))
    return to_picture(points, squares, SIDE_PX), logits


def squares_around(points: Tensor) -> Tensor:
    """``[N, 478, 3]`` -> squares ``[N, 4]`` to see the same faces again, larger than their boxes, the eyes level."""
    across = points[:, _EYE_CORNERS[1], :2] - points[:, _EYE_CORNERS[0], :2]
    angle = torch.atan2(across[:, 1], across[:, 0])
    cos, sin = angle.cos()[:, None], angle.sin()[:, None]
    x, y = points[..., 0], points[..., 1]
    level = torch.stack([cos * x + sin * y, cos * y - sin * x], -1)
    low, high = level.amin(1), level.amax(1)
    middle, side = (low + high) / 2, _AROUND * (high - low).amax(1)
    x, y = middle[:, :1], middle[:, 1:]
    return torch.cat([cos * x - sin * y, sin * x + cos * y, side[:, None], angle[:, None]], 1)


def _settled(networks: FaceNetworks, photo: Tensor, squares: Tensor, certain: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Points and logits of the faces in these squares, each looked at again until it keeps still, and ``[N]`` bool, in
    which squares they are; on the CPU.

    ``certain [N]``: which are taken for faces though the landmark network may doubt it.
    """
    if not len(squares):
        return torch.zeros(0, POINTS, 3), torch.zeros(0), torch.zeros(0, dtype=torch.bool)
    points, logits = read_faces(networks, photo, squares.to(photo.device))
    move = torch.full_like(logits, torch.inf)
    for _ in range(_LOOKS - 1):
        restless = (move > _STILL).nonzero()[:, 0]
        if not len(restless):
            break
        before, around = points[restless], squares_around(points[restless])
        points[restless], logits[restless] = read_faces(networks, photo, around)
        distance = (points[restless] - before)[..., :2].norm(dim=2).mean(1)
        move[restless] = distance / (around[:, 2] / _AROUND)
    faces = ((logits.cpu() >= 0) | certain) & (move.cpu() <= _LEAST_STILL)
    return points.cpu()[faces], logits.cpu()[faces], faces


def _distinct(points: Tensor, logits: Tensor) -> Tensor:
    """Numbers of faces: of those that lie on one another the surest, and none inside another; the surest first."""
    order = logits.argsort(descending=True, stable=True)
    boxes = _boxes(points[order])
    union, inside = overlaps(boxes, boxes)
    area = boxes[:, 2:].prod(1)
    swallowed = ((inside > _INSIDE) & (union <= _SAME_FACE) & (area[:, None] < area)).any(1)
    kept: list[int] = []
    for i in (~swallowed).nonzero()[:, 0].tolist():
        if not any(union[i, j] > _SAME_FACE for j in kept):
            kept.append(i)
    return order[kept]


def _boxes(points: Tensor) -> Tensor:
    """``[N, 478, 3]`` -> ``[N, 4]``: middle, width and height."""
    low, high = points[..., :2].amin(1), points[..., :2].amax(1)
    return torch.cat([(low + high) / 2, high - low], 1)


def in_order(faces: Sequence[Face]) -> list[Face]:
    """From the largest to the smallest; those of like size as one reads, by rows; the same at any size of
    the photo."""
    rest, ordered = sorted(faces, key=lambda face: -face.size_px), []
    while rest:
        alike = [face for face in rest if face.size_px >= _LIKE_SIZE * rest[0].size_px]
        ordered += _in_reading_order(alike)
        rest = rest[len(alike) :]
    return ordered


def _in_reading_order(faces: Sequence[Face]) -> list[Face]:
    rest, ordered = sorted(faces, key=lambda face: face.box[1]), []
    while rest:
        row = [face for face in rest if face.box[1] < rest[0].box[1] + _ROW * face.size_px]
        ordered += sorted(row, key=lambda face: face.box[0])
        rest = [face for face in rest if face not in row]
    return ordered
