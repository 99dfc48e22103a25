"""Inert records for the values of a network pickle: they carry data and can do nothing.

Nothing in this folder imports, looks up or calls what a file names. A file may be damaged or hostile, so every
limit below is several times what the largest published network needs (about 50,000 opcodes, strings of 60 KB).
"""

from dataclasses import dataclass, field

from ..errors import FileError, HostileFileError

MAX_OPCODES = 400_000
MAX_STRING_BYTES = 1 << 20
MAX_TEXT_BYTES = 1 << 24  # of all strings of a file together
Shape = tuple[int, ...]
_OFFICIAL = "a network pickle written by the official training code"


@dataclass(frozen=True, slots=True)
class Global:
    """A global from the allow-list, as the two names the file wrote; never the object of that name."""

    module: str
    name: str

    def __str__(self):
        return f"{self.module} {self.name}"


@dataclass(slots=True, eq=False)
class Record:
    """An object of the file: the name of its class and, once, its state.

    ``persistent``: its class came with its source text (which is ignored). ``arguments``: of numpy types and arrays,
    whose state is a tuple.
    """

    kind: str
    persistent: bool = False
    arguments: tuple = ()
    state: dict | tuple | None = None


@dataclass(slots=True, eq=False)  # not frozen: that makes construction three times slower
class Blob:
    """Bytes of the file, not copied: ``[start, end)`` in bytes from the beginning of the file."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Storage:
    """``count`` numbers of one type: ``code`` is a numpy code, or ``"bf16"``, or None where torch has no float type."""

    type_name: str
    code: str | None
    count: int
    content: Blob


@dataclass(frozen=True, slots=True, eq=False)
class TensorView:
    """A tensor that has not been read yet: a window on a storage, counted in elements."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass
class Budget:
    """What is left for one file, nested streams included: opcodes and bytes of text.

    Each opcode makes at most one small object, so this bounds time and memory too (about 60 MB at worst).
    """

    opcodes: int = MAX_OPCODES
    text_bytes: int = MAX_TEXT_BYTES

    def spend_text(self, count: int) -> None:
        self.text_bytes -= count
        if count > MAX_STRING_BYTES or self.text_bytes < 0:
            raise exhausting("holds more text than any network", f"a string of {count} bytes")


@dataclass
class Context:
    """What the handlers of the allow-list may use: the file's bytes, its budget, the sources seen so far."""

    data: memoryview
    budget: Budget = field(default_factory=Budget)
    sources: set[str] = field(default_factory=set)


_NAMES = {TensorView: "a tensor", Storage: "a tensor's storage", Blob: "bytes"}


def describe(value: object) -> str:
    """A short name for a value of the file; containers are never spelt out (they can be exponentially large)."""
    if value is None or type(value) in (bool, float):
        return repr(value)
    if type(value) is int:
        return repr(value) if abs(value) < 1 << 64 else f"an integer of {value.bit_length()} bits"
    if type(value) is str:
        return repr(value[:60]) + (" …" if len(value) > 60 else "")
    if isinstance(value, Global | Record):
        return f"{type(value).__name__.lower()} {str(value)[:60] if isinstance(value, Global) else value.kind[:60]!r}"
    return _NAMES.get(type(value)) or f"a {type(value).__name__.lower()}"


def damaged(what: str, got: object = None) -> FileError:
    """Something was cut off or changed on its way."""
    return FileError(
        f"The network pickle is damaged: {what}", got, "a complete official network pickle", "download the file again"
    )


def unlike_official(what: str, got: object = None) -> FileError:
    """A complete file that is another one than it should be: fetching it again would not help."""
    return FileError(
        f"The pickle is not as the official code writes it: {what}",
        got,
        _OFFICIAL,
        "use the network as its training code saved it",
    )


def hostile(what: str, got: object = None) -> HostileFileError:
    return _refused(f"{what}; nothing in it was executed", got, "do not use this file, and do not open it otherwise")


def asks_for(global_name: str) -> HostileFileError:
    """A global that is in no list."""
    return hostile("it asks for something that no network contains", global_name)


def foreign_object(global_name: str) -> HostileFileError:
    """The same, where it is the class of an object: of another project as likely as of an attacker."""
    return _refused(
        "it holds an object of a class that no official network contains; nothing in it was executed",
        global_name,
        "have the network saved without this object, or by the official code; do not open the file otherwise",
    )


def exhausting(what: str, got: object = None) -> HostileFileError:
    return _refused(f"it {what}", got, "download the file from its original place")


def _refused(what: str, got: object, next_step: str) -> HostileFileError:
    return HostileFileError(f"The file was refused: {what}", got, _OFFICIAL, next_step)
