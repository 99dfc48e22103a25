"""Two balls of feature planes in spherical coordinates (SphereHead, Li et al. 2024): where a point lies on them.

Polar angle, azimuth and radius, each scaled to -1..1, take the part of x, y and z in front of a ball's three planes. A
ball is useless at its poles and where its azimuth jumps; the second is turned so that its poles and seam lie elsewhere,
and a point takes more from the ball in which it is far from both.
"""

import math

import torch
from torch import Tensor

from .planes import texel_points

_LEAST_SHARE = 1e-8  # of both balls together, so that the origin, where both weigh nothing, has features 0


def ball_rotations(device: torch.device | None = None) -> Tensor:
    """``[2, 3, 3]`` float32: row vector times matrix -> the point as seen in the first and the second ball."""
    first = _about_y(math.pi / 2)
    second = _about_y(-math.pi / 2) @ _about_z(-math.pi / 2)
    # Cosines of right angles are 6e-17 here, as in the published code: they decide on which side of the seam zeros are.
    return torch.stack([first.T, second.T]).float().to(device)


def _about_y(angle: float) -> Tensor:
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]], dtype=torch.float64)


def _about_z(angle: float) -> Tensor:
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]], dtype=torch.float64)


def ball_coordinates(points: Tensor, box_warp: float) -> Tensor:
    """World ``points [3, M]`` -> ``[2, 3, M]``: polar angle, azimuth, radius in each ball, scaled to -1..1.

    The radius is 1 at the corners of the box.
    """
    x, y, z = (ball_rotations(points.device).transpose(1, 2) @ (points * (2 / box_warp))).unbind(1)
    across = x.square() + y.square()
    polar = 2 * torch.atan2(_root(across), z) / math.pi - 1
    radius = 2 * _root(across + z.square()) / math.sqrt(3) - 1
    return torch.stack([polar, torch.atan2(y, x) / math.pi, radius], 1)


def _root(squares: Tensor) -> Tensor:
    """The square root, whose gradient at 0 is 0."""
    return torch.where(squares > 0, torch.where(squares > 0, squares, 1).sqrt(), 0)


def ball_weights(coordinates: Tensor) -> Tensor:
    """``[2, 3, M]`` -> ``[2, M]``: 1 at the middle of a ball's planes, 0 at its poles and seam."""
    polar, azimuth = coordinates[:, 0], coordinates[:, 1]
    return (1 + torch.cos(math.pi * polar)) / 2 * ((1 + torch.cos(math.pi * azimuth)) / 2)


def ball_places(points: Tensor, box_warp: float, projection: Tensor, size: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """World ``points [3, M]`` -> texel units ``[2P, 2, M]`` on the planes of both balls, and each plane's share of the
    features ``[2P, M]``. ``projection [3, P, 2]`` of a ball's coordinates onto its planes."""
    coordinates = ball_coordinates(points, box_warp)
    weights = ball_weights(coordinates)
    shares = weights / (weights.sum(0) + _LEAST_SHARE) / projection.shape[1]
    texels = torch.cat([texel_points(ball, projection, size) for ball in coordinates])
    return texels, shares.repeat_interleave(projection.shape[1], 0)
