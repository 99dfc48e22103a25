"""The target of an inversion: a picture, cropped as the generator's own are, with loss weights per pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ShapeError
from ..networks.loading import resize

SMALLEST_PX = 16
_LEAST_SPREAD = 1e-3  # of the values -1..1: below, the picture is one plain colour
_LEAST_SHARE = 0.01  # of the pixels must count
_EPS = 1e-6


@dataclass(frozen=True)
class Target:
    """``image [1, 3, S, S]`` in -1..1; ``weight [1, 1, S, S]`` 0..1 of each pixel, or None: all count."""

    image: Tensor
    weight: Tensor | None = None

    def at(self, sharpness: float) -> Target:
        """As sharp as a picture is that is rendered with this share (0..1) of the generator's own rays per side."""
        resolution = max(1, round(sharpness * self.image.shape[-1]))
        if sharpness >= 1:
            return self
        if self.weight is None:
            return Target(_blur(self.image, resolution))
        seen = _blur(self.weight, resolution).clamp_min(_EPS)  # what does not count must not bleed into the rest
        return Target(_blur(self.image * self.weight, resolution) / seen, self.weight)


def make_target(image: Tensor, size: int, weight: Tensor | None = None) -> Target:
    """A picture ``[1, 3, H, W]`` in -1..1 at the generator's ``size``; ``weight [1, 1, h, w]`` 0..1, of any size.

    An oblong picture is cut to the square in its middle.

    Raises:
        ShapeError: not one RGB picture, too small, NaN or infinite, of one plain colour, or hardly a pixel that counts.
    """
    check_picture(image)
    image = resize(square_in_the_middle(image.detach().float().clone()), size, size).clamp(-1, 1)
    if weight is None:
        return Target(image)
    if weight.ndim != 4 or weight.shape[:2] != (1, 1) or not torch.isfinite(weight).all():
        raise ShapeError(
            "The mask is not usable", tuple(weight.shape), "[1, 1, H, W], finite", "connect a mask of the picture"
        )
    weight = resize(square_in_the_middle(weight.detach().float().clone()), size, size).clamp(0, 1).to(image.device)
    if weight.mean() < _LEAST_SHARE:
        raise ShapeError(
            "The mask leaves nothing to reproduce",
            f"{float(weight.mean()):.2%} of the picture",
            f"at least {_LEAST_SHARE:.0%}",
            "mask less of the picture, or invert the mask",
        )
    return Target(image, weight)


def check_picture(image: Tensor) -> None:
    """Refuse what no head can be found in.

    Raises:
        ShapeError: see :func:`make_target`.
    """
    wanted = f"[1, 3, H, W] in -1..1, at least {SMALLEST_PX} pixels per side"
    if image.ndim != 4 or image.shape[:2] != (1, 3) or not image.is_floating_point():
        raise ShapeError("Not a picture that can be inverted", f"{tuple(image.shape)} of {image.dtype}", wanted,
                         "pass one RGB picture at a time")  # fmt: skip
    if min(image.shape[2:]) < SMALLEST_PX:
        size = f"{image.shape[3]} × {image.shape[2]} pixels"
        raise ShapeError("The picture is too small to be inverted", size, wanted, "use a larger picture of the head")
    if not torch.isfinite(image).all():
        raise ShapeError("The picture holds NaN or infinite numbers", "NaN or infinity", wanted,
                         "check the step that made the picture")  # fmt: skip
    if image.float().std() < _LEAST_SPREAD:
        raise ShapeError("The picture shows nothing", "one plain colour, such as black", "a picture of a head",
                         "check that the right picture is connected")  # fmt: skip


def square_in_the_middle(image: Tensor) -> Tensor:
    """``[B, C, H, W]`` -> ``[B, C, S, S]``, S the shorter side."""
    height, width = image.shape[2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[:, :, top : top + side, left : left + side]


def _blur(image: Tensor, resolution: int) -> Tensor:
    size = image.shape[-1]
    return resize(resize(image, resolution, resolution), size, size)
