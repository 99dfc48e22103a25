"""Lanczos resampling of any box of a picture. Beyond the picture its border goes on, in the weights alone: nothing is
padded, so that memory is that of the picture and of the result, whatever box is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..errors import ShapeError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_REACH = 3  # of the kernel, in pixels of the coarser of both grids
_LARGEST_BOX = 1000  # sides of the picture; there it is next to nothing in the result
_WEIGHTS_AT_ONCE = 1 << 17


def resample(image: Tensor, box: tuple[float, float, float, float], size: tuple[int, int]) -> Tensor:
    """``box`` (left, top, right, bottom in pixels) of ``[1, C, H, W]`` at ``size`` (width, height), float32.

    As Pillow's ``LANCZOS`` of a picture that is padded with its border.

    Raises:
        ShapeError: the box and the picture do not meet, or the box is over 1000 times as large.
    """
    height, width = image.shape[2:]
    left, top, right, bottom = box
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        raise ShapeError("The crop lies outside of the photo", [round(edge) for edge in box],
                         f"a square that meets 0 … {width}, 0 … {height}", "check the points or the box")  # fmt: skip
    if max(right - left, bottom - top) > _LARGEST_BOX * max(width, height):
        raise ShapeError("The crop is far larger than the photo", f"{right - left:g} pixels wide",
                         f"a side of at most {_LARGEST_BOX * max(width, height)} pixels",
                         "check the points or the box")  # fmt: skip
    columns, across = _weights(left, right, width, size[0])
    rows, down = _weights(top, bottom, height, size[1])
    part = image[0, :, rows, columns].float().cpu()
    channels = [down @ (across @ channel.numpy().T).T for channel in part]
    return torch.from_numpy(np.stack(channels))[None].to(image.device)


def _weights(start: float, end: float, count: int, size: int) -> tuple[slice, csr_array]:
    """Which of ``count`` pixels are needed, n of them, and by which weights ``[size, n]`` they make the result."""
    from scipy.sparse import csr_array, vstack  # takes a while to import

    parts = list(_rows_of_weights(start, end, count, size))
    whole = csr_array(vstack(parts) if len(parts) > 1 else parts[0])
    first, last = int(whole.indices.min()), int(whole.indices.max()) + 1
    return slice(first, last), whole[:, first:last]


def _rows_of_weights(start: float, end: float, count: int, size: int) -> Iterator[csr_array]:
    from scipy.sparse import coo_array

    step = (end - start) / size
    stretch = max(step, 1.0)
    taps = int(np.ceil(2 * _REACH * stretch)) + 1
    at_once = max(1, _WEIGHTS_AT_ONCE // taps)
    for begin in range(0, size, at_once):
        centres = start + (np.arange(begin, min(begin + at_once, size))[:, None] + 0.5) * step
        first, last = (np.floor(centres + side * _REACH * stretch + 0.5) for side in (-1, 1))
        pixels = first + np.arange(taps)
        kernel = np.where(pixels < last, _lanczos((pixels + 0.5 - centres) / stretch), 0)
        kernel = (kernel / kernel.sum(1, keepdims=True)).astype(np.float32)
        within = pixels.clip(0, count - 1).astype(np.int64)  # beyond the border its last pixel counts instead
        row = np.arange(len(centres)).repeat(taps)
        yield coo_array((kernel.ravel(), (row, within.ravel())), shape=(len(centres), count)).tocsr()


def _lanczos(x: np.ndarray) -> np.ndarray:
    """sinc(x) · sinc(x / 3) within 3 of 0, with sinc(x) = sin(πx) / (πx)."""
    return np.where(np.abs(x) < _REACH, np.sinc(x) * np.sinc(x / _REACH), 0)
