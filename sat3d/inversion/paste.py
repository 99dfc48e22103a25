"""An edited crop back into its photo, at the photo's own resolution."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import ShapeError
from .align import Crop, check_photo, turn, turn_upright
from .resampling import resample

FEATHER = 0.08  # of the crop's side: how wide the seam is


def paste_back(
    photo: Tensor,
    edited: Tensor,
    crop: Crop,
    before: Tensor | None = None,
    mask: Tensor | None = None,
    feather: float = FEATHER,
) -> Tensor:
    """``photo [1, 3, H, W]`` with ``edited [1, 3, S, S]`` where ``crop`` was cut; the seam is feathered.

    ``before [1, 3, S, S]``: the unedited crop, or its picture by the generator: then only the difference is added, and
    details of the photo that no crop has are kept; an unedited crop leaves the photo as it is. Without it the crop
    itself is put in. ``mask [1, 1, S, S]`` 0..1: where the edit is wanted.

    Raises:
        ShapeError: not a photo, a crop outside of it, crops of other shapes.
    """
    check_crops(photo, edited, before, mask)
    if crop.quarter_turns:
        upright = turn_upright(photo, crop)
        return turn(paste_back(upright[0], edited, upright[1], before, mask, feather), -crop.quarter_turns)
    pixels = pixels_of(photo, crop)
    x0, y0, x1, y1 = pixels
    weight = make_seam(crop, pixels, feather).to(photo)
    if mask is not None:
        weight = weight * enlarge(mask, crop, pixels).clamp(0, 1).to(photo)
    own = photo[:, :, y0:y1, x0:x1]
    if before is None:
        new = torch.lerp(own, enlarge(edited, crop, pixels).to(photo), weight)
    else:
        new = own + weight * enlarge(edited - before.to(edited), crop, pixels).to(photo)
    result = photo.clone()
    result[:, :, y0:y1, x0:x1] = torch.where(weight > 0, new.clamp(-1, 1), own)
    return result


def check_crops(photo: Tensor, edited: Tensor, before: Tensor | None, mask: Tensor | None) -> None:
    """
    Raises:
        ShapeError: not a photo, or not crops, of three channels and a mask of one.
    """
    check_photo(photo)
    for name, picture, channels in (("edited", edited, 3), ("before", before, 3), ("mask", mask, 1)):
        _check_square(name, picture, channels)


def pixels_of(photo: Tensor, crop: Crop) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of ``photo [1, 3, H, W]`` that a crop covers.

    Raises:
        ShapeError: it covers none.
    """
    height, width = photo.shape[2:]
    x0, x1 = max(0, math.floor(crop.left)), min(width, math.ceil(crop.left + crop.side))
    y0, y1 = max(0, math.floor(crop.top)), min(height, math.ceil(crop.top + crop.side))
    if x1 <= x0 or y1 <= y0:
        raise ShapeError("The crop lies outside of the photo", crop, f"a square that meets 0 … {width}, 0 … {height}",
                         "use the crop that was cut from this photo")  # fmt: skip
    return x0, y0, x1, y1


def make_seam(crop: Crop, pixels: tuple[int, int, int, int], feather: float = FEATHER) -> Tensor:
    """``[1, 1, h, w]`` for the photo's ``pixels``: 0 at the crop's edge, 1 from ``feather`` sides inwards.

    Smooth (3t² − 2t³ of the distance), so that the seam has no kink.
    """
    x0, y0, x1, y1 = pixels
    x = (torch.arange(x0, x1) + 0.5 - crop.left) / crop.side
    y = (torch.arange(y0, y1) + 0.5 - crop.top) / crop.side
    ramps = []
    for part in (x, y):
        t = (torch.minimum(part, 1 - part) / max(feather, 1e-6)).clamp(0, 1)
        ramps.append(t * t * (3 - 2 * t))
    return (ramps[1][:, None] * ramps[0][None, :])[None, None]


def enlarge(picture: Tensor, crop: Crop, pixels: tuple[int, int, int, int]) -> Tensor:
    """The part of a crop that covers the photo's ``pixels``."""
    x0, y0, x1, y1 = pixels
    scale = picture.shape[-1] / crop.side
    left, right = ((x - crop.left) * scale for x in (x0, x1))
    top, bottom = ((y - crop.top) * scale for y in (y0, y1))
    return resample(picture, (left, top, right, bottom), (x1 - x0, y1 - y0))


def _check_square(name: str, picture: Tensor | None, channels: int) -> None:
    if picture is None:
        return
    square = picture.ndim == 4 and picture.shape[:2] == (1, channels) and picture.shape[2] == picture.shape[3]
    if not square or not torch.isfinite(picture).all():
        raise ShapeError(f"Not a crop: {name}", tuple(picture.shape), f"[1, {channels}, S, S], finite",
                         "pass pictures of the size of the crop")  # fmt: skip


def widen_mask(mask: Tensor, share: float = 0.02) -> Tensor:
    """``[1, 1, S, S]`` 0..1 grown by ``share`` of its side and blurred as much: an edit's soft surroundings.

    Down, then across: of a wide seam the windows would have a hundred thousand pixels.
    """
    reach = max(1, round(share * mask.shape[-1]))
    windows = (((2 * reach + 1, 1), (reach, 0)), ((1, 2 * reach + 1), (0, reach)))
    for window, padding in windows:
        mask = F.max_pool2d(mask, window, 1, padding)
    for window, padding in windows:
        mask = F.avg_pool2d(mask, window, 1, padding, count_include_pad=False)
    return mask
