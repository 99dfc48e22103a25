"""Points of faces whose place, size and turn are known: the canonical face, seen from far away."""

import math

import torch
from torch import Tensor

from sat3d.faces.networks import load_face_networks

EYES_APART_CM = 6.30229  # between the middles of the canonical face's eye corners
EYES_UP_CM = 2.62462


def frontal_points(eyes_apart: float, middle: tuple[float, float], clockwise_deg: float = 0.0) -> Tensor:
    """``[478, 3]``: a frontal face whose eyes have their middle at ``middle``, turned about it; irises in the eyes."""
    canonical = load_face_networks().canonical
    eyes = [canonical[[33, 133]].mean(0), canonical[[362, 263]].mean(0)]
    face = torch.cat([canonical, *[eye.expand(5, 3) for eye in eyes]])
    seen = (face - torch.tensor([0, EYES_UP_CM, 0])) * torch.tensor([1.0, -1.0, -1.0]) * (eyes_apart / EYES_APART_CM)
    angle = math.radians(clockwise_deg)
    turn = torch.tensor([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1.0]])
    return seen @ turn.T + torch.tensor([*middle, 0.0])
