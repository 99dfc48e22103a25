"""The content of a tensor: a legacy (not zip) ``torch.save`` stream of one storage.

Five pickles one after another (magic number, protocol, machine facts, the storage's persistent id, list of keys),
then the element count as a signed 64-bit number and the raw little-endian elements. They are run by the same
:class:`Machine` with a table of its own, so a nested stream can do even less than the file round it.
"""

from typing import NamedTuple

from .machine import Machine
from .program import Allowed
from .values import Blob, Context, Global, Storage, damaged, describe, unlike_official

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001

# torch name -> (bytes per element, how a float type is read; None: not a type that network weights have)
STORAGE_TYPES: dict[str, tuple[int, str | None]] = {
    "FloatStorage": (4, "<f4"),
    "DoubleStorage": (8, "<f8"),
    "HalfStorage": (2, "<f2"),
    "BFloat16Storage": (2, "bf16"),
    "LongStorage": (8, None),
    "IntStorage": (4, None),
    "ShortStorage": (2, None),
    "CharStorage": (1, None),
    "ByteStorage": (1, None),
    "BoolStorage": (1, None),
}
STORAGE_GLOBALS = {("torch", name): Allowed() for name in STORAGE_TYPES}


class _StorageId(NamedTuple):
    type_name: str
    key: str
    count: int


def read_storage(context: Context, blob: Blob) -> Storage:
    """Check the whole stream in ``blob`` and say where its numbers lie; they are not read.

    Raises:
        FileError: damaged. HostileFileError: it asks for anything but a storage type's name.
    """
    position = _check_header(context, blob)
    storage, position = _run(context, position, blob.end, _storage_id)
    keys, position = _run(context, position, blob.end)
    if type(storage) is not _StorageId or type(keys) is not list or keys != [storage.key]:
        raise unlike_official(
            "a tensor's storage or list of storages is wrong", f"{describe(storage)}, {describe(keys)}"
        )
    return _located(context, storage, position, blob.end)


def _located(context: Context, storage: _StorageId, position: int, end: int) -> Storage:
    width, code = STORAGE_TYPES[storage.type_name]
    content = Blob(position + 8, end)
    written = int.from_bytes(context.data[position : position + 8], "little", signed=True)
    if written != storage.count or end - content.start != storage.count * width:
        raise damaged(
            "a tensor's content has a wrong length",
            f"{end - content.start} bytes for {storage.count} of {storage.type_name}",
        )
    return Storage(storage.type_name, code, storage.count, content)


def _check_header(context: Context, blob: Blob) -> int:
    magic, position = _run(context, blob.start, blob.end)
    protocol, position = _run(context, position, blob.end)
    facts, position = _run(context, position, blob.end)
    if type(magic) is not int or magic != _MAGIC or type(protocol) is not int or protocol != _PROTOCOL:
        raise unlike_official("a tensor's content does not begin like one", f"{describe(magic)}, {describe(protocol)}")
    if type(facts) is not dict or facts.get("little_endian") is not True:
        raise unlike_official("a tensor was not written in little-endian order", describe(facts))
    return position


def _run(context: Context, position: int, end: int, persistent=None) -> tuple:
    machine = Machine(context, STORAGE_GLOBALS, position, end, persistent)
    return machine.run(), machine.position


def _storage_id(value: object) -> _StorageId:
    if type(value) is not tuple or len(value) not in (5, 6) or value[5:] not in ((), (None,)):
        raise unlike_official("a tensor's storage is not described as expected", describe(value))
    tag, kind, key, _, count = value[:5]
    if tag != "storage" or type(kind) is not Global or type(key) is not str or type(count) is not int or count < 0:
        raise unlike_official("a tensor's storage is not described as expected", f"{describe(kind)}, {describe(count)}")
    return _StorageId(kind.name, key, count)
