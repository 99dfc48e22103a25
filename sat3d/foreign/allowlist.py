"""The globals that network pickles refer to, and the inert value that each becomes.

The pairs are matched exactly: a dotted name, or any other name of a known module, is not in the table: refused.
"""

import re
import struct
from typing import Any

from .harmless import ENCODED, HARMLESS
from .program import Allowed
from .source import check_source
from .storage import read_storage
from .values import Blob, Context, Record, Storage, TensorView, damaged, describe, hostile, unlike_official

_MAX_DIMENSIONS = 8
_MAX_SCALAR_BYTES = 16
_MAX_SIZE = 1 << 48  # elements; far below where products of sizes would get slow

# numpy scalars: the type code in the file, and how its bytes are read.
_SCALAR_FORMATS = {
    "f8": "d",
    "f4": "f",
    "f2": "e",
    "i8": "q",
    "i4": "i",
    "i2": "h",
    "i1": "b",
    "u8": "Q",
    "u4": "I",
    "u2": "H",
    "u1": "B",
    "b1": "?",
}


# Types of arrays: b1, f8, U5, M8, V16, O …
_DTYPE = re.compile(r"[<>|=]?[a-zA-Z?][0-9]{0,6}")


def _persistent_object(context: Context, arguments: tuple) -> Record:
    meta = arguments[0] if len(arguments) == 1 else None
    if type(meta) is not dict or meta.get("type") != "class":
        raise unlike_official("a module is not described as expected", describe(meta))
    name, source, state = meta.get("class_name"), meta.get("module_src"), meta.get("state")
    if type(name) is not str or type(source) is not str or type(state) is not dict:
        raise unlike_official("a module lacks its class name, source or state", describe(name))
    check_source(context, source)
    return Record(name[:80], persistent=True, state=state)


def _empty_dict(context: Context, arguments: tuple) -> dict:
    if arguments:
        raise hostile("a dictionary is made in a way that no network does", describe(arguments))
    return {}


def _set_of(context: Context, arguments: tuple) -> list:
    if len(arguments) != 1 or type(arguments[0]) is not list:
        raise hostile("a set is made in a way that no network does", describe(arguments))
    return arguments[0]


def _storage(context: Context, arguments: tuple) -> Storage:
    if len(arguments) != 1 or type(arguments[0]) is not Blob:
        raise unlike_official("a tensor's content is not bytes", describe(arguments))
    return read_storage(context, arguments[0])


def _tensor(context: Context, arguments: tuple) -> TensorView:
    if not 4 <= len(arguments) <= 7:
        raise unlike_official("a tensor has a wrong number of properties", len(arguments))
    storage, offset, size, stride = arguments[:4]
    if type(storage) is not Storage or not _is_size(offset) or not _are_sizes(size) or not _are_sizes(stride):
        raise unlike_official(
            "a tensor's storage, offset, size or stride is not of the right kind",
            ", ".join(describe(value) for value in arguments[:4]),
        )
    if len(size) != len(stride):
        raise unlike_official("a tensor's size and stride differ in length", f"{len(size)} and {len(stride)}")
    return TensorView(storage, offset, size, stride)


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MAX_SIZE


def _are_sizes(value: object) -> bool:
    return type(value) is tuple and len(value) <= _MAX_DIMENSIONS and all(_is_size(v) for v in value)


def _parameter(context: Context, arguments: tuple) -> TensorView:
    first = arguments[0] if arguments else None
    if len(arguments) not in (3, 4) or not isinstance(first, TensorView):
        raise unlike_official("a parameter is not a tensor", describe(first) if arguments else None)
    return first


def _dtype(context: Context, arguments: tuple) -> Record:
    first = arguments[0] if arguments else None
    code = first if len(arguments) <= 3 else None
    if type(code) is not str or not _DTYPE.fullmatch(code):
        raise hostile("it holds a numpy type that no network needs", describe(code))
    return Record("numpy dtype", arguments=(code,))


def _scalar(context: Context, arguments: tuple) -> float | int | bool | Record:
    pair: tuple[Any, Any] = (arguments[0], arguments[1]) if len(arguments) == 2 else (None, None)
    dtype, raw = pair
    if type(dtype) is not Record or not dtype.arguments or type(raw) not in (Blob, Record):
        raise hostile("it holds a numpy scalar that no network needs", f"{describe(dtype)}, {describe(raw)}")
    if dtype.arguments[0] not in _SCALAR_FORMATS:
        return Record("numpy scalar")  # a text, a date: no setting of ours is one
    order = dtype.state[1] if dtype.state and len(dtype.state) > 1 else "<"
    layout = (">" if order == ">" else "<") + _SCALAR_FORMATS[dtype.arguments[0]]
    content = _content(context, raw)
    if content is None:
        return Record("numpy scalar")
    if len(content) != struct.calcsize(layout):
        raise damaged("a number has a wrong length", f"{len(content)} bytes")
    return struct.unpack(layout, content)[0]


def _content(context: Context, raw: Blob | Record) -> bytes | memoryview | None:
    """The bytes themselves; None for what does not say them."""
    if isinstance(raw, Blob):
        return context.data[raw.start : raw.end]
    if raw.kind != ENCODED or len(raw.arguments[0]) > _MAX_SCALAR_BYTES:
        return None
    try:
        return raw.arguments[0].encode("latin1")
    except UnicodeEncodeError:
        raise damaged("the bytes of a number are not bytes", describe(raw.arguments[0])) from None


def _module(kind: str) -> Allowed:
    def make(context: Context, arguments: tuple) -> Record:
        if arguments:
            raise hostile("a module is made in a way that no network does", kind)
        return Record(kind)

    return Allowed(new=make)


_MODULES = [
    ("training.triplane", "OSGDecoder"),
    ("training.volumetric_rendering.renderer", "ImportanceRenderer"),
    ("training.volumetric_rendering.ray_marcher", "MipRayMarcher2"),
    ("training.volumetric_rendering.ray_sampler", "RaySampler"),
    ("torch.nn.modules.container", "Sequential"),
    ("torch.nn.modules.activation", "Softplus"),
]

ALLOWED: dict[tuple[str, str], Allowed] = {
    **HARMLESS,
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): Allowed(call=_persistent_object),
    ("dnnlib.util", "EasyDict"): Allowed(new=_empty_dict),
    ("collections", "OrderedDict"): Allowed(call=_empty_dict),
    ("builtins", "set"): Allowed(call=_set_of),
    ("builtins", "frozenset"): Allowed(call=_set_of),
    ("__builtin__", "set"): Allowed(call=_set_of),
    ("__builtin__", "frozenset"): Allowed(call=_set_of),
    ("torch.storage", "_load_from_bytes"): Allowed(call=_storage),
    ("torch._utils", "_rebuild_tensor"): Allowed(call=_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): Allowed(call=_tensor),
    ("torch._utils", "_rebuild_parameter"): Allowed(call=_parameter),
    ("torch._utils", "_rebuild_parameter_with_state"): Allowed(call=_parameter),
    ("numpy", "dtype"): Allowed(call=_dtype),
    ("numpy.core.multiarray", "scalar"): Allowed(call=_scalar),
    ("numpy._core.multiarray", "scalar"): Allowed(call=_scalar),
    **{(module, name): _module(f"{module} {name}") for module, name in _MODULES},
}
