"""The one place that converts pictures: the core has ``[B, 3, H, W]`` -1..1, the host ``[B, H, W, 3]`` 0..1."""

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from ..sat3d.errors import ShapeError


def to_host(image: Tensor) -> Tensor:
    """``[B, 3, H, W]`` about -1..1 -> IMAGE ``[B, H, W, 3]`` float32, clamped to 0..1."""
    return (image.float() * 0.5 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).contiguous()


def from_host(image: Tensor) -> Tensor:
    """IMAGE ``[B, H, W, 3]`` (an alpha channel is dropped) -> ``[B, 3, H, W]`` -1..1.

    Raises:
        ShapeError: not an IMAGE.
    """
    if image.ndim != 4 or image.shape[3] < 3:
        raise ShapeError("Not a picture", tuple(image.shape), "[batch, height, width, 3]", "connect an IMAGE")
    return image[..., :3].float().permute(0, 3, 1, 2).contiguous() * 2 - 1


def to_preview(image: Tensor) -> Image.Image:
    """The first of ``[B, 3, H, W]`` -1..1 as a PIL picture."""
    return Image.fromarray((to_host(image[:1])[0] * 255).round().to("cpu", torch.uint8).numpy())


def resize_map(values: Tensor, size: tuple[int, int]) -> Tensor:
    """``[B, 1, r, r]`` at the size of the picture, so that maps and frames stay aligned."""
    if tuple(values.shape[2:]) == tuple(size):
        return values
    return interpolate(values, size, mode="bilinear", align_corners=False)


def grey_image(values: Tensor) -> Tensor:
    """``[B, 1, H, W]`` 0..1 -> IMAGE ``[B, H, W, 3]``."""
    return values.permute(0, 2, 3, 1).expand(-1, -1, -1, 3).contiguous()


def to_mask(values: Tensor) -> Tensor:
    """``[B, 1, H, W]`` -> MASK ``[B, H, W]`` 0..1."""
    return values[:, 0].clamp(0, 1).contiguous()
