"""Pictures at the size that an image-text model takes: as Pillow resizes them for open_clip, but differentiable."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import ConfigError

_HALF_RANGE = 127.5  # 8-bit levels from 0 to 1 of -1..1
_TIE = 0.5 + 2e-4  # a tie goes up, as in Pillow's whole numbers; the rest is more than what floats lose on the way


@dataclass(frozen=True)
class Resizing:
    """How a model's pictures came to its size.

    ``mode``: ``squash`` to its shape, or ``shortest``: the shorter side fits and the middle is cut out, as most of the
    published models were trained. ``interpolation``: ``bicubic`` or ``bilinear``, both with antialiasing.
    """

    mode: str = "squash"
    interpolation: str = "bicubic"

    def __post_init__(self):
        if self.mode not in ("squash", "shortest") or self.interpolation not in ("bicubic", "bilinear"):
            raise ConfigError(
                "The model's pictures come to their size in a way that is not supported",
                self,
                "squash or shortest; bicubic or bilinear",
                "choose another model",
            )

    def __call__(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """``[B, 3, H, W]`` in -1..1 -> ``[B, 3, *size]``; pictures of that size already come back as they are."""
        if self.mode == "squash":
            return self._resize(images, size)
        return _middle(self._resize(images, _covering(images.shape[2:], size)), size)

    def _resize(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """First along rows, then along columns, each to whole levels of 8 bits, as Pillow does it.

        Of a tall picture to be squashed, newer versions take the columns first; some levels then differ by one.
        """
        height, width = size
        for step in ((images.shape[2], width), (height, width)):
            if tuple(images.shape[2:]) != step:
                finer = F.interpolate(
                    images.float(), step, mode=self.interpolation, antialias=True, align_corners=False
                )
                images = whole_levels(finer).to(images.dtype)
        return images


def whole_levels(images: Tensor) -> Tensor:
    """-1..1 to the nearest of 256 levels, with the gradient of the identity: rounding and clamping would stop it.

    Example:
        >>> whole_levels(torch.tensor([-1.3, 0.0, 0.99]))  # levels 0, 128 and 254
        tensor([-1.0000,  0.0039,  0.9922])
    """
    levels = (images.detach() * _HALF_RANGE + (_HALF_RANGE + _TIE)).floor().clamp(0, 2 * _HALF_RANGE)
    return images + (levels / _HALF_RANGE - 1 - images.detach())


def _covering(size: torch.Size, wanted: tuple[int, int]) -> tuple[int, int]:
    """The shape of a picture whose shorter side is ``wanted``, a square's, and whose sides keep their ratio."""
    side, short = wanted[0], min(size)
    height, width = (side if length == short else int(side * length / short) for length in size)
    return height, width


def _middle(images: Tensor, size: tuple[int, int]) -> Tensor:
    top, left = (round((length - wanted) / 2) for length, wanted in zip(images.shape[2:], size, strict=True))
    return images[:, :, top : top + size[0], left : left + size[1]]
