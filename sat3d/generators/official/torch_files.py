"""Files of ``torch.save`` in the place of a network pickle: what they hold, or in words why it is of no use.

Nothing inside is run. For the format see :mod:`sat3d.foreign.torch_file`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar
from zipfile import ZipInfo

from ...errors import FileError, HostileFileError
from ...foreign.allowlist import ALLOWED
from ...foreign.archives import ZIP, entries_of
from ...foreign.program import Allowed
from ...foreign.projects import OtherProjectError
from ...foreign.storage import STORAGE_GLOBALS
from ...foreign.torch_file import read_torch
from ...foreign.values import Context, Record, TensorView, asks_for, describe
from .contents import CODE, EXPORT, WANTED, is_network, weights_alone, weights_somewhere

_ALLOWED = {**ALLOWED, **STORAGE_GLOBALS}
_SHOWN, _MOST_VALUES = 5, 50
T = TypeVar("T")


def read_contents(data: memoryview, name: str) -> object:
    """What the file's pickle holds.

    Raises:
        FileError: another archive, damaged, or a network of a class that no published code has.
        HostileFileError: it asks for a function to be called that no weights and no network need.
    """
    kind = "zip file" if _is_zip(data) else "file of torch.save"
    if _is_zip(data):
        _check_archive(_in_words(lambda: entries_of(data), kind, name), name)
    try:
        return _in_words(lambda: read_torch(data, _ALLOWED), kind, name)
    except HostileFileError:  # perhaps only for the class of an object, which is then named
        contents = _in_words(lambda: read_torch(data, _Looking()), kind, name)
    raise explain(contents, told(data, name))


def _in_words(read: Callable[[], T], kind: str, name: str) -> T:
    try:
        return read()
    except (HostileFileError, OtherProjectError):
        raise
    except FileError as error:
        raise FileError(f"This {kind} cannot be read", f"{name}: {error.what}", WANTED, error.next_step) from error


def told(data: memoryview, name: str) -> str:
    """The file in words."""
    return f"{name}, {'a zip' if _is_zip(data) else 'an old'} file of torch.save"


def _is_zip(data: memoryview) -> bool:
    return bytes(data[:4]) == ZIP


def _check_archive(entries: list[ZipInfo], name: str) -> None:
    paths = [entry.filename for entry in entries]
    if sum(path.rpartition("/")[2] == "data.pkl" for path in paths) != 1:
        shown = ", ".join(path[:60] for path in paths[:_SHOWN]) or "nothing"
        step = CODE if any(path.endswith(".npy") for path in paths) else "unpack it first"
        raise FileError("This zip file is not a network pickle", f"{name} with {shown}", WANTED, step)
    if any(path.rpartition("/")[2] == "constants.pkl" for path in paths):
        raise FileError("This TorchScript program is not a network pickle", name, WANTED, EXPORT)


def explain(contents: object, what: str) -> FileError:
    """Why contents without a network that is known are of no use, and what would help; ``what``: see :func:`told`."""
    weights = weights_somewhere(contents) if type(contents) is dict else None
    if weights:
        return weights_alone(f"{what}: {weights}")
    found = _networks(contents)
    if not found:
        step = CODE if type(contents) is TensorView else EXPORT
        return FileError(
            "This file of torch.save is not a network pickle", f"{what}: {describe(contents)}", WANTED, step
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
        if key in _ALLOWED:
            return _ALLOWED[key]
        name = " ".join(part[:80] for part in key)

        def refuse(context: Context, arguments: tuple) -> object:
            raise asks_for(repr(name))

        return Allowed(call=refuse, new=lambda context, arguments: Record(name))

    def __contains__(self, key: object) -> bool:
        return True

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(_ALLOWED)

    def __len__(self) -> int:
        return len(_ALLOWED)
