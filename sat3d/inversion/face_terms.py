"""A term of the loss of an inversion: gaze, lids, mouth and outline of a face, by its points and blendshapes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..faces.contours import INNER_LIPS, IRISES, LEFT_EYE, OUTER_LIPS, RIGHT_EYE
from ..faces.finding import find_faces, read_faces, squares_around
from ..faces.mesh import POINTS
from ..faces.networks import FaceNetworks

_IRIS_WEIGHT, _FEATURE_WEIGHT = 6.0, 3.0  # of a point, of one elsewhere in the face
_EXPRESSION = 0.5  # weight of the blendshapes' mean squared error, beside distances in those of the eyes
_LEAST = 1e-4  # below, a distance counts as its square: it has no kink


@dataclass(frozen=True)
class SeenFace:
    """``square [1, 4]`` in shares of the picture's side, ``points [1, 478, 2]`` too; ``apart``: between the eyes;
    ``expressions [1, 52]``."""

    square: Tensor
    points: Tensor
    apart: float
    expressions: Tensor


class FaceLoss(nn.Module):
    """Mean distance of the 478 points of two faces, in distances of the eyes, irises and contours of eyes and lips more
    than others; and the error of their blendshapes. 0 where no face is found in the picture that is wanted.

    Both faces are looked at in the square of the one that is wanted, so the inversion must have begun near it.
    """

    once = True  # what is wanted is read from the picture itself, whatever of it is left out

    def __init__(self, networks: FaceNetworks):
        super().__init__()
        self.networks = networks
        self.weights: Tensor
        with torch.inference_mode(False):  # who makes it may not want gradients yet
            weights = torch.ones(POINTS)
            weights[[*RIGHT_EYE, *LEFT_EYE, *OUTER_LIPS, *INNER_LIPS]] = _FEATURE_WEIGHT
            weights[IRISES] = _IRIS_WEIGHT
            self.register_buffer("weights", weights / weights.sum(), persistent=False)

    @torch.no_grad()
    def features(self, images: Tensor) -> SeenFace | None:
        """The largest face of ``[1, 3, S, S]`` in -1..1."""
        faces = find_faces(images, self.networks)
        if not faces:
            return None
        square = squares_around(faces[0].points[None].to(images.device))
        points, _ = read_faces(self.networks, images, square)
        side = images.shape[-1]
        scaled = torch.cat([square[:, :3] / side, square[:, 3:]], 1)
        apart, expressions = faces[0].eyes_apart_px / side, self.networks.expressions(points)
        return SeenFace(scaled, points[..., :2] / side, apart, expressions)

    def forward(self, got: Tensor, wanted: SeenFace | None) -> Tensor:
        """Scalar; ``got [1, 3, H, H]`` of any size."""
        if wanted is None:
            return got.new_zeros(())
        side = got.shape[-1]
        square = torch.cat([wanted.square[:, :3] * side, wanted.square[:, 3:]], 1)
        points, _ = read_faces(self.networks, got, square)
        away = (points[..., :2] / side - wanted.points).square().sum(2) / wanted.apart**2
        distance = ((away + _LEAST**2).sqrt() - _LEAST) @ self.weights.to(away)
        expression = (self.networks.expressions(points) - wanted.expressions).square().mean()
        return distance.mean() + _EXPRESSION * expression
