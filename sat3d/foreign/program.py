"""State of a running pickle program: bytes, stack with marks, memo; and its permissions for globals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from .values import Blob, Context, Global, damaged, describe, unlike_official


@dataclass(frozen=True)
class Allowed:
    """What a file may do with one global: REDUCE it (``call``) or NEWOBJ it (``new``); both get ``(context, args)``."""

    call: Callable[[Context, tuple], object] | None = None
    new: Callable[[Context, tuple], object] | None = None


T = TypeVar("T")
AllowList = Mapping[tuple[str, str], Allowed]


class Program:
    """A pickle of ``context.data`` from ``position``; no byte at or after ``end`` is read.

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

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes, copied."""
        self.check_left(count)
        start = self.position
        self.position = end = start + count
        return bytes(self.context.data[start:end])

    def take_blob(self, count: int) -> Blob:
        """The next ``count`` bytes, not even looked at."""
        self.check_left(count)
        self.position += count
        return Blob(self.position - count, self.position)

    def check_left(self, count: int) -> None:
        """
        Raises:
            FileError: fewer than ``count`` bytes are left.
        """
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

    def top(self, kind: type[T]) -> T:
        value = self.pop()
        if type(value) is not kind:
            # Calls are always made of a global and a tuple; what is filled or set may be of a kind that is not known.
            fault = damaged if kind in (Global, tuple) else unlike_official
            raise fault(f"a {kind.__name__.lower()} was expected", f"{describe(value)} before byte {self.position}")
        self.push(value)
        return value
