"""Motions as files: ``.npz`` (arrays, small) and ``.json`` (readable, for other programs); nothing in them is run.

Both hold the same numbers to the bit. The ``.npz`` has the arrays ``values``, ``gaze_rad``, ``pose_rad`` (float32) and
``header``, the bytes of a JSON text with all else; the ``.json`` has everything in one object.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import ConfigError, FileError, Sat3dError
from ..files.reading import read_bytes
from ..files.writing import write_bytes
from ..foreign.npy import NoArray, npz_member, npz_members, read_npy
from .motion import MOST_FRAMES, Motion

SCHEMA = "sat3d-motion/1"
SUFFIXES = (".npz", ".json")
WANTED = "a motion, as Save Motion or training/animate.py writes it"
MOST_BYTES = 1 << 28
_ARRAYS = ("values", "gaze_rad", "pose_rad")
_HEADER = "header"


def save_motion(motion: Motion, path: str | os.PathLike, overwrite: bool = True) -> None:
    """Write a motion in the form that its suffix names; the file appears whole or not at all.

    Raises:
        ConfigError: another suffix. FileError: see :func:`sat3d.files.writing.write_bytes`.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError("No kind of motion file has this suffix", Path(path).name, " or ".join(SUFFIXES),
                          "choose another name")  # fmt: skip
    write_bytes(path, _as_npz(motion) if suffix == ".npz" else _as_json(motion), overwrite)


def load_motion(path: str | os.PathLike) -> Motion:
    """Read a motion.

    Raises:
        FileError: missing, damaged, of another kind, too large, or numbers that no face has.
    """
    path = Path(path)
    data = read_bytes(path, WANTED, MOST_BYTES)
    contents = read_arrays(data, path.name) if data[:2] == b"PK" else read_object(data, path.name)
    if _HEADER in contents:
        text = np.asarray(contents.pop(_HEADER)).tobytes()
        contents = {**contents, **read_object(text, path.name)}
    return _motion_of(contents, path.name)


def refusal(name: str, got: object) -> FileError:
    """Why a file is not the motion that it should be."""
    return FileError("The file holds no motion of a face", f"{name}: {got}", WANTED, "choose another file")


def read_object(data: bytes, name: str) -> dict[str, Any]:
    """The object of a JSON text.

    Raises:
        FileError: no JSON, or no object.
    """
    try:
        found = json.loads(data.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise refusal(name, f"it is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise refusal(name, f"a {type(found).__name__}, not an object")
    return found


def read_arrays(data: bytes, name: str) -> dict[str, np.ndarray]:
    """The arrays of an ``.npz`` file by name: floating-point numbers, and bytes.

    Raises:
        FileError: damaged, of other types, or too large.
    """
    found: dict[str, np.ndarray] = {}
    left = MOST_BYTES
    try:
        for member in npz_members(memoryview(data)):
            raw = npz_member(memoryview(data), member, left)
            found[member.removesuffix(".npy")] = read_npy(raw, ("f2", "f4", "f8", "u1"), "numbers or bytes")
            left -= len(raw)
    except NoArray as error:
        raise refusal(name, error) from None
    except FileError as error:
        raise refusal(name, f"{error.what} ({error.got})") from None
    if not found:
        raise refusal(name, "no arrays")
    return found


def numbers(value: object, name: str, what: str) -> Tensor:
    """``[T, C]`` float32 of an array, or of a list of lists of numbers.

    Raises:
        FileError: something else, NaN or infinite.
    """
    if isinstance(value, list):
        rows = [row if isinstance(row, list) else [row] for row in value]
        plain = all(type(x) in (int, float) for row in rows for x in row)
        if not plain or len({len(row) for row in rows}) != 1:
            raise refusal(name, f"{what} is no table of numbers")
        value = _array_of(rows, name, what)
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or not 1 <= value.ndim <= 3 or not value.size:
        raise refusal(name, f"{what} is no table of numbers")
    table = np.ascontiguousarray(value.reshape(len(value), -1), dtype=np.float32)
    if len(table) > MOST_FRAMES or not np.isfinite(table).all():
        raise refusal(name, f"{what} of shape {list(value.shape)}, or NaN or infinite numbers in it")
    return torch.from_numpy(table.copy())


def _array_of(rows: list[list[float]], name: str, what: str) -> np.ndarray:
    try:
        return np.array(rows, np.float32).reshape(len(rows), -1)
    except OverflowError as error:  # a whole number of a thousand digits
        raise refusal(name, f"{what} holds huge numbers") from error


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _motion_of(contents: Mapping[str, Any], name: str) -> Motion:
    if contents.get("schema") != SCHEMA:
        raise refusal(name, f"schema {contents.get('schema')!r}, not {SCHEMA}")
    parts = {part: numbers(contents.get(part), name, part) for part in _ARRAYS}
    names, fps = contents.get("names"), contents.get("fps")
    if not isinstance(names, list) or not isinstance(fps, int | float):
        raise refusal(name, "no list of names, or no fps")
    frames = len(parts["values"])
    missing = torch.zeros(frames, dtype=torch.bool)
    missing[_frames_in(contents, "missing", frames, name)] = True
    starts = tuple(_frames_in(contents, "starts", frames, name))
    called = contents.get("name", "")
    try:
        return Motion(tuple(names), **parts, fps=float(fps), missing=missing, starts=starts,
                      name=called if isinstance(called, str) else "")  # fmt: skip
    except (Sat3dError, OverflowError) as error:
        raise refusal(name, error) from error


def _frames_in(contents: Mapping[str, Any], key: str, frames: int, name: str) -> list[int]:
    listed = contents.get(key, [])
    if not isinstance(listed, list) or not all(type(i) is int and 0 <= i < frames for i in listed):
        raise refusal(name, f"{key} is no list of frames")
    return listed


def _facts(motion: Motion) -> dict[str, Any]:
    missing = (~motion.seen).nonzero()[:, 0].tolist()
    return {"schema": SCHEMA, "name": motion.name, "fps": motion.fps, "names": list(motion.names),
            "missing": missing, "starts": list(motion.starts)}  # fmt: skip


def _as_npz(motion: Motion) -> bytes:
    stream = io.BytesIO()
    header = np.frombuffer(json.dumps(_facts(motion)).encode(), np.uint8)
    arrays = {part: _plain(getattr(motion, part)) for part in _ARRAYS}
    np.savez_compressed(stream, header=header, values=arrays["values"], gaze_rad=arrays["gaze_rad"],
                        pose_rad=arrays["pose_rad"])  # fmt: skip
    return stream.getvalue()


def _as_json(motion: Motion) -> bytes:
    """With the shortest numbers that are the same ones in float32."""
    lines = [f'"{key}": {json.dumps(value)}' for key, value in _facts(motion).items()]
    for part in _ARRAYS:
        rows = ",\n".join(f"[{', '.join(map(_shortest, row))}]" for row in _plain(getattr(motion, part)))
        lines.append(f'"{part}": [\n{rows}]')
    return ("{" + ",\n".join(lines) + "}\n").encode()


def _plain(part: Tensor) -> np.ndarray:
    return part.detach().cpu().float().numpy()


def _shortest(number: np.float32) -> str:
    return np.format_float_positional(number, trim="0")
