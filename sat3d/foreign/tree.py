"""The module tree of a network: every module and tensor by its dotted name.

Shared records let a small file describe an exponentially large tree, so the walk is limited, not the file.
"""

import re
from dataclasses import dataclass, field
from typing import TypeVar

from .values import Record, TensorView, describe, exhausting, unlike_official

_MAX_DEPTH = 12
_MAX_ENTRIES = 8192
T = TypeVar("T")
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")


@dataclass
class Tree:
    """Dotted name -> module record (``""`` is the network itself) and dotted name -> parameter or buffer."""

    modules: dict[str, Record] = field(default_factory=dict)
    tensors: dict[str, TensorView] = field(default_factory=dict)

    def attribute(self, module: str, name: str, default: object = None) -> object:
        record = self.modules.get(module)
        return default if record is None or type(record.state) is not dict else record.state.get(name, default)


def walk(network: Record) -> Tree:
    """Collect the tree.

    Raises:
        FileError: not a module. HostileFileError: deeper or larger than any network (shared records multiply).
    """
    tree, waiting, entries = Tree(), [("", 0, network)], 0
    while waiting:
        path, depth, record = waiting.pop()
        tables = [_table(record, path, group) for group in ("_parameters", "_buffers", "_modules")]
        entries += 1 + sum(len(table) for table in tables)
        if depth > _MAX_DEPTH or entries > _MAX_ENTRIES:
            raise exhausting("describes a far deeper or larger network than any published one", path[:80])
        tree.modules[path] = record
        for table in tables[:2]:
            tree.tensors.update(_children(table, path, TensorView, "tensor"))
        waiting += [(name, depth + 1, child) for name, child in _children(tables[2], path, Record, "module")]
    return tree


def _table(record: Record, path: str, group: str) -> dict:
    table = record.state.get(group) if type(record.state) is dict else None
    if type(table) is not dict:
        raise unlike_official(f"module {path or 'network'!r} has no usable {group}", describe(table))
    return table


def _children(table: dict, path: str, kind: type[T], kind_name: str) -> list[tuple[str, T]]:
    found = [(_join(path, name), child) for name, child in table.items() if child is not None]
    for name, child in found:
        if type(child) is not kind:
            raise unlike_official(f"{name} is not a {kind_name}", describe(child))
    return found


def _join(path: str, name: object) -> str:
    if type(name) is not str or not _NAME.fullmatch(name):
        raise unlike_official(f"a part of module {path or 'network'!r} has a strange name", describe(name))
    return f"{path}.{name}" if path else name
