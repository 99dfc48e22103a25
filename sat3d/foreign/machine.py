"""An interpreter for the few pickle opcodes that network pickles consist of.

It is not Python's unpickler: it has no way to import, look up or call anything. A global becomes an inert
:class:`Global` if its exact (module, name) pair is in the allow-list it is given, and the file is refused
otherwise; "calling" one means a handler of that list, a function of this package, turning arguments
into a record. Opcode semantics: the documentation of Python's ``pickletools``.

No opcode takes longer than the bytes it owns (or the stack items it removes), none allocates from a length
before that many bytes are known to exist, and keys of dicts are plain scalars, so nothing deep is hashed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import FileError
from .opcodes import OPERATIONS
from .values import Blob, Context, Global, damaged, describe, exhausting, hostile, unlike_official

_MAX_STACK = 65536
_STOP = 0x2E
_FORBIDDEN = b"ioP\x82\x83\x84\x92\x97\x98"  # INST OBJ PERSID EXT1 EXT2 EXT4 NEWOBJ_EX NEXT_BUFFER READONLY_BUFFER
_LEFT_OUT = b"2FILSVTUdglp\x91"  # of old protocols, and FROZENSET: harmless, but nothing that we need


@dataclass(frozen=True)
class Allowed:
    """What a file may do with one global: REDUCE it (``call``) or NEWOBJ it (``new``); both get ``(context, args)``."""

    call: Callable[[Context, tuple], object] | None = None
    new: Callable[[Context, tuple], object] | None = None


AllowList = Mapping[tuple[str, str], Allowed]


class Machine:
    """Runs one pickle of ``context.data`` from ``position``; no byte at or after ``end`` is read.

    ``persistent``: what BINPERSID does with its argument; without it that opcode is refused.
    """

    def __init__(
        self,
        context: Context,
        allowed: AllowList,
        position: int,
        end: int,
        persistent: Callable[[object], object] | None = None,
    ):
        self.context, self.allowed, self.persistent = context, allowed, persistent
        self.position, self.end = position, end
        self.stack: list = []
        self.marks: list[int] = []
        self.memo: list = []

    def run(self) -> object:
        """The value of the pickle; ``position`` is then just behind its STOP.

        Raises:
            FileError: truncated or malformed. HostileFileError: asks for anything outside the allow-list or budget.
        """
        while (code := self._next_opcode()) != _STOP:
            operation = OPERATIONS.get(code)
            if operation is None:
                raise self._refusal(code)
            operation(self)
        if len(self.stack) != 1 or self.marks:
            raise damaged("it ends in the middle of a value", f"byte {self.position}")
        return self.stack.pop()

    def _refusal(self, code: int) -> FileError:
        where = f"opcode 0x{code:02x} at byte {self.position - 1}"
        if code in _FORBIDDEN:
            return hostile("it uses a pickle opcode that makes objects in ways no network needs", where)
        if code in _LEFT_OUT:
            return unlike_official("it uses a pickle opcode that no network needs", where)
        return damaged("it holds what is no pickle opcode", where)

    def _next_opcode(self) -> int:
        budget, position = self.context.budget, self.position
        budget.opcodes -= 1
        if budget.opcodes < 0 or len(self.stack) > _MAX_STACK:
            raise exhausting("is a far longer or deeper program than any network", f"byte {position}")
        self._check_left(1)
        self.position = position + 1
        return self.context.data[position]

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes, copied."""
        self._check_left(count)
        start = self.position
        self.position = end = start + count
        return bytes(self.context.data[start:end])

    def take_blob(self, count: int) -> Blob:
        """The next ``count`` bytes, not even looked at."""
        self._check_left(count)
        self.position += count
        return Blob(self.position - count, self.position)

    def _check_left(self, count: int) -> None:
        if count > self.end - self.position:
            raise damaged(
                "it is truncated or a length in it is wrong",
                f"{count} bytes wanted at byte {self.position}, {self.end - self.position} left",
            )

    def take_length(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def push(self, value: object) -> None:
        self.stack.append(value)

    def pop(self) -> object:
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise damaged("a value is missing on the stack", f"byte {self.position}")
        return self.stack.pop()

    def pop_mark(self) -> list:
        if not self.marks:
            raise damaged("a mark is missing on the stack", f"byte {self.position}")
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def top(self, kind: type) -> object:
        value = self.pop()
        if type(value) is not kind:
            # Calls are always made of a global and a tuple; what is filled or set may be of a kind that is not known.
            fault = damaged if kind in (Global, tuple) else unlike_official
            raise fault(f"a {kind.__name__.lower()} was expected", f"{describe(value)} before byte {self.position}")
        self.push(value)
        return value
