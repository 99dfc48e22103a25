"""A child: a network that was fine-tuned from a parent with the parent's style space, as a small file of differences.

Mapping and affines are the parent's, bit for bit; so its latents, masks, sliders, parts and animations are the child's,
too. The file holds what differs beyond these, and the fingerprint of the parent, onto which it is laid.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..errors import ConfigError, FileError, LayoutError
from ..files.safetensors_io import name_some, read_header, read_tensors, write_tensors
from .base import StyleGenerator
from .differences import add_differences, compact_difference, makes_styles

SCHEMA = "sat3d-child/1"
_NEXT_STEP = "train one: python training/train_generator.py --help"
_OWN_KEYS = ("schema", "parent_fingerprint")


@dataclass(frozen=True)
class ChildFile:
    """``differences``: from the parent's weights, by name; ``parent``: what its file was called."""

    differences: Mapping[str, Tensor]
    parent_fingerprint: str
    parent: str
    metadata: Mapping[str, str]

    def weights_on(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The child's, on those of its parent.

        Raises:
            LayoutError: differences that do not fit.
        """
        return add_differences(weights, self.differences)


def save_child(
    path: str | os.PathLike,
    parent: StyleGenerator,
    child: StyleGenerator,
    parent_name: str = "",
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write what ``child`` has beyond ``parent``; the file appears whole or not at all.

    Raises:
        LayoutError: two architectures. ConfigError: mapping or affines that differ: no shared style space.
    """
    before, after = parent.state_dict(), child.state_dict()
    if before.keys() != after.keys() or any(before[name].shape != after[name].shape for name in before):
        raise LayoutError("The child has another architecture than its parent", child.layout.fingerprint,
                          parent.layout.fingerprint, "fine-tune this parent")  # fmt: skip
    changed = [name for name in before if not torch.equal(before[name].cpu(), after[name].cpu())]
    if moved := [name for name in changed if makes_styles(name)]:
        raise ConfigError("The child has a style space of its own", name_some(moved),
                          "mapping and affines of the parent",
                          "freeze them in fine-tuning, or save it as a whole checkpoint")  # fmt: skip
    differences = {name: compact_difference(before[name], after[name]) for name in changed}
    header = {**(metadata or {}), "schema": SCHEMA, "parent_fingerprint": parent.fingerprint(), "parent": parent_name}
    write_tensors(path, differences, header)


def is_child(path: Path) -> bool:
    """Whether a .safetensors file says that it is one."""
    try:
        return bool(read_header(path, SCHEMA, "a child", _NEXT_STEP))
    except FileError:
        return False


def read_child(path: str | os.PathLike) -> ChildFile:
    """
    Raises:
        FileError: missing, damaged, of another kind, numbers that are none, or weights that make styles.
    """
    header = read_header(path, SCHEMA, "a child of a generator", _NEXT_STEP)
    differences, name = read_tensors(path), Path(path).name
    broken = [key for key, t in differences.items() if not t.is_floating_point() or not torch.isfinite(t).all()]
    own = [key for key in differences if makes_styles(key)]
    if broken or own or not header.get("parent_fingerprint"):
        raise FileError("The child's file is not usable", f"{name}: {name_some(broken or own or ['no parent'])}",
                        "finite differences of weights that make no styles, and the parent's fingerprint",
                        "download or make it again")  # fmt: skip
    notes = {key: value for key, value in header.items() if key not in _OWN_KEYS}
    return ChildFile(differences, header["parent_fingerprint"], header.get("parent", ""), notes)
