"""The one place that converts pictures: the core has ``[B, 3, H, W]`` -1..1, the host ``[B, H, W, 3]`` 0..1."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from ..sat3d.errors import ShapeError
from ..sat3d.picture_modes import rgb_values
from ..sat3d.pictures import to_pil

_WHITE = {torch.uint16: 65535, torch.int16: 65535}  # of other whole numbers: 255
_LARGEST = 2.0  # beyond this, floats are surely not of 0..1: those are overshoots of at most a few tenths


def to_host(image: Tensor) -> Tensor:
    """``[B, 3, H, W]`` about -1..1 -> IMAGE ``[B, H, W, 3]`` float32, clamped to 0..1."""
    return (image.float() * 0.5 + 0.5).clamp(0, 1).permute(0, 2, 3, 1).contiguous()


def from_host(image: Tensor) -> Tensor:
    """IMAGE, of any number type and 1 to 4 channels, see :func:`as_image` -> ``[B, 3, H, W]`` -1..1.

    Raises:
        ShapeError: not an IMAGE, or an empty one.
    """
    return as_image(image).permute(0, 3, 1, 2).contiguous() * 2 - 1


def as_image(image: Tensor) -> Tensor:
    """IMAGE ``[B, H, W, C]`` as every host and pack may give it -> ``[B, H, W, 3]`` float32, 0..1 up to overshoots.

    Grey (1 channel) becomes RGB, alpha (the 2nd or 4th channel) is dropped. Floats of any precision are 0..1, bytes and
    other whole numbers 0..255, those of 16 bits 0..65535. NaN passes: whether it matters, the nodes decide.

    Raises:
        ShapeError: another shape, nothing in it, or numbers of another range.
    """
    if image.ndim != 4 or not 1 <= image.shape[3] <= 4:
        raise ShapeError("Not a picture", tuple(image.shape), "[batch, height, width, channels] with 1 to 4 channels",
                         _advice(image))  # fmt: skip
    _check_filled("There is no picture", image)
    values = _unit_range("picture", image)
    return values[..., :3] if image.shape[3] >= 3 else values[..., :1].expand(-1, -1, -1, 3)


def mask_from_host(mask: Tensor) -> Tensor:
    """MASK ``[B, h, w]``, ``[h, w]`` or ``[B, 1, h, w]``, of any number type as in :func:`as_image` -> ``[B, h, w]``
    float32, clamped to 0..1.

    Raises:
        ShapeError: another shape, nothing in it, numbers of another range, or NaN.
    """
    shape = tuple(mask.shape)
    if mask.ndim == 4 and shape[1] == 1:
        mask = mask[:, 0]
    if mask.ndim == 2:
        mask = mask[None]
    if mask.ndim != 3:
        raise ShapeError("The mask is not usable", shape, "[batch, height, width]", "connect a MASK")
    _check_filled("There is no mask", mask)
    values = _unit_range("mask", mask)
    if not torch.isfinite(values).all():
        raise ShapeError("The mask is not usable", "NaN or infinite numbers", "finite numbers",
                         "check the step that made the mask")  # fmt: skip
    return values.clamp(0, 1)


def _advice(image: Tensor) -> str:
    if image.ndim == 3:
        return ("add the batch as first axis" if image.shape[2] in (3, 4) else
                "a mask becomes a picture by Convert Mask to Image")  # fmt: skip
    return "connect an IMAGE"


def _check_filled(what: str, values: Tensor) -> None:
    """The one check for empty batches and pictures without pixels."""
    if not values.numel():
        raise ShapeError(what, f"{len(values)} of {values.shape[2]} x {values.shape[1]} pixels", "at least one, with "
                         "pixels", "check the step before: what it gave is empty")  # fmt: skip


def _unit_range(name: str, values: Tensor) -> Tensor:
    """float32 0..1 of numbers of any type."""
    if values.is_complex():
        raise ShapeError(f"The {name} is of complex numbers", values.dtype, "floats 0 to 1", "take their real part")
    white = 1 if values.is_floating_point() or values.dtype == torch.bool else _WHITE.get(values.dtype, 255)
    dtype, values = values.dtype, values.float()
    low, high = _range(values)
    if high > _LARGEST * white or (white > 1 and (low < 0 or high > white)):
        raise ShapeError(f"The {name} is not scaled as pictures are", f"{dtype} from {low:g} to {high:g}", f"0 to "
                         f"{white}", "divide 0 … 255 by 255; clamp to 0 … 1 what is brighter than white")  # fmt: skip
    return values / white if white > 1 else values


def _range(values: Tensor) -> tuple[float, float]:
    low, high = (float(end) for end in values.aminmax())
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    finite = values[torch.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)


@contextmanager
def naming(i: int, count: int) -> Iterator[None]:
    """What is refused inside is said of picture ``i`` (from 0) where there are several."""
    try:
        yield
    except ShapeError as error:
        if count == 1:
            raise
        raise error.at(name_pictures([i], count).capitalize()) from error


def name_pictures(where: Sequence[int], count: int) -> str:
    """Pictures, counted from 0, as people count: "picture 3 of 8", "pictures 3, 4 of 8"."""
    return f"picture{'s' * (len(where) > 1)} {', '.join(str(i + 1) for i in where)} of {count}"


def nth(parts: Tensor | Sequence[Any], i: int) -> Any:
    """The one of picture ``i``; a single one serves all."""
    return parts[i if len(parts) > 1 else 0]


def from_pictures(pictures: Sequence[Image.Image]) -> Tensor:
    """Pictures of one size, such as drawn charts -> IMAGE ``[N, H, W, 3]`` float32, 0..1."""
    return torch.from_numpy(np.stack([rgb_values(picture) for picture in pictures]))


def to_pictures(image: Tensor) -> list[Image.Image]:
    """IMAGE ``[N, H, W, C]`` -> N pictures.

    Raises:
        ShapeError: not an IMAGE.
    """
    return to_pil(from_host(image))


def to_preview(image: Tensor) -> Image.Image:
    """The first of ``[B, 3, H, W]`` -1..1 as a PIL picture."""
    return Image.fromarray((to_host(image[:1])[0] * 255).round().to("cpu", torch.uint8).numpy())


def resize_map(values: Tensor, size: Sequence[int]) -> Tensor:
    """``[B, 1, r, r]`` at the size of the picture, so that maps and frames stay aligned."""
    if tuple(values.shape[2:]) == tuple(size):
        return values
    return interpolate(values, list(size), mode="bilinear", align_corners=False)


def grey_image(values: Tensor) -> Tensor:
    """``[B, 1, H, W]`` 0..1 -> IMAGE ``[B, H, W, 3]``."""
    return values.permute(0, 2, 3, 1).expand(-1, -1, -1, 3).contiguous()


def to_mask(values: Tensor) -> Tensor:
    """``[B, 1, H, W]`` -> MASK ``[B, H, W]`` 0..1."""
    return values[:, 0].clamp(0, 1).contiguous()
