"""One training at a time for one output: two would overwrite each other's checkpoints."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sat3d.errors import FileError
from sat3d.files.writing import write_text


@contextmanager
def run_lock(out: Path) -> Iterator[None]:
    """Hold ``<out>.lock`` while the block writes ``out`` and what belongs to it (inside ``out``, if it is a folder).

    The operating system gives the lock back when the process ends, however it ends, so that a killed training needs
    nothing done before it is resumed. ``<out>.owner`` beside it says who it is; both are removed at the end. Under
    ``torchrun`` the job's first process, which writes, holds the lock for all: those of a second machine may share
    the folder, and must not wait for their own job.

    Raises:
        FileError: another training holds it, or the folder is missing or cannot be written.
    """
    if int(os.environ.get("RANK", 0)) > 0:
        yield
        return
    place = out / "training" if out.is_dir() else out
    lock_file, owner_file = (place.parent / f"{place.name}{suffix}" for suffix in (".lock", ".owner"))
    lock = _acquire(lock_file, owner_file, out)
    try:
        write_text(owner_file, f"process {os.getpid()} on {socket.gethostname()}\n")
        yield
    finally:
        _remove(owner_file)
        _remove(lock_file)  # while it is held: afterwards the name may be another run's, except on Windows, which
        lock.release()
        if os.name == "nt":  # removes no file that anybody has open
            _remove(lock_file)


def _acquire(lock_file: Path, owner_file: Path, out: Path) -> FileLock:
    if not lock_file.parent.is_dir():
        raise FileError("The output folder does not exist", lock_file.parent, "a folder", "create it")
    lock = FileLock(lock_file, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise FileError(
            "Another training writes there",
            f"{out}, in use by {_owner(owner_file)}",
            "one training at a time for an output",
            "wait for its end, stop it, or choose another --out",
        ) from error
    except (OSError, NotImplementedError) as error:
        raise FileError(
            "Cannot write into the output folder",
            f"{lock_file.parent} ({getattr(error, 'strerror', None) or error})",
            "a folder with write permission",
            "choose another --out",
        ) from error
    return lock


def _owner(owner_file: Path) -> str:
    try:
        return owner_file.read_text(encoding="utf-8").strip() or "another process"
    except (OSError, ValueError):  # it has just begun, or just ended
        return "another process"


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
