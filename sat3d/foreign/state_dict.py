"""Files of ``torch.save``, read without running what is inside.

Facts about the format: see ``generators/foreign/torch_file.py``; behind the pickles of an old file lies each storage:
its length and its elements.
"""

from pathlib import Path

from ..errors import FileError
from ..files.reading import read_bytes
from .allowlist import ALLOWED
from .archives import ZIP, zip_places
from .machine import Machine
from .program import Allowed
from .values import Blob, Context, Global, Storage, damaged, describe

MOST_BYTES = 1 << 31
WANTED = "a state dictionary that torch.save has written (.pth), or a .safetensors file"
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
# torch name -> (bytes per element, how floating-point ones are read)
_TYPES: dict[str, tuple[int, str | None]] = {
    "FloatStorage": (4, "<f4"),
    "HalfStorage": (2, "<f2"),
    "BFloat16Storage": (2, "bf16"),
    "DoubleStorage": (8, "<f8"),
    "LongStorage": (8, None),
    "IntStorage": (4, None),
}
_STORAGES = {("torch", name): Allowed() for name in _TYPES}
_TENSORS = (("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor"))
_GLOBALS = {**_STORAGES, **{name: ALLOWED[name] for name in _TENSORS}}


def read_torch_file(path: Path) -> tuple[object, bytes]:
    """What the file's pickle holds, tensors as :class:`TensorView` that are not read yet; and the bytes they lie in.

    Raises:
        FileError: missing, of another kind, damaged.
        HostileFileError: it asks for anything but tensors and plain data, or tries to exhaust the machine.
    """
    data = read_bytes(path, WANTED, MOST_BYTES)
    if data.startswith(ZIP):
        return _read_zip(data), data
    if data[:1] == b"\x80":
        return _read_stream(data), data
    raise FileError("Not a file of weights", f"{path.name} begins with {data[:8]!r}", WANTED, "download it again")


class _Storages:
    """The storages that a pickle refers to, by key; where their numbers lie is filled in as soon as it is known."""

    def __init__(self):
        self.found: dict[str, Storage] = {}

    def __call__(self, value: object) -> Storage:
        if type(value) is not tuple or len(value) not in (5, 6) or value[5:] not in ((), (None,)):
            raise damaged("a tensor's storage is not described as expected", describe(value))
        tag, kind, key, _, count = value[:5]
        known = type(kind) is Global and kind.name in _TYPES
        if tag != "storage" or not known or type(key) is not str or type(count) is not int or count < 0:
            raise damaged("a tensor's storage is not described as expected", f"{describe(kind)}, {describe(count)}")
        storage = self.found.setdefault(key, Storage(kind.name, _TYPES[kind.name][1], count, Blob(0, 0)))
        if (storage.type_name, storage.count) != (kind.name, count):
            raise damaged("two tensors describe their common storage differently", describe(key))
        return storage

    def place(self, key: str, start: int, end: int) -> None:
        storage = self.found[key]
        if end - start != storage.count * _TYPES[storage.type_name][0]:
            raise damaged("a tensor's content has a wrong length", f"{end - start} bytes for {storage.count} numbers")
        storage.content.start, storage.content.end = start, end


def _read_zip(data: bytes) -> object:
    places = zip_places(memoryview(data))
    programs = [name for name in places if name.endswith("/data.pkl")]
    if len(programs) != 1:
        raise damaged("it has not exactly one data.pkl", len(programs))
    folder = programs[0].removesuffix("data.pkl")
    order = places.get(folder + "byteorder")
    if order and data[slice(*order)] != b"little":
        raise damaged("its numbers are not in little-endian order")
    storages = _Storages()
    contents = Machine(Context(memoryview(data)), _GLOBALS, *places[programs[0]], storages).run()
    for key in storages.found:
        if f"{folder}data/{key}" not in places:
            raise damaged("a tensor's content is missing", describe(key))
        storages.place(key, *places[f"{folder}data/{key}"])
    return contents


def _read_stream(data: bytes) -> object:
    context, storages, position = Context(memoryview(data)), _Storages(), 0
    parts = []
    for persistent in (None, None, None, storages, None):
        machine = Machine(context, _GLOBALS if persistent else {}, position, len(data), persistent)
        parts.append(machine.run())
        position = machine.position
        _check_start(parts)
    keys = parts[4]
    if type(keys) is not list or not all(type(key) is str for key in keys) or set(keys) != set(storages.found):
        raise damaged("its list of storages is wrong", describe(keys))
    for key in keys:
        start = position + 8
        storage = storages.found[key]
        if int.from_bytes(data[position:start], "little", signed=True) != storage.count:
            raise damaged("a tensor's content has a wrong length, or is cut off", describe(key))
        position = start + storage.count * _TYPES[storage.type_name][0]
        storages.place(key, start, min(position, len(data)))
    return parts[3]


def _check_start(parts: list) -> None:
    wanted = (_MAGIC, _PROTOCOL)[: len(parts)]
    if any(type(got) is not int or got != number for got, number in zip(parts, wanted, strict=False)):
        raise FileError("Not a file of weights", "a pickle of another kind", WANTED, "download it again")
    if len(parts) == 3 and (type(parts[2]) is not dict or parts[2].get("little_endian") is not True):
        raise damaged("its numbers are not in little-endian order", describe(parts[2]))
