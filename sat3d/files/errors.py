"""Errors of the operating system about files, in words and with a next step."""

import errno
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ..errors import FileError

_ROOM = "make room on the disk, or choose another folder"
# Name in the module ``errno``, where the system has it -> (why, next step).
_REASONS = {
    "ENOSPC": ("the disk is full", _ROOM),
    "EDQUOT": ("the quota of the disk is used up", _ROOM),
    "EFBIG": ("it is too large for the disk", "choose another disk; FAT32 takes files below 4 GiB"),
    "EACCES": ("permission is denied", "check its permissions and close programs that use it, or choose another place"),
    "EPERM": ("the system does not permit it", "check its permissions, or choose another place"),
    "EROFS": ("the disk is read-only", "choose another folder"),
    "EIO": ("the disk fails, or the connection to it", "check the disk, or choose another one"),
    "ESTALE": ("the connection to the network drive is lost", "connect it again"),
    "ENAMETOOLONG": ("its name is too long", "choose a shorter name"),
    "ENOENT": ("there is no such folder", "create the folder, or check the path"),
    "ENOTDIR": ("a part of its path is a file, not a folder", "check the path"),
    "EISDIR": ("it is a folder", "give the name of a file"),
    "EEXIST": ("its name is taken", "choose another name"),
    "ELOOP": ("its links point at each other", "remove one of the links"),
    "EMFILE": ("too many files are open", "close other programs"),
    "ENFILE": ("too many files are open", "close other programs"),
}
_BY_NUMBER = {getattr(errno, name): reason for name, reason in _REASONS.items() if hasattr(errno, name)}
_MISSING = {errno.ENOENT: ("there is no such file", "check the path")}
_SPACE = {number for name in ("ENOSPC", "EDQUOT") if (number := getattr(errno, name, None))}
_WINDOWS_LONGEST_PATH = 259
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{i}" for port in ("COM", "LPT") for i in range(1, 10))}


def write_error(path: str | os.PathLike, error: Exception, size_bytes: int | None = None) -> FileError:
    """Why ``path`` could not be written; ``size_bytes``: how much was to be written, if that is known."""
    return _explain("The file cannot be written", Path(path), error, size_bytes)


def read_error(path: str | os.PathLike, error: Exception) -> FileError:
    """Why ``path`` could not be read."""
    return _explain("The file cannot be read", Path(path), error, reasons=_BY_NUMBER | _MISSING)


def folder_error(path: str | os.PathLike, error: Exception) -> FileError:
    """Why the folder ``path`` could not be made."""
    return _explain("The folder cannot be made", Path(path), error)


def _explain(
    what: str, path: Path, error: Exception, size_bytes: int | None = None, reasons: Mapping = _BY_NUMBER
) -> FileError:
    number = _number(error, path)
    why, next_step = reasons.get(number) or _own_words(error)
    got = f"{path}{_elsewhere(error, path)}{_free(path, number)}"
    return FileError(f"{what}: {why}", got, _wanted(path, number, size_bytes), next_step)


def _elsewhere(error: Exception, path: Path) -> str:
    """Another file that the error is about, such as a library's."""
    named = getattr(error, "filename", None)
    if not isinstance(named, (str, bytes, os.PathLike)) or Path(os.fsdecode(named)).parent == path.parent:
        return ""
    return f" (by {os.fsdecode(named)})"


def _number(error: Exception, path: Path) -> int | None:
    number = getattr(error, "errno", None)
    if os.name == "nt" and number == errno.ENOENT and len(str(path.absolute())) > _WINDOWS_LONGEST_PATH:
        return errno.ENAMETOOLONG  # Windows says that it finds no such path
    return number


def _own_words(error: Exception) -> tuple[str, str]:
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8", "save it as UTF-8, or choose another file"
    if isinstance(error, ValueError):  # a NUL, half a surrogate pair
        return "no file can have this name", "choose another name"
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return said.rstrip("."), "check the path and the disk"


def _free(path: Path, number: int | None) -> str:
    if number in _SPACE:
        with suppress(OSError):
            return f", where {_size(shutil.disk_usage(path.parent).free)} are free"
    return ""


def _wanted(path: Path, number: int | None, size_bytes: int | None) -> str | None:
    if number in _SPACE:
        return "more free space" if size_bytes is None else f"{_size(size_bytes)} of free space"
    if number == errno.ENAMETOOLONG:
        return f"a name of at most {_longest_name(path.parent)}, not {len(os.fsencode(path.name))}"
    return None


def _longest_name(folder: Path) -> str:
    if os.name == "nt":
        return f"255 characters, and a path of at most {_WINDOWS_LONGEST_PATH}"
    try:
        return f"{os.pathconf(folder, 'PC_NAME_MAX')} bytes"
    except (OSError, ValueError):
        return "255 bytes"


def _size(number_of_bytes: int) -> str:
    return f"{number_of_bytes} bytes" if number_of_bytes < 10_000 else f"{number_of_bytes / 1e6:.2f} MB"


def check_name(path: str | os.PathLike, windows: bool = os.name == "nt") -> None:
    """Refuse a file name that the system cannot have, or would understand as something else than a name.

    Raises:
        FileError: a NUL; on Windows a colon and the like, a name that ends in a dot or a space, a device such as CON.
    """
    name, wanted = Path(path).name, "a name without it"
    if bad := {sign for sign in name if sign == "\0" or (windows and (sign in '<>:"|?*' or ord(sign) < 32))}:
        got = " ".join(map(repr, sorted(bad)))
    elif windows and name.endswith((".", " ")):
        got = "a dot or space at its end"
    elif windows and name.partition(".")[0].rstrip(" ").upper() in _DEVICES:
        got, wanted = "the name of a device", "another name"
    else:
        return
    raise FileError("No file can have this name", f"{str(path)!r}: {got}", wanted, "choose another name")
