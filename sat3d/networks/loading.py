"""Pictures as small networks take them: checked, and resized."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import ShapeError

SMALLEST_PICTURE_PX = 64
_LONGEST_STRIP = 4  # times as long as wide


def check_pictures(images: Tensor) -> None:
    """Refuse what is not ``[B, 3, H, W]`` of finite floats, at least 64 pixels high and wide.

    Raises:
        ShapeError: it is not.
    """
    wanted = f"[B, 3, H, W] floats in -1..1, H and W at least {SMALLEST_PICTURE_PX}"
    if images.ndim != 4 or images.shape[1] != 3 or min(images.shape[2:]) < SMALLEST_PICTURE_PX:
        raise ShapeError("Not pictures that can be judged", tuple(images.shape), wanted, "scale small pictures up")
    if not images.is_floating_point() or not torch.isfinite(images).all():
        raise ShapeError(
            "Not pictures that can be judged", f"{images.dtype}, or not finite", wanted, "check the values"
        )


def resize(images: Tensor, height: int, width: int) -> Tensor:
    """``[B, C, H, W]`` at another size: averaged areas where it shrinks, bilinear where it grows; differentiable."""
    if tuple(images.shape[2:]) == (height, width):
        return images
    if images.shape[2] >= height and images.shape[3] >= width:
        return F.interpolate(images, (height, width), mode="area")
    return F.interpolate(images, (height, width), mode="bilinear", align_corners=False)


def large_enough(images: Tensor) -> Tensor:
    """``[B, C, H, W]`` of a small generator as the judges take them: enlarged until the shorter side has 64 pixels.

    Strips stay as they are, since they would become huge: a judge refuses them.
    """
    shorter, longer = sorted(images.shape[2:])
    if shorter >= SMALLEST_PICTURE_PX or longer >= _LONGEST_STRIP * shorter:
        return images
    return resize(images, *(round(side * SMALLEST_PICTURE_PX / shorter) for side in images.shape[2:]))
