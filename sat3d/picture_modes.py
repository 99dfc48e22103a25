"""RGB values of a picture of any PIL mode: scaled by what the mode can hold, never clipped."""

from __future__ import annotations

import numpy as np
from PIL import Image

from .errors import ShapeError

_EIGHT_BIT, _SIXTEEN_BIT = 255, 65535
_WITH_ALPHA = ("RGBA", "LA", "PA", "RGBa", "La")
_EIGHT_BIT_MODES = ("1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", *_WITH_ALPHA)
_BROKEN = (OSError, ValueError, TypeError, SyntaxError, EOFError)  # what Pillow raises over files that are cut short
_UNMULTIPLIED = {"La": "LA"}  # Pillow converts premultiplied grey to this mode alone


def rgb_values(picture: Image.Image) -> np.ndarray:
    """A picture of any mode -> ``[H, W, 3]`` float32 in 0..1; grey as RGB, alpha over white, the frame it stands at.

    Grey of 16 bits, and 32-bit integers that fit into 16 bits, are divided by 65535. Floats are 0..1, or 0..255 where
    one is above 1. Colours of 16 bits per channel are 8 bits already when Pillow has read them. LAB is seen through
    Pillow's colour management, CMYK without a profile.

    Example:
        >>> rgb_values(Image.new("I;16", (1, 1), 13107)).tolist()
        [[[0.20000000298023224, 0.20000000298023224, 0.20000000298023224]]]

    Raises:
        ShapeError: no pixels, a mode unknown here, values out of range, NaN, or a file that cannot be read to its end.
    """
    if 0 in picture.size:
        raise ShapeError("The picture has no pixels", f"{picture.width} x {picture.height}", "at least one pixel",
                         "choose another picture")  # fmt: skip
    if picture.mode in _EIGHT_BIT_MODES:
        return _from_eight_bit(picture)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return _from_grey(picture)
    raise ShapeError("Pictures of this mode are not known", picture.mode, f"{', '.join(_EIGHT_BIT_MODES)}, I;16, I, F",
                     "convert the picture to RGB")  # fmt: skip


def rgb_picture(picture: Image.Image) -> Image.Image:
    """A picture of any mode as 8-bit ``RGB``; see :func:`rgb_values`."""
    return Image.fromarray(np.rint(rgb_values(picture) * _EIGHT_BIT).astype(np.uint8))


def _from_eight_bit(picture: Image.Image) -> np.ndarray:
    with_alpha = picture.mode in _WITH_ALPHA or "transparency" in picture.info
    try:
        picture = picture.convert(_UNMULTIPLIED.get(picture.mode, picture.mode))
        values = np.asarray(picture.convert("RGBA" if with_alpha else "RGB"), np.float32) / _EIGHT_BIT
    except (*_BROKEN, ImportError) as error:  # Pillow may be built without colour management
        raise _unreadable(picture, error) from error
    return _over_white(values[..., :3], values[..., 3:]) if with_alpha else values


def _from_grey(picture: Image.Image) -> np.ndarray:
    try:
        levels = np.asarray(picture).astype(np.float64)
    except _BROKEN as error:
        raise _unreadable(picture, error) from error
    values = (levels / _whole_range(levels, picture.mode)).astype(np.float32)[..., None].repeat(3, -1)
    clear = picture.info.get("transparency")  # PNG: the one level that is
    return values if clear is None else _over_white(values, (levels != clear)[..., None])


def _whole_range(levels: np.ndarray, mode: str) -> int:
    """What white is, by the mode and the values."""
    if not np.isfinite(levels).all():
        raise ShapeError("The picture holds NaN or infinite numbers", f"mode {mode}", "finite numbers",
                         "check the program that wrote it")  # fmt: skip
    low, high = levels.min(), levels.max()
    most = _EIGHT_BIT if mode == "F" else _SIXTEEN_BIT
    if low < 0 or high > most:
        raise ShapeError("It is not known what is black and white in this picture",
                         f"mode {mode}, values {low:g} to {high:g}",
                         "0 to 1, or 0 to 255" if mode == "F" else f"0 to {most}",
                         "scale its values, or save it as 8-bit or 16-bit PNG")  # fmt: skip
    return 1 if mode == "F" and high <= 1 else most


def _over_white(values: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return (values * alpha + (1 - alpha)).astype(np.float32)


def _unreadable(picture: Image.Image, error: Exception) -> ShapeError:
    return ShapeError("The picture cannot be read", f"mode {picture.mode}: {error}", "a whole picture file",
                      "open it in a picture program and save it as PNG or JPEG")  # fmt: skip
