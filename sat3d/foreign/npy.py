"""Arrays as NumPy saves them, ``.npy`` and ``.npz``, read without NumPy's reader: nothing is unpickled or evaluated.

Facts about the format: a mark, a version, the length of a header, the header (a Python dictionary as text), the
numbers. An ``.npz`` is a zip archive of such files, packed or not.
"""

from __future__ import annotations

import math
import re
import zlib
from zipfile import ZIP_DEFLATED

import numpy as np

from .archives import ZIP, entries_of, place_of

MAGIC = b"\x93NUMPY"
# The header is matched here and never evaluated.
_HEADER = re.compile(
    r"\{'descr': '([<>|=]?)([a-zA-Z])([0-9]*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \} *\n?"
)
_MAX_AXES = 4
_FLOATS = ("f2", "f4", "f8")


class NoArray(ValueError):
    """Why these bytes are not the array that was asked for; whoever asked makes an error for people of it."""


def read_npy(data: memoryview, kinds: tuple[str, ...] = _FLOATS, of: str = "floating-point numbers") -> np.ndarray:
    """The array of an ``.npy`` file, of at most four axes and one of ``kinds``, called ``of``; in its own type.

    Raises:
        NoArray: damaged, or of another kind.
    """
    version = data[6] if len(data) > 12 else 0
    if version not in (1, 2, 3):
        raise NoArray("the header of its array is cut off, or of an unknown kind")
    width = 2 if version == 1 else 4
    length = int.from_bytes(data[8 : 8 + width], "little")
    start = 8 + width + length
    header = _HEADER.fullmatch(bytes(data[8 + width : min(start, len(data))]).decode("latin1"))
    if header is None:
        raise NoArray("the header of its array is damaged, or of records")
    order, kind, size, by_columns, shape = header.groups()
    if kind + size not in kinds:
        raise NoArray(f"an array of type {kind}{size}, not of {of}")
    sizes = tuple(int(number) for number in shape.replace(",", " ").split())
    count = math.prod(sizes)
    if len(sizes) > _MAX_AXES or len(data) - start != count * int(size):
        raise NoArray(f"{len(data) - start} bytes for an array of shape {list(sizes)}: it is damaged")
    array = np.frombuffer(data[start:], f"{'>' if order == '>' else '<'}{kind}{size}")
    return array.reshape(sizes, order="F" if by_columns == "True" else "C")


def npz_members(data: memoryview) -> list[str]:
    """The names of the arrays of an ``.npz`` file, with their suffix ``.npy``; none if it is another archive.

    Raises:
        FileError: not a complete archive.
    """
    if bytes(data[:4]) != ZIP:
        return []
    return [entry.filename for entry in entries_of(data) if entry.filename.endswith(".npy")]


def npz_member(data: memoryview, member: str, most_bytes: int) -> memoryview:
    """The bytes of one array of an ``.npz`` file, unpacked to at most ``most_bytes``.

    Raises:
        FileError: the archive is damaged. NoArray: so is what is packed, or it is larger.
    """
    entry = next(entry for entry in entries_of(data) if entry.filename == member)
    if entry.compress_type != ZIP_DEFLATED:
        return data[slice(*place_of(data, entry))]
    packed = data[slice(*place_of(data, entry, compressed=True))]
    try:
        return memoryview(zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most_bytes))
    except zlib.error as error:
        raise NoArray(f"its archive is damaged ({error})") from None
