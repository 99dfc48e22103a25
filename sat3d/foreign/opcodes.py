"""The pickle opcodes that network pickles use, one small function each (see :mod:`.machine` for the rules)."""

import re
import struct
from collections.abc import Callable

from .program import Program
from .projects import project_of
from .values import Global, Record, asks_for, damaged, describe, exhausting, foreign_object, hostile, unlike_official

Operation = Callable[[Program], object]

_MAX_NAME_BYTES = 256
_MAX_INTEGER_BYTES = 256
# What follows a global if it is a class of which an empty instance is made: EMPTY_TUPLE NEWOBJ, each perhaps stored.
_NEW_OBJECT = re.compile(rb"(\x94|q.|r.{4})?\)(\x94|q.|r.{4})?\x81", re.DOTALL)
_NEW_OBJECT_BYTES = 12

# A state is only ever looked into, never turned into attributes; these names show that somebody hopes otherwise.
_SPECIAL_NAMES = (
    "__class__",
    "__dict__",
    "__setstate__",
    "__reduce__",
    "__reduce_ex__",
    "__getattr__",
    "__getattribute__",
    "__init__",
    "__new__",
    "__del__",
    "__call__",
    "__globals__",
    "__builtins__",
)


def _protocol(m: Program) -> None:
    version = m.take(1)[0]
    if not 2 <= version <= 5:
        raise unlike_official("unknown pickle protocol", version)


def _frame(m: Program) -> None:
    length = m.take_length(8)  # a hint for readers that buffer; only its truth is checked
    if length > m.end - m.position:
        raise damaged("it is truncated", f"a frame of {length} bytes at byte {m.position}, {m.end - m.position} left")


def _text(width: int) -> Operation:
    def read(m: Program) -> None:
        length = m.take_length(width)
        m.context.budget.spend_text(length)
        m.push(_decode(m, m.take(length)))

    return read


