"""Pictures for people: 8-bit conversion, contact sheets, animations."""

import io
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from .errors import ConfigError, ShapeError
from .files.writing import write_bytes

_LABEL_HEIGHT_PX = 16
_BACKGROUND = (24, 24, 28)
_TEXT = (225, 225, 225)


def to_pil(images: Tensor) -> list[Image.Image]:
    """``[B, 3, H, W]`` in -1..1 -> B pictures; clamp(x·127.5 + 128), truncated, as the published scripts do.

    Raises:
        ShapeError: another shape.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise ShapeError("Not a batch of RGB images", tuple(images.shape), "[B, 3, H, W] in -1..1", "check the caller")
    eight_bit = (images.detach().float() * 127.5 + 128).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu()
    return [Image.fromarray(picture.numpy()) for picture in eight_bit]


def depth_to_grey(depth: Tensor, opacity: Tensor) -> Tensor:
    """``depth, opacity [B, 1, H, W]`` -> ``[B, 1, H, W]`` 0..1, nearest white, empty space black.

    The range is that of all views together, so that brightness means the same in each.
    """
    solid = depth[opacity > 0.5]
    near, far = (solid if solid.numel() else depth).aminmax()
    return ((far - depth) / (far - near).clamp_min(1e-6)).clamp(0, 1) * opacity.clamp(0, 1)


def contact_sheet(
    rows: Sequence[Sequence[Image.Image]], labels: Sequence[str] = (), cell_px: int = 256, gap_px: int = 6
) -> Image.Image:
    """A grid of pictures, each scaled to ``cell_px``; one label per row above it."""
    columns = max(len(row) for row in rows)
    head = _LABEL_HEIGHT_PX if labels else 0
    step_x, step_y = cell_px + gap_px, cell_px + gap_px + head
    sheet = Image.new("RGB", (columns * step_x + gap_px, len(rows) * step_y + gap_px), _BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    for r, row in enumerate(rows):
        if r < len(labels):
            pen.text((gap_px, gap_px + r * step_y), labels[r], fill=_TEXT)
        for c, picture in enumerate(row):
            sheet.paste(
                picture.resize((cell_px, cell_px), Image.Resampling.LANCZOS),
                (gap_px + c * step_x, gap_px + head + r * step_y),
            )
    return sheet


def built_in_font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font; a bitmap of one size before Pillow 10.1, or where it is built without FreeType."""
    try:
        return ImageFont.load_default(size_px)
    except (TypeError, ImportError):
        return ImageFont.load_default()


def save_picture(picture: Image.Image, path: str | os.PathLike, **options) -> None:
    """Write a picture in the format its suffix names; it appears whole or not at all.

    Args:
        options: of Pillow for that format, such as ``quality``.

    Raises:
        ConfigError: no format has this suffix, or the format cannot hold such a picture.
        FileError: it cannot be written, or the disk is full.
    """
    _save(picture, Path(path), options)


def save_animation(frames: Sequence[Image.Image], path: str | os.PathLike, fps: float = 12) -> None:
    """Write an endless animated WebP (or GIF, by suffix).

    Raises:
        ConfigError, FileError: as :func:`save_picture`.
    """
    more = {"append_images": list(frames[1:]), "duration": round(1000 / fps), "loop": 0, "quality": 85}
    _save(frames[0], Path(path), {"save_all": True, **more})


def _save(picture: Image.Image, path: Path, options: dict) -> None:
    formats = Image.registered_extensions()
    kind = formats.get(path.suffix.lower())
    if kind not in Image.SAVE:
        raise ConfigError("No kind of picture has this suffix", path.name, ".png, .jpg or .webp", "choose another name")
    encoded = io.BytesIO()
    try:
        picture.save(encoded, kind, **options)
    except (OSError, ValueError, KeyError) as error:  # what Pillow says when a format cannot hold a picture
        got = f"{picture.mode} of {picture.width} x {picture.height} pixels as {kind} ({error})"
        raise ConfigError("The picture does not fit its format", got, "another format", "name it .png") from error
    write_bytes(path, encoded.getvalue())
