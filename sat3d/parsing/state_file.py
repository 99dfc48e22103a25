"""Weights of published networks as ``torch.save`` writes them (or safetensors), read without running what is inside.

Facts about the format: see ``generators/foreign/torch_file.py``; behind the pickles of an old file lies each storage:
its length and its elements.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import FileError
from ..generators.foreign.allowlist import ALLOWED
from ..generators.foreign.machine import Allowed, Machine
from ..generators.foreign.tensors import check_tensors, read_tensors
from ..generators.foreign.torch_file import ZIP, zip_places
from ..generators.foreign.values import Blob, Context, Global, Storage, TensorView, damaged, describe
from ..tensorfile import read_tensors as read_safetensors

Shape = tuple[int, ...]

MOST_BYTES = 1 << 31
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_COUNTER = "num_batches_tracked"  # of batch norms, whole numbers of no use here
# torch name -> (bytes an element, how floating-point ones are read)
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
_WANTED = "a state dictionary that torch.save has written (.pth), or a .safetensors file"


def shapes_of(network: nn.Module) -> dict[str, Shape]:
    """What a file for this network must hold."""
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items() if not name.endswith(_COUNTER)}


@dataclass(frozen=True)
class StateFile:
    """A state dictionary whose tensors are not read yet, or already (of safetensors)."""

    name: str
    tensors: Mapping[str, TensorView | Tensor]
    data: bytes = field(default=b"", repr=False)

    @property
    def names(self) -> Collection[str]:
        return self.tensors.keys()

    def fill(self, network: nn.Module) -> nn.Module:
        """Put the tensors into ``network``, strictly; in eval mode, without gradients.

        Raises:
            FileError: naming the tensors that are missing, unexpected, of a wrong shape or type, or not finite.
        """
        wanted = shapes_of(network)
        with torch.inference_mode(False):  # so that one can differentiate through it later
            tensors = self._read(wanted)
            network.load_state_dict(tensors, strict=False)  # names and shapes are checked; counters are missing
        return network.eval().requires_grad_(False)

    def _read(self, wanted: Mapping[str, Shape]) -> dict[str, Tensor]:
        if self.data:
            view = memoryview(self.data)
            check_tensors(self.tensors, wanted, len(view))
            return read_tensors(view, self.tensors, list(wanted), lambda done: None)
        problems = [f"{name} is missing" for name in wanted if name not in self.tensors]
        problems += [f"{name} is unexpected" for name in self.tensors if name not in wanted]
        problems += [
            f"{name} has another shape, or NaN inside"
            for name, shape in wanted.items()
            if name in self.tensors and not _usable(self.tensors[name], shape)
        ]
        if problems:
            raise FileError("The tensors do not fit the network", "; ".join(problems[:8]), None, "choose another file")
        return dict(self.tensors)


def _usable(tensor: Tensor, shape: Shape) -> bool:
    return tuple(tensor.shape) == shape and tensor.is_floating_point() and bool(torch.isfinite(tensor).all())


def open_state_file(path: str | os.PathLike) -> StateFile:
    """Look what a file of weights holds.

    Raises:
        FileError: missing, of another kind, damaged.
        HostileFileError: it asks for anything but tensors, or tries to exhaust the machine.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        return StateFile(path.name, _without_counters(read_safetensors(path)))
    data = _read_bytes(path)
    if data.startswith(ZIP):
        contents = _read_zip(data)
    elif data[:1] == b"\x80":
        contents = _read_stream(data)
    else:
        raise FileError("Not a file of weights", f"{path.name} begins with {data[:8]!r}", _WANTED, "download it again")
    if type(contents) is not dict or not contents:
        raise FileError("The file holds no state dictionary", describe(contents), _WANTED, "choose another file")
    for name, value in contents.items():
        if type(name) is not str or type(value) is not TensorView:
            raise FileError(
                "The file is not a plain state dictionary",
                f"{path.name}: {describe(name)} is {describe(value)}",
                "names and tensors alone",
                "save only the network's state_dict()",
            )
    return StateFile(path.name, _without_counters(contents), data)


def _without_counters(tensors: dict) -> dict:
    return {name: tensor for name, tensor in tensors.items() if not name.endswith(_COUNTER)}


def _read_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise FileError("File not found" if not path.exists() else "Not a file", path, _WANTED, "check the path")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise FileError("The file is too large", path.name, f"at most {MOST_BYTES} bytes", "choose another file")
        return path.read_bytes()
    except OSError as error:
        raise FileError("The file cannot be read", f"{path.name} ({error})", _WANTED, "check its permissions") from None


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
        raise FileError("Not a file of weights", "a pickle of another kind", _WANTED, "download it again")
    if len(parts) == 3 and (type(parts[2]) is not dict or parts[2].get("little_endian") is not True):
        raise damaged("its numbers are not in little-endian order", describe(parts[2]))
