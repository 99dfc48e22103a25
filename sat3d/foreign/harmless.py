"""Plain data that projects keep beside a network, such as paths, dates and arrays: each becomes an inert value.

Only types that do nothing when an ordinary loader makes them are here, and only with the kinds of arguments that
they are pickled with; whatever else a file asks for is refused. Nothing is made of them here either, nor looked into.
"""

from collections.abc import Callable

from .program import Allowed
from .values import Blob, Context, Global, Record, hostile

_Fits = Callable[[tuple], bool]


def _type_of_data(kind: str, fits: _Fits, make: Callable[[tuple], object] | None = None) -> Callable:
    def handle(context: Context, arguments: tuple) -> object:
        if not fits(arguments):
            raise hostile("it makes plain data in a way that no program does", f"'{kind}'")
        return Record(kind) if make is None else make(arguments)

    return handle


def _like(*kinds: type | tuple[type, ...], optional: int = 0) -> _Fits:
    """Arguments of exactly these types, the last ``optional`` of which may be missing."""
    wanted = [kind if isinstance(kind, tuple) else (kind,) for kind in kinds]

    def fits(arguments: tuple) -> bool:
        enough = len(wanted) - optional <= len(arguments) <= len(wanted)
        return enough and all(type(value) in kind for value, kind in zip(arguments, wanted, strict=False))

    return fits


def _all(kind: type) -> _Fits:
    # Few, because one long tuple can be the arguments of many calls.
    return lambda arguments: len(arguments) <= _MOST and all(type(value) is kind for value in arguments)


ENCODED = "_codecs encode"
_MOST = 64
_NUMBER = (int, float)
_BYTES = (Blob, Record)  # protocol 2 makes bytes by a call, which becomes a record
_NONE = type(None)

# Where a type is pickled from (versions of Python and numpy differ), its name, its arguments.
_CALLED: list[tuple[tuple[str, ...], str, _Fits]] = [
    *[
        (("pathlib", "pathlib._local"), name, _all(str))
        for name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path", "PurePath")
    ],
    (("datetime",), "datetime", _like(_BYTES, Record, optional=1)),
    (("datetime",), "date", _like(_BYTES)),
    (("datetime",), "time", _like(_BYTES, Record, optional=1)),
    (("datetime",), "timedelta", _like(int, int, int)),
    (("datetime",), "timezone", _like(Record, str, optional=1)),
    (("builtins", "__builtin__"), "complex", _like(_NUMBER, _NUMBER)),
    (("builtins", "__builtin__"), "slice", _like(*[(int, _NONE)] * 3)),
    (("builtins", "__builtin__"), "range", _like(int, int, int)),
    (("__builtin__",), "xrange", _like(int, int, int)),
    (("builtins", "__builtin__"), "bytearray", _like((*_BYTES, str), str, optional=2)),
    (("decimal",), "Decimal", _like(str)),
    (("fractions",), "Fraction", _like((str, int), int, optional=1)),
    (("types",), "SimpleNamespace", _like()),
    (("torch",), "device", _like(str, int, optional=1)),
    (("torch",), "Size", _like((tuple, list))),
]
# The same for types whose instances are made empty and then get a state.
_NEW: list[tuple[str, str, _Fits]] = [
    ("argparse", "Namespace", _like()),
    ("uuid", "UUID", _like()),
    ("torch.torch_version", "TorchVersion", _like(str)),
]
# Types and constants that settings name without making anything of them.
_NAMED = [
    *[(module, name) for module in ("builtins", "__builtin__") for name in ("list", "dict", "tuple", "int", "float")],
    *[(module, name) for module in ("builtins", "__builtin__") for name in ("str", "bool", "bytes", "object")],
    *[("torch", name) for name in ("float16", "bfloat16", "float32", "float64", "uint8", "int32", "int64", "bool")],
    *[("numpy", name) for name in ("ndarray", "float16", "float32", "float64", "uint8", "int32", "int64", "bool_")],
]


def _array(arguments: tuple) -> Record:
    return Record("numpy array", arguments=("state",))  # its state is a tuple, as a dtype's is


def _is_empty_array(arguments: tuple) -> bool:
    if not _like(Global, tuple, _BYTES)(arguments):
        return False
    return str(arguments[0]) == "numpy ndarray" and _all(int)(arguments[1])


def _is_buffer(arguments: tuple) -> bool:
    return _like(_BYTES, Record, tuple, str)(arguments) and _all(int)(arguments[2])


_ARRAYS = {
    (f"numpy.{core}.{module}", name): Allowed(call=_type_of_data(f"numpy.{core}.{module} {name}", fits, _array))
    for core in ("core", "_core")
    for module, name, fits in (("multiarray", "_reconstruct", _is_empty_array), ("numeric", "_frombuffer", _is_buffer))
}


def _is_encoded(arguments: tuple) -> bool:
    return _all(str)(arguments) and len(arguments) == 2 and arguments[1] == "latin1"


# How protocol 2 writes bytes: the text is kept, from which whoever needs the bytes makes them.
_ENCODED = {
    ("_codecs", "encode"): Allowed(
        call=_type_of_data(ENCODED, _is_encoded, lambda arguments: Record(ENCODED, arguments=arguments[:1]))
    )
}


def _is_deque(arguments: tuple) -> bool:
    """Empty, or of a list, and perhaps with a largest length."""
    begun = arguments[0] if arguments else []
    return _like((tuple, list), (int, _NONE), optional=2)(arguments) and (type(begun) is list or not begun)


def _container(name: str, fits: _Fits, make: Callable[[tuple], object]) -> Allowed:
    return Allowed(call=_type_of_data(f"collections {name}", fits, make))


# What is filled or looked through like a dictionary or list is one; a given one is not copied.
_CONTAINERS = {
    ("collections", "defaultdict"): _container("defaultdict", _like((Global, _NONE), optional=1), lambda _: {}),
    ("collections", "Counter"): _container("Counter", _like(dict, optional=1), lambda given: given[0] if given else {}),
    ("collections", "deque"): _container("deque", _is_deque, lambda given: given[0] if given and given[0] else []),
}

HARMLESS: dict[tuple[str, str], Allowed] = {
    **dict.fromkeys(_NAMED, Allowed()),
    **{
        (module, name): Allowed(call=_type_of_data(f"{module} {name}", fits))
        for modules, name, fits in _CALLED
        for module in modules
    },
    **{(module, name): Allowed(new=_type_of_data(f"{module} {name}", fits)) for module, name, fits in _NEW},
    **_ARRAYS,
    **_ENCODED,
    **_CONTAINERS,
}