def _decode(m: Program, raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise damaged("a string is not text", f"byte {m.position}") from None


def _blob(width: int) -> Operation:
    return lambda m: m.push(m.take_blob(m.take_length(width)))


def _unsigned(width: int) -> Operation:
    return lambda m: m.push(m.take_length(width))


def _long(width: int) -> Operation:
    def read(m: Program) -> None:
        length = m.take_length(width)
        if length > _MAX_INTEGER_BYTES:
            raise exhausting("holds an absurdly long integer", f"{length} bytes at byte {m.position}")
        m.push(int.from_bytes(m.take(length), "little", signed=True))

    return read


def _constant(value: object) -> Operation:
    return lambda m: m.push(value)


def _tuple_of(count: int) -> Operation:
    return lambda m: m.push(tuple([m.pop() for _ in range(count)][::-1]))


def _set_items(m: Program) -> None:
    items = m.pop_mark()
    if len(items) % 2:
        raise damaged("a dictionary key has no value", f"byte {m.position}")
    _fill(m, items)


def _fill(m: Program, items: list) -> None:
    target = m.top(dict)
    for key, value in zip(items[::2], items[1::2], strict=True):
        target[_scalar(m, key)] = value


def _scalar(m: Program, key: object) -> object:
    # Small integers only: large ones can be chosen to collide in a hash table.
    if type(key) in (str, bool) or key is None or (type(key) is int and abs(key) < 65536):
        return key
    raise hostile("a dictionary key or set item is not a plain scalar", f"{describe(key)} before byte {m.position}")


def _add_items(m: Program) -> None:
    items = [_scalar(m, item) for item in m.pop_mark()]
    m.top(list).extend(items)  # a set is kept as a list: nothing here asks for membership


def _get(width: int) -> Operation:
    def read(m: Program) -> None:
        index = m.take_length(width)
        if index >= len(m.memo):
            raise damaged("it refers to a value that it never stored", f"memo {index} at byte {m.position}")
        m.push(m.memo[index])

    return read


def _put(width: int) -> Operation:
    def read(m: Program) -> None:
        index, value = m.take_length(width), m.pop()
        m.push(value)
        if index > len(m.memo):  # writers number their values 0, 1, 2, …
            raise damaged("it stores values out of order", f"memo {index} at byte {m.position}, expected {len(m.memo)}")
        m.memo[index : index + 1] = [value]

    return read


def _memoize(m: Program) -> None:
    value = m.pop()
    m.push(value)
    m.memo.append(value)


def _line(m: Program) -> str:
    # Bounded first: a file without a newline must not be searched to its end, once for each such opcode.
    stop = min(m.end, m.position + _MAX_NAME_BYTES + 1)
    length = bytes(m.context.data[m.position : stop]).find(b"\n")
    if length < 0:
        raise damaged("a name is too long or cut off", f"byte {m.position}")
    raw = m.take(length + 1)
    return _decode(m, raw[:-1])


def _stack_global(m: Program) -> None:
    name, module = m.pop(), m.pop()
    if type(name) is not str or type(module) is not str:
        raise unlike_official(
            "a global's name is not text", f"{describe(module)}, {describe(name)} before byte {m.position}"
        )
    _push_global(m, module, name)


def _push_global(m: Program, module: str, name: str) -> None:
    if (module, name) in m.allowed:
        m.push(Global(module, name))
    elif known := project_of(module):
        raise known
    else:
        where = f"'{module[:80]} {name[:80]}' at byte {m.position}"
        upcoming = bytes(m.context.data[m.position : min(m.end, m.position + _NEW_OBJECT_BYTES)])
        raise foreign_object(where) if _NEW_OBJECT.match(upcoming) else asks_for(where)


def _arguments(m: Program) -> tuple[Global, tuple]:
    arguments = m.top(tuple)
    m.pop()
    target = m.top(Global)
    m.pop()
    return target, arguments


def _reduce(m: Program) -> None:
    target, arguments = _arguments(m)
    _push_made(m, target, m.allowed[target.module, target.name].call, arguments)


def _new_object(m: Program) -> None:
    target, arguments = _arguments(m)
    _push_made(m, target, m.allowed[target.module, target.name].new, arguments)


def _push_made(m: Program, target: Global, make: Callable | None, arguments: tuple) -> None:
    if make is None:
        raise hostile("it uses a known class in a way that no network does", f"'{target}' before byte {m.position}")
    m.push(make(m.context, arguments))


def _build(m: Program) -> None:
    state = m.pop()
    if m.stack and type(m.stack[-1]) is dict:
        _check_notes(m, state)
        return
    record = m.top(Record)
    wanted = tuple if record.arguments else dict
    if record.persistent or record.state is not None or type(state) is not wanted:
        raise hostile(
            "it sets the state of an object in a way that no network does",
            f"{describe(state)} for {describe(record)} before byte {m.position}",
        )
    if wanted is dict and any(name in state for name in _SPECIAL_NAMES):
        raise hostile("it sets special attributes of an object", f"{describe(record)} before byte {m.position}")
    record.state = state


def _check_notes(m: Program, notes: object) -> None:
    """A state dict has notes on versions, which are dropped; a dictionary has no other state."""
    if type(notes) is not dict or len(notes) > 1 or set(notes) - {"_metadata"}:
        raise hostile(
            "it sets the state of an object in a way that no network does",
            f"{describe(notes)} before byte {m.position}",
        )


def _persistent_id(m: Program) -> None:
    if m.persistent is None:
        raise hostile("it refers to an object outside the file", f"byte {m.position - 1}")
    m.push(m.persistent(m.pop()))


def _append(m: Program, items: list) -> None:
    m.top(list).extend(items)


OPERATIONS: dict[int, Operation] = {
    0x80: _protocol,
    0x95: _frame,
    ord("("): lambda m: m.marks.append(len(m.stack)),
    ord("0"): lambda m: m.pop(),
    ord("1"): lambda m: m.pop_mark(),
    ord("N"): _constant(None),
    0x88: _constant(True),
    0x89: _constant(False),
    ord("K"): _unsigned(1),
    ord("M"): _unsigned(2),
    ord("J"): lambda m: m.push(struct.unpack("<i", m.take(4))[0]),
    ord("G"): lambda m: m.push(struct.unpack(">d", m.take(8))[0]),
    0x8A: _long(1),
    0x8B: _long(4),
    0x8C: _text(1),
    ord("X"): _text(4),
    0x8D: _text(8),
    ord("C"): _blob(1),
    ord("B"): _blob(4),
    0x8E: _blob(8),
    0x96: _blob(8),
    ord("}"): lambda m: m.push({}),
    ord("]"): lambda m: m.push([]),
    0x8F: lambda m: m.push([]),
    ord(")"): _constant(()),
    ord("t"): lambda m: m.push(tuple(m.pop_mark())),
    0x85: _tuple_of(1),
    0x86: _tuple_of(2),
    0x87: _tuple_of(3),
    ord("a"): lambda m: _append(m, [m.pop()]),
    ord("e"): lambda m: _append(m, m.pop_mark()),
    ord("s"): lambda m: _fill(m, [m.pop(), m.pop()][::-1]),
    ord("u"): _set_items,
    0x90: _add_items,
    ord("h"): _get(1),
    ord("j"): _get(4),
    ord("q"): _put(1),
    ord("r"): _put(4),
    0x94: _memoize,
    ord("c"): lambda m: _push_global(m, _line(m), _line(m)),
    0x93: _stack_global,
    ord("R"): _reduce,
    0x81: _new_object,
    ord("b"): _build,
    ord("Q"): _persistent_id,
}
