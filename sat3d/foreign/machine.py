"""An interpreter for the few pickle opcodes that network pickles consist of.

It is not Python's unpickler: it has no way to import, look up or call anything. A global becomes an inert
:class:`Global` if its exact (module, name) pair is in the allow-list it is given, and the file is refused
otherwise; "calling" one means a handler of that list, a function of this package, turning arguments
into a record. Opcode semantics: the documentation of Python's ``pickletools``.

No opcode takes longer than the bytes it owns (or the stack items it removes), none allocates from a length
before that many bytes are known to exist, and keys of dicts are plain scalars, so nothing deep is hashed.
"""

from ..errors import FileError
from .opcodes import OPERATIONS
from .program import Program
from .values import damaged, exhausting, hostile, unlike_official

_MAX_STACK = 65536
_STOP = 0x2E
_FORBIDDEN = b"ioP\x82\x83\x84\x92\x97\x98"  # INST OBJ PERSID EXT1 EXT2 EXT4 NEWOBJ_EX NEXT_BUFFER READONLY_BUFFER
_LEFT_OUT = b"2FILSVTUdglp\x91"  # of old protocols, and FROZENSET: harmless, but nothing that we need


class Machine(Program):
    """Runs a program; one use each."""

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
        self.check_left(1)
        self.position = position + 1
        return self.context.data[position]
