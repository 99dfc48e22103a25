"""Files of ``torch.save`` as data: what their pickle holds, and where in the file the numbers of each tensor lie.

Facts about the format: since torch 1.6 a zip archive that is not compressed, with a pickle ``data.pkl`` and a file
``data/<key>`` for each storage; before, a stream of pickles (magic number, protocol, facts about the machine, the
contents, the keys of the storages) and behind them each storage: its length and its elements. Where a tensor was
(``cuda:0``) means nothing here.
"""

import re

from .archives import ZIP, zip_places
from .machine import Machine
from .program import AllowList
from .storage import STORAGE_TYPES
from .values import Blob, Context, Global, Storage, damaged, describe

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_STREAM = re.compile(rb"\x80[\x02-\x05](\x95.{8})?\x8a\x0a\x6c\xfc\x9c\x46", re.DOTALL)  # the magic number
_HEAD_BYTES = 32


def is_torch_file(data: memoryview) -> bool:
    """Whether it begins as a zip archive (perhaps not torch's) or an old stream."""
    head = bytes(data[:_HEAD_BYTES])
    return head.startswith(ZIP) or bool(_STREAM.match(head))


def read_torch(data: memoryview, allowed: AllowList) -> object:
    """What the file's pickle holds, tensors as :class:`TensorView` that are not read yet.

    Args:
        allowed: the globals that may be in it; types of storages must be among them.

    Raises:
        FileError: damaged, or no such file.
        HostileFileError: it asks for anything outside the list, or tries to exhaust the machine.
    """
    return _read_zip(data, allowed) if bytes(data[:4]) == ZIP else _read_stream(data, allowed)


class _Storages:
    """The storages that a pickle refers to, by key; where their numbers lie is filled in as soon as it is known."""

    def __init__(self):
        self.found: dict[str, Storage] = {}

    def __call__(self, value: object) -> Storage | Global:
        if type(value) is tuple and len(value) > 1 and value[0] == "module" and type(value[1]) is Global:
            return value[1]  # in old streams a class comes with the text of its source
        if not isinstance(value, tuple) or len(value) not in (5, 6) or value[5:] not in ((), (None,)):
            raise damaged("a tensor's storage is not described as expected", describe(value))
        fields: list = list(value)
        tag, kind, key, _, count = fields[:5]
        known = type(kind) is Global and kind.name in STORAGE_TYPES
        if tag != "storage" or not known or type(key) is not str or type(count) is not int or count < 0:
            raise damaged("a tensor's storage is not described as expected", f"{describe(kind)}, {describe(count)}")
        storage = self.found.setdefault(key, Storage(kind.name, STORAGE_TYPES[kind.name][1], count, Blob(0, 0)))
        if (storage.type_name, storage.count) != (kind.name, count):
            raise damaged("two tensors describe their common storage differently", describe(key))
        return storage

    def place(self, key: str, start: int, end: int) -> None:
        storage = self.found[key]
        if end - start != storage.count * STORAGE_TYPES[storage.type_name][0]:
            raise damaged("a tensor's content has a wrong length", f"{end - start} bytes for {storage.count} numbers")
        storage.content.start, storage.content.end = start, end


def _read_zip(data: memoryview, allowed: AllowList) -> object:
    places = zip_places(data)
    programs = [name for name in places if name.rpartition("/")[2] == "data.pkl"]
    if len(programs) != 1:
        raise damaged("it has not exactly one data.pkl", len(programs))
    folder = programs[0].removesuffix("data.pkl")
    order = places.get(folder + "byteorder")
    if order and bytes(data[slice(*order)]) != b"little":
        raise damaged("its numbers are not in little-endian order")
    storages = _Storages()
    contents = Machine(Context(data), allowed, *places[programs[0]], storages).run()
    for key in storages.found:
        if f"{folder}data/{key}" not in places:
            raise damaged("a tensor's content is missing", describe(key))
        storages.place(key, *places[f"{folder}data/{key}"])
    return contents


def _read_stream(data: memoryview, allowed: AllowList) -> object:
    context, storages, position = Context(data), _Storages(), 0
    parts = []
    for persistent in (None, None, None, storages, None):
        machine = Machine(context, allowed if persistent else {}, position, len(data), persistent)
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
        position = start + storage.count * STORAGE_TYPES[storage.type_name][0]
        storages.place(key, start, min(position, len(data)))
    return parts[3]


def _check_start(parts: list) -> None:
    wanted = (_MAGIC, _PROTOCOL)[: len(parts)]
    if any(type(got) is not int or got != number for got, number in zip(parts, wanted, strict=False)):
        raise damaged("it does not begin like a file of torch.save", describe(parts[-1]))
    if len(parts) == 3 and (type(parts[2]) is not dict or parts[2].get("little_endian") is not True):
        raise damaged("its numbers are not in little-endian order", describe(parts[2]))
