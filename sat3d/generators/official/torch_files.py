"""What a file of ``torch.save`` holds, in words, where a network pickle was wanted. Nothing inside is run.

Facts about the format: since torch 1.6 a zip archive that is not compressed, with a pickle ``data.pkl`` and a file
``data/<key>`` for each storage; before, a stream of pickles (magic number, protocol, facts about the machine, the
contents, the keys of the storages) and behind them the storages.
"""

import re
from collections.abc import Iterator, Mapping

from ...errors import FileError, HostileFileError
from ...foreign.allowlist import ALLOWED
from ...foreign.archives import ZIP, entries_of, place_of
from ...foreign.machine import Machine
from ...foreign.program import Allowed
from ...foreign.values import Blob, Context, Global, Record, Storage, asks_for, damaged, describe
from .contents import EXPORT, WANTED, is_network, weights_alone, weights_somewhere

_STREAM = re.compile(rb"\x80[\x02-\x05](\x95.{8})?\x8a\x0a\x6c\xfc\x9c\x46", re.DOTALL)  # the magic number
_SHOWN, _MOST_VALUES = 5, 50


def is_torch_file(head: bytes) -> bool:
    """Whether a file that begins so is a zip archive (perhaps not torch's) or an old stream."""
    return head.startswith(ZIP) or bool(_STREAM.match(head))


def refusal(data: memoryview, name: str) -> FileError:
    """Why such a file is no network pickle, and what would help, by what it holds.

    Raises:
        HostileFileError: it asks for a function to be called that no weights and no network need.
    """
    try:
        if data[:4] != ZIP:
            return _of_contents(_look_into_stream(data), f"{name}, an old file of torch.save")
        return _of_archive(data, name)
    except HostileFileError:
        raise
    except FileError as error:
        kind = "zip file" if data[:4] == ZIP else "file of torch.save"
        return FileError(f"This {kind} cannot be read", f"{name}: {error.what}", WANTED, error.next_step)


def _of_archive(data: memoryview, name: str) -> FileError:
    entries = {entry.filename: entry for entry in entries_of(data)}
    programs = [path for path in entries if path.rpartition("/")[2] == "data.pkl"]
    if len(programs) != 1:
        shown = ", ".join(path[:60] for path in list(entries)[:_SHOWN]) or "nothing"
        return FileError("This zip file is not a network pickle", f"{name} with {shown}", WANTED, "unpack it first")
    if any(path.endswith("/constants.pkl") for path in entries):
        return FileError("This TorchScript program is not a network pickle", name, WANTED, EXPORT)
    place = place_of(data, entries[programs[0]])
    machine = Machine(Context(data), _Looking(), *place, _persistent)
    return _of_contents(machine.run(), f"{name}, a zip file of torch.save")


def _look_into_stream(data: memoryview) -> object:
    context, position, value = Context(data), 0, None
    for allowed, persistent in (({}, None), ({}, None), ({}, None), (_Looking(), _persistent)):
        machine = Machine(context, allowed, position, len(data), persistent)
        value, position = machine.run(), machine.position
    return value


def _of_contents(contents: object, what: str) -> FileError:
    weights = weights_somewhere(contents) if type(contents) is dict else None
    if weights:
        return weights_alone(f"{what}: {weights}")
    found = _networks(contents)
    if not found:
        return FileError(
            "This file of torch.save is not a network pickle", f"{what}: {describe(contents)}", WANTED, EXPORT
        )
    return FileError("The network is in a file of torch.save, not in a pickle", f"{what}: {found}", WANTED, EXPORT)


def _networks(contents: object) -> str:
    """The classes of the modules in it."""
    values = list(contents.values())[:_MOST_VALUES] if type(contents) is dict else [contents]
    records = (value for value in values if isinstance(value, Record))
    kinds = [record.kind for record in records if is_network(record) or _has_modules(record)]
    return "of class " + ", ".join(map(repr, dict.fromkeys(kinds[:_SHOWN]))) if kinds else ""


def _has_modules(value: object) -> bool:
    return type(value) is Record and type(value.state) is dict and "_modules" in value.state


class _Looking(Mapping):
    """A list that allows every class, as a name alone, so that whatever is inside can be told; but no other call than
    the usual ones."""

    def __getitem__(self, key: tuple[str, str]) -> Allowed:
        if key in ALLOWED:
            return ALLOWED[key]
        name = " ".join(part[:80] for part in key)

        def refuse(context: Context, arguments: tuple) -> object:
            raise asks_for(repr(name))

        return Allowed(call=refuse, new=lambda context, arguments: Record(name))

    def __contains__(self, key: object) -> bool:
        return True

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(ALLOWED)

    def __len__(self) -> int:
        return len(ALLOWED)


def _persistent(value: object) -> object:
    """What a reference to a storage, or in old files to a class, stands for."""
    if type(value) is tuple and len(value) in (4, 5, 6) and type(value[1]) is Global:
        if value[0] == "module":
            return value[1]
        if value[0] == "storage" and type(value[4]) is int:
            return Storage(value[1].name, None, value[4], Blob(0, 0))
    raise damaged("a tensor's storage is not described as expected", describe(value))
