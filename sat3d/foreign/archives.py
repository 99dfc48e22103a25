"""Zip archives that ``torch.save`` writes: where in the file each part lies. Nothing is unpacked.

Facts about the format: since torch 1.6 a zip archive that is not compressed, with a pickle ``data.pkl`` and a file
``data/<key>`` for each storage.
"""

import encodings.cp437  # noqa: F401 - zipfile's for old names: so that no file decides what is imported
import io
import struct
import zipfile

from .values import damaged

ZIP = b"PK\x03\x04"
_MOST_BYTES_AT_ONCE = 1 << 20  # of an archive's list of contents


class _Window(io.RawIOBase):
    """The bytes of a file as zipfile reads them: not copied, and never many at once."""

    def __init__(self, data: memoryview):
        self._data, self._at = data, 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence])
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, count: int = -1) -> bytes:
        count = len(self._data) if count is None or count < 0 else count
        part = self._data[self._at : self._at + count]
        if len(part) > _MOST_BYTES_AT_ONCE:
            raise zipfile.BadZipFile("its list of contents is too long")
        self._at += len(part)
        return bytes(part)


def zip_places(data: memoryview) -> dict[str, tuple[int, int]]:
    """Name -> where in the file its bytes lie.

    Raises:
        FileError: not a complete archive, or one that is compressed.
    """
    return {entry.filename: place_of(data, entry) for entry in entries_of(data)}


def entries_of(data: memoryview) -> list[zipfile.ZipInfo]:
    """The archive's list of contents.

    Raises:
        FileError: not a complete archive.
    """
    try:
        with zipfile.ZipFile(_Window(data)) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, EOFError) as error:
        raise damaged("it is not a complete zip archive", error) from None


def place_of(data: memoryview, entry: zipfile.ZipInfo, compressed: bool = False) -> tuple[int, int]:
    """Where in the file an entry's bytes lie; ``compressed``: as they are, to be unpacked by whoever asks.

    Raises:
        FileError: compressed otherwise, encrypted or cut off.
    """
    at = entry.header_offset
    if not 0 <= at <= len(data) - 30:
        raise damaged("its archive is truncated", entry.filename[:60])
    mark, name, extra = struct.unpack("<4s22xHH", data[at : at + 30])
    start = at + 30 + name + extra
    if mark != ZIP or (entry.compress_type != zipfile.ZIP_STORED and not compressed) or entry.flag_bits & 1:
        raise damaged("its archive is compressed, encrypted, or has lost an entry", entry.filename[:60])
    size = entry.compress_size if compressed else entry.file_size
    if start + size > len(data):
        raise damaged("its archive is truncated", entry.filename[:60])
    return start, start + size
