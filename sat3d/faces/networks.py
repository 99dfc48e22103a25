"""The three face networks and the canonical face, in one file that comes with the package."""

import os
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from ..files.network_files import NetworkKind, load_network
from .detector import FaceDetector
from .expressions import ExpressionNetwork
from .mesh import LandmarkNetwork

CANONICAL_POINTS = 468  # those of the landmark network but the irises


@dataclass(frozen=True)
class FaceNetworksConfig:
    """Nothing can be chosen: the networks are what their file holds."""


class FaceNetworks(nn.Module):
    """``detector``, ``landmarks`` and ``expressions``; ``canonical [468, 3]``: the mean face in centimetres, x to the
    right of its picture, y up, z towards the viewer, in the order of the landmarks."""

    def __init__(self, config: FaceNetworksConfig | None = None):
        super().__init__()
        self.config = config or FaceNetworksConfig()
        self.detector = FaceDetector()
        self.landmarks = LandmarkNetwork()
        self.expressions = ExpressionNetwork()
        self.canonical: Tensor
        self.register_buffer("canonical", torch.zeros(CANONICAL_POINTS, 3))

    @property
    def device(self) -> torch.device:
        return self.canonical.device


KIND = NetworkKind(
    "face networks", "sat3d-face-networks/1", "face-networks.safetensors", "-m training.tools.convert_face_models",
    FaceNetworksConfig, FaceNetworks,
)  # fmt: skip


def load_face_networks(path: str | os.PathLike | None = None) -> FaceNetworks:
    """The networks on the CPU, in eval mode, without gradients of their weights; None: those of the package.

    Raises:
        FileError: missing, damaged, or another kind of file.
    """
    return load_network(KIND, path)


@lru_cache(maxsize=2)
def face_networks_on(device: str) -> FaceNetworks:
    """The networks of the package, kept for the next call, which may want gradients of pictures."""
    with torch.inference_mode(False):
        return load_face_networks().to(device)
