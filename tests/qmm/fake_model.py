"""An image-text model whose every number can be worked out by hand."""

import torch
from torch import Tensor

from sat3d.domains import DescriptorGroup, Domain

PRESENCE = DescriptorGroup("beard", "presence", ("no beard", "a beard"))
SHADE = DescriptorGroup("beard", "shade", ("a dark beard", "a light beard"))
HAIR = DescriptorGroup("hair", "colour", ("red hair", "green hair", "blue hair"))
DOMAIN = Domain("test", "a face with {}", {"beard": (PRESENCE, SHADE), "hair": (HAIR,)})

# The space is (red, green, blue); a picture's vector is the direction of its mean colour above -1.
_TEXTS = {
    "a face with no beard": (1, 0, 0),
    "a face with a beard": (0, 1, 0),
    "a face with a dark beard": (0, 0, 1),
    "a face with a light beard": (0, 0, -1),
    "a face with red hair": (1, 0, 0),
    "a face with green hair": (0, 1, 0),
    "a face with blue hair": (0, 0, 1),
}


class ColourModel:
    """Meets ``ImageTextModel``."""

    device = torch.device("cpu")

    def __init__(self, logit_scale: float = 2.0):
        self.logit_scale = logit_scale

    def encode_image(self, images: Tensor) -> Tensor:
        return torch.nn.functional.normalize(images.mean((2, 3)) + 1, dim=1)

    def encode_text(self, texts: list[str]) -> Tensor:
        return torch.tensor([_TEXTS[text] for text in texts], dtype=torch.float32)


def picture(*colours: tuple[float, float, float]) -> Tensor:
    """Plain pictures, ``[B, 3, 64, 64]``, of these colours in -1..1."""
    return torch.tensor(colours).reshape(-1, 3, 1, 1).repeat(1, 1, 64, 64)
