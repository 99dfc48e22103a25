"""Reading of files that a user has named; every failure is said in words."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import FileError
from .errors import read_error


def check_file(
    path: str | os.PathLike, wanted: str, next_step: str = "check the path", missing: str = "File not found"
) -> Path:
    """``path``, if there is a plain file: a device or a pipe might never end.

    Args:
        wanted, next_step: for the message.
        missing: what the message says where there is nothing.

    Raises:
        FileError: nothing there, no plain file, no permission to look, or a name that no file can have.
    """
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError as error:
        raise FileError(missing, path, wanted, next_step) from error
    except (OSError, ValueError) as error:
        raise read_error(path, error) from error
    if not stat.S_ISREG(mode):
        raise FileError("Not a file", f"{path}, a {'folder' if stat.S_ISDIR(mode) else 'device'}", wanted, next_step)
    return Path(path)


@contextmanager
def reading(path: str | os.PathLike) -> Iterator[None]:
    """Inside, what the system says while ``path`` is read becomes an error with words.

    Raises:
        FileError: an OSError inside, or bytes that are not UTF-8.
    """
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        raise read_error(path, error) from error


def read_bytes(path: str | os.PathLike, wanted: str, most_bytes: int) -> bytes:
    """All of a plain file.

    Raises:
        FileError: see :func:`check_file`; unreadable; larger than ``most_bytes``.
    """
    path = check_file(path, wanted)
    with reading(path), path.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size > most_bytes:
            raise FileError("The file is too large", path, f"at most {most_bytes} bytes", "choose another file")
        return stream.read()


def read_text(path: str | os.PathLike, wanted: str, most_bytes: int = 1 << 24) -> str:
    """All of a plain file of text in UTF-8, with or without a mark at its beginning; lines end in ``\\n``.

    Raises:
        FileError: see :func:`read_bytes`; not UTF-8.
    """
    data = read_bytes(path, wanted, most_bytes)
    with reading(path):
        return data.decode("utf-8-sig").replace("\r\n", "\n")
