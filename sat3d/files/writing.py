"""Writing files without ever losing what was there: beside first, then under the name. All files are written here."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import FileError, NameTakenError
from .errors import check_name, folder_error, write_error

_UNFINISHED = ".sat3d-"
_LONGEST_SUFFIX_BYTES = 32


@contextmanager
def atomic_path(target: str | os.PathLike, overwrite: bool = True, size_bytes: int | None = None) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; on a clean exit it takes ``target``'s name, on an error it is removed.

    The temporary file keeps the target's suffix, so that writers which look at the suffix work. Permissions are those
    of the file that is replaced, or what any new file gets there, whatever the writer does to the temporary one. Where
    ``target`` is a link, the file it points to is written, and the link stays.

    Args:
        target: the file to write.
        overwrite: False never replaces a file, not even one that appears during the block.
        size_bytes: how much will be written, if that is known, for the message of a full disk.

    Raises:
        FileError: what :func:`check_target` refuses, or an OSError inside the block: a full disk, no permission, ….
        NameTakenError: ``overwrite`` is False and the file exists, before the block or after it.
    """
    path = check_target(target, overwrite)
    try:
        with _beside(path) as temporary:
            permissions = _permissions(temporary)
            yield temporary
            _allow(temporary, _permissions(path) if path.exists() else permissions)
            _publish(temporary, path, overwrite)
    except ConnectionError:  # of a download or a closed pipe, not of the file
        raise
    except OSError as error:
        raise write_error(path, error, size_bytes) from error


def write_bytes(target: str | os.PathLike, content: bytes, overwrite: bool = True) -> None:
    """Write a file that appears whole or not at all; raises what :func:`atomic_path` does."""
    with atomic_path(target, overwrite, len(content)) as temporary:
        temporary.write_bytes(content)


def write_text(target: str | os.PathLike, text: str, overwrite: bool = True) -> None:
    """The same for text, in UTF-8, with lines that end in ``\\n`` on every system."""
    write_bytes(target, text.encode("utf-8", "backslashreplace"), overwrite)


def append_text(target: str | os.PathLike, text: str) -> None:
    """Add to a file of text in UTF-8, such as a log.

    Raises:
        FileError: it cannot be written, or the disk is full.
    """
    try:
        with Path(target).open("a", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except OSError as error:
        raise write_error(target, error, len(text)) from error


def make_folder(path: str | os.PathLike) -> Path:
    """Make a folder and those it lies in, unless they are there.

    Raises:
        FileError: it cannot be made, or a file has its name.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise folder_error(path, error) from error
    return Path(path)


def check_target(target: str | os.PathLike, overwrite: bool = True) -> Path:
    """Refuse before any work what could not be written after it.

    Returns:
        The file that will be made or replaced: ``target`` itself, or where it points to if it is a link.

    Raises:
        FileError: no such folder, or no right to write there; an impossible or too long name; a folder or a device.
        NameTakenError: it exists and ``overwrite`` is False.
    """
    check_name(target)
    path = Path(target)
    try:
        if path.is_symlink():
            path = Path(os.path.realpath(path))
        mode = _mode_of(path)
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (OSError, ValueError) as error:
        raise write_error(path, error) from error
    if mode and not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device"
        raise FileError("The output is not a file", f"{target}, {kind}", "the name of a file", "choose another name")
    if mode and not overwrite:
        raise _taken(target)
    return path


def _mode_of(path: Path) -> int:
    """Kind and permissions; 0 where nothing is yet, in a folder that is there."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        if not path.parent.is_dir():
            raise
        return 0


def unfinished(folder: Path, suffix: str) -> list[Path]:
    """What killed programs have left in ``folder`` of files with this suffix."""
    return sorted(folder.glob(f"{_UNFINISHED}*.part{suffix}"))


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    # Not tempfile: its files are private to the owner, and the result should have the folder's usual permissions. The
    # name does not repeat the target's, which may be as long as names can be.
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= _LONGEST_SUFFIX_BYTES else ""
    temporary = path.with_name(f"{_UNFINISHED}{secrets.token_hex(4)}.part{suffix}")
    temporary.touch(exist_ok=False)
    try:
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink()


def _publish(temporary: Path, path: Path, overwrite: bool) -> None:
    try:
        if overwrite:
            temporary.replace(path)
        elif os.name == "nt":
            temporary.rename(path)  # which Windows refuses if there is a file
        else:
            _link_or_claim(temporary, path)
    except FileExistsError as error:
        raise _taken(path) from error


def _link_or_claim(temporary: Path, path: Path) -> None:
    """Give a file another name, unless there is a file of that name.

    Raises:
        FileExistsError: there is.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except (OSError, AttributeError):  # FAT, some network drives and Android have no second names for a file
        _claim(temporary, path)


def _claim(temporary: Path, path: Path) -> None:
    # An empty file takes the name; whoever comes later is refused. Only a kill at this very moment leaves it there.
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    try:
        if path.stat().st_size:  # somebody who may overwrite was quicker
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            if temporary.exists() and not path.stat().st_size:
                path.unlink()
        raise


def _taken(target: str | os.PathLike) -> NameTakenError:
    return NameTakenError("The output file exists already", target, "a new file name", "choose another name")


def _permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode) & 0o777


def _allow(path: Path, permissions: int) -> None:
    if os.name == "nt":  # has no modes, only a read-only flag, which would be in the way of the rename
        return
    # safetensors writes to a private file of its own and renames it: its result nobody else could read.
    with suppress(OSError):  # a mounted drive without modes
        path.chmod(permissions)
