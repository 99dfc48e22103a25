"""Drawn pictures (charts, sheets) as the host's IMAGE, and back."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..sat3d.picture_modes import rgb_values
from ..sat3d.pictures import to_pil
from . import images


def to_image(pictures: Sequence[Image.Image]) -> Tensor:
    """Pictures of one size -> IMAGE ``[N, H, W, 3]`` float32, 0..1."""
    return torch.from_numpy(np.stack([rgb_values(picture) for picture in pictures]))


def to_pictures(image: Tensor) -> list[Image.Image]:
    """IMAGE ``[N, H, W, 3]`` -> N pictures.

    Raises:
        ShapeError: not an IMAGE.
    """
    return to_pil(images.from_host(image))
