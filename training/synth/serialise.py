"""Things as JSON, and JSON inside the PNG files that show them."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sat3d.errors import FileError

_PNG_LEVEL = 6
LARGEST_JSON_BYTES = 1 << 20


def to_dict(p: Any) -> dict[str, object]:
    """Plain numbers, strings and lists, one entry a parameter."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(p).items()}


def to_json(document: object) -> str:
    """Compact JSON, the same characters for the same content."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def from_json(text: str | bytes, name: str) -> dict:
    """A JSON object; ``name`` is for the message.

    Raises:
        FileError: not JSON, not an object, or too large.
    """
    try:
        if len(text) > LARGEST_JSON_BYTES:
            raise ValueError(f"larger than {LARGEST_JSON_BYTES} bytes")
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError("Not a readable JSON file", f"{name} ({error})", "a JSON object", "check the file") from error
    if not isinstance(document, dict):
        raise FileError("Not a JSON object", f"{name} ({type(document).__name__})", "an object", "check the file")
    return document


def encode_png(pixels: np.ndarray, key: str = "", document: Mapping | None = None) -> bytes:
    """PNG bytes of ``pixels`` ([H, W, 3] or [H, W] uint8, or [H, W] uint16) with ``document`` as a text chunk called
    ``key``."""
    chunks = PngInfo()
    if document is not None:
        chunks.add_text(key, to_json(document))
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=_PNG_LEVEL, pnginfo=chunks)
    return stream.getvalue()


def read_png_document(path: str | os.PathLike, key: str) -> dict:
    """The document that :func:`encode_png` put into a file under ``key``.

    Raises:
        FileError: not a PNG, or one without our text chunk.
    """
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            text = picture.info.get(key)
    except Exception as error:  # Pillow raises many kinds on damaged files
        raise FileError("Not a readable PNG picture", f"{path} ({error})", "a PNG file", "check the file") from error
    if not isinstance(text, str):
        raise FileError(
            "This picture does not say what it shows",
            Path(path).name,
            f"a PNG with a '{key}' text chunk",
            f"use a picture that training.{key} wrote; other programs drop the text when they save",
        )
    return from_json(text, str(path))
