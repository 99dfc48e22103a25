"""Where the members of a shard are, and whether it is a plain tar file at all."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path

from sat3d.errors import FileError

from .shards import LARGEST_SIZE

_LARGEST_MEMBER_BYTES = LARGEST_SIZE**2 * 4


def tar_members(path: Path) -> dict[str, tuple[int, int]]:
    """Name -> (start, bytes) of each member of a shard, in order.

    Raises:
        FileError: not a plain tar file, or a member that no shard has.
    """
    found: dict[str, tuple[int, int]] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                if not member.isreg() or member.size > _LARGEST_MEMBER_BYTES or member.name in found:
                    raise broken_shard(path, f"{member.name!r}, {member.size} bytes", "plain files, each once")
                found[member.name] = member.offset_data, member.size
        _check_length(path, found)
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        raise broken_shard(path, error, "a tar file") from error
    return found


def _check_length(path: Path, found: Mapping[str, tuple[int, int]]) -> None:
    """A file that was cut inside its closing zeros reads well, but somebody cut it."""
    start, size = max(found.values(), default=(0, 0))
    blocks = -(-(start + size) // tarfile.BLOCKSIZE) + 2
    wanted = -(-blocks * tarfile.BLOCKSIZE // tarfile.RECORDSIZE) * tarfile.RECORDSIZE
    if not found or path.stat().st_size != wanted:
        raise broken_shard(path, f"{len(found)} members, {path.stat().st_size} bytes", f"{wanted} bytes")


def broken_shard(path: Path, got: object, wanted: str) -> FileError:
    """The refusal of a shard."""
    return FileError(
        "This is not a sound shard", f"{path}: {got}", wanted, "delete the file and render again to replace it"
    )
