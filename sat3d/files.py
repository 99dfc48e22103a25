"""Writing without ever losing what was there: beside first, then rename."""

import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import FileError

_BLOCK_BYTES = 1 << 20


@contextmanager
def atomic_path(target: str | os.PathLike, overwrite: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; on a clean exit it replaces ``target``, on an error it is removed.

    The temporary file keeps the target's suffix, so that writers which look at the suffix work. Permissions are those
    of the file that is replaced, or what any new file gets there, whatever the writer does to the temporary one.

    Raises:
        FileError: the folder does not exist or cannot be written, or the target exists and ``overwrite`` is False.
    """
    target = Path(target)
    if target.exists() and not overwrite:
        raise FileError(
            "The output file exists already",
            target,
            "a new file name",
            "choose another name, or ask for it to be overwritten",
        )
    temporary = _create_beside(target)
    try:
        usual = _permissions(temporary)
        yield temporary
        _allow(temporary, _permissions(target) if target.exists() else usual)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _create_beside(target: Path) -> Path:
    # Not tempfile: its files are private to the owner, and the result should have the folder's usual permissions.
    temporary = target.with_name(f".{target.stem}-{secrets.token_hex(4)}.part{target.suffix}")
    try:
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise FileError(
            "Cannot write into the output folder",
            f"{target.parent} ({error.strerror or error})",
            "an existing folder with write permission",
            "create the folder or choose another",
        ) from error
    return temporary


def _permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode) & 0o777


def _allow(path: Path, permissions: int) -> None:
    if os.name == "nt":  # has no modes, only a read-only flag, which would be in the way of the rename
        return
    # safetensors writes to a private file of its own and renames it: its result nobody else could read.
    with suppress(OSError):  # a mounted drive without modes
        path.chmod(permissions)


def sha256_of(path: str | os.PathLike, progress: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file as 64 hex digits; ``progress`` gets the number of bytes read so far."""
    digest, done = hashlib.sha256(), 0
    with Path(path).open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            if progress:
                progress(done)
    return digest.hexdigest()
