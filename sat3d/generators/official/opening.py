"""Opening a file that may hold a network: mapped into memory, read-only, after a look at its first bytes."""

import hashlib
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ...errors import FileError
from ...files.errors import read_error
from ...files.reading import check_file
from ...foreign.allowlist import ALLOWED
from ...foreign.machine import Machine
from ...foreign.torch_file import is_torch_file
from ...foreign.values import Context, unlike_official
from . import torch_files
from .contents import CODE, WANTED

_BLOCK_BYTES, _HEAD_BYTES = 1 << 22, 32

# First bytes of what people mistake for a network pickle -> (what it is, next step).
_OTHER_KINDS = {
    b"version https://git-lfs": ("a Git LFS pointer, not the file itself", "run 'git lfs pull' or download the file"),
    b"<": ("a web page", "download the file itself; some sites ask for a confirmation first"),
    b"\x1f\x8b": ("a gzip archive", "unpack it first"),
    b"ply": ("a PLY file, a mesh or a cloud of Gaussians", "choose a network; such a file shows one object only"),
    b"\x93NUMPY": ("an array of numbers, written by numpy", CODE),
    b"\x89HDF": ("an HDF5 file", "use the .pkl file of the official project"),
}


@dataclass(frozen=True)
class Opened:
    """``contents``: what the pickle in it holds, tensors as views of ``data`` that are not read yet; ``told``: the file
    in words, "" for a pickle by itself."""

    data: memoryview
    contents: object
    told: str


@contextmanager
def open_network(path: str | os.PathLike) -> Iterator[Opened]:
    """A pickle of protocol 2 or later, or a file of ``torch.save``; valid inside the ``with`` only.

    Raises:
        FileError: missing, not a file, unreadable, empty, damaged, or of another kind.
        HostileFileError: it asks for anything that no network needs, or tries to exhaust the machine.
    """
    path = check_file(path, WANTED)
    mapped = _map(path)
    view = memoryview(mapped)
    try:
        yield _opened(view, path.name)
    finally:
        view.release()
        with suppress(BufferError):  # a traceback may still hold a slice: then its end closes the file
            mapped.close()


def _map(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as stream:
            return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise FileError("The file is empty", path.name, WANTED, "download the file again") from None
    except OSError as error:
        raise read_error(path, error) from error


def _opened(data: memoryview, name: str) -> Opened:
    if is_torch_file(data):
        return Opened(data, torch_files.read_contents(data, name), torch_files.told(data, name))
    _check_kind(bytes(data[:_HEAD_BYTES]), name)
    machine = Machine(Context(data), ALLOWED, 0, len(data))
    contents = machine.run()
    if machine.position != len(data):
        raise unlike_official("there is something behind its end", f"{len(data) - machine.position} bytes")
    return Opened(data, contents, "")


def _check_kind(head: bytes, name: str) -> None:
    for start, (kind, next_step) in _OTHER_KINDS.items():
        if head.startswith(start):
            raise FileError("Not a network pickle", f"{name} is {kind}", WANTED, next_step)
    if head[8:9] == b"{" and head[0] != 0x80:
        raise FileError(
            "Not a network pickle",
            f"{name} looks like a safetensors file",
            WANTED,
            "load it as a converted checkpoint instead",
        )
    if head[0] != 0x80:
        raise FileError("Not a network pickle", f"{name} begins with {head[:8]!r}", WANTED, "choose another file")


def hash_view(data: memoryview, report: Callable[[int], None]) -> str:
    """SHA-256 of the very bytes that were read, as 64 hex digits; ``report`` gets the number of bytes done."""
    digest = hashlib.sha256()
    for start in range(0, len(data), _BLOCK_BYTES):
        digest.update(data[start : start + _BLOCK_BYTES])
        report(min(start + _BLOCK_BYTES, len(data)))
    return digest.hexdigest()
