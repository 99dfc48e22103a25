"""Weights of a network that was tuned, such as to a photo: a state dict without settings, and the base it belongs to.

Facts about such files (EG3D-projector): every tensor of the network is there, under its official name, and no setting.
The mapping network gets no gradient in the tuning, so it is still that of the base, to the bit: that tells which of
several networks of one architecture the base was.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ...errors import FileError, NoBaseError, Sat3dError
from ...foreign.tensors import check_filters, check_tensors, read_tensors
from ...foreign.values import TensorView
from .described import Described
from .licences import of_tuned
from .states import Weights

_SHOWN = 8
_CHOOSE = (
    "put its base network (such as ffhq512-128.pkl) into the same folder, or choose it as the base; if the whole "
    "network was trained further, only the latter helps"
)


@dataclass(frozen=True)
class Bases:
    """Where to look for the base network: in ``others``, or ``chosen`` says which it is (then only shapes must fit)."""

    others: Sequence[Path] = ()
    chosen: Path | None = None


@dataclass(frozen=True)
class Base:
    """A network that may be the base; ``read`` gives tensors of it by name, as they are stored."""

    described: Described
    read: Callable[[list[str]], dict[str, Tensor]]


OpenBase = Callable[[Path], AbstractContextManager[Base]]


def describe_tuned(weights: Weights, data: memoryview, what: str, bases: Bases, open_base: OpenBase) -> Described:
    """Settings of the base, tensors of the file. ``what``: the file in words.

    Raises:
        FileError: no base that fits, with what was looked at; or tensors are missing, unexpected or of other shapes.
    """
    if bases.chosen is not None:
        with open_base(bases.chosen) as base:
            return _on_chosen(base, weights, data, bases.chosen)
    refused = []
    for path in bases.others:
        with ExitStack() as stack:
            try:
                base = stack.enter_context(open_base(path))
            except Sat3dError as error:
                refused.append(f"{path.name}: {error.what}")
                continue
            if _same_mapping(base, weights, data):
                return _on(base, weights, data, path)
        refused.append(f"{path.name}: another network")
    raise _without_base(weights, what, refused)


def _on_chosen(base: Base, weights: Weights, data: memoryview, path: Path) -> Described:
    """Another mapping is allowed: of a network that was trained further as a whole."""
    if _same_mapping(base, weights, data):
        return _on(base, weights, data, path)
    try:
        described = _on(base, weights, data, path)
    except FileError as error:
        raise NoBaseError(
            "The weights belong to another base network than the chosen one",
            f"{path.name}, with which they do not fit: {error.got}",
            "the network that was tuned",
            _CHOOSE,
        ) from error
    told = f"{described.notes['recognised']}; its mapping network is another than the base's"
    return replace(described, notes={**described.notes, "recognised": told})


def _on(base: Base, weights: Weights, data: memoryview, path: Path) -> Described:
    described = base.described
    check_tensors(weights.tensors, described.shapes, len(data))
    check_filters(data, weights.tensors)
    notes = {
        **described.notes,
        "network": f"{weights.key or 'all of the file'}, weights alone; settings from {path.name}",
        "recognised": f"tuned weights on {path.name}",
        "base": path.name,
    }
    return replace(described, views=weights.tensors, notes=notes, licence=of_tuned(described.licence))


def _same_mapping(base: Base, weights: Weights, data: memoryview) -> bool:
    shapes = {name: shape for name, shape in base.described.shapes.items() if _is_mapping(name)}
    found: Mapping[str, TensorView] = {name: view for name, view in weights.tensors.items() if _is_mapping(name)}
    try:
        check_tensors(found, shapes, len(data))
    except FileError:
        return False
    ours, theirs = read_tensors(data, found, list(shapes), lambda done: None), base.read(list(shapes))
    return all(torch.equal(ours[name].to(theirs[name].dtype), theirs[name]) for name in shapes)


def _is_mapping(name: str) -> bool:
    return name.startswith(("mapping.", "backbone.mapping."))


def _without_base(weights: Weights, what: str, refused: list[str]) -> NoBaseError:
    names = list(weights.tensors)
    state = f"a state dict of {len(names)} tensors ({', '.join(names[:3])}{', …' * (len(names) > 3)})"
    looked = f"; looked at {', '.join(refused[:_SHOWN])}{', …' * (len(refused) > _SHOWN)}" if refused else ""
    return NoBaseError(
        "The file holds weights without the network they belong to",
        f"{what}{': ' * bool(what)}{f'{weights.key!r} is ' if weights.key else 'it is '}{state}{looked}",
        "the weights and their base network, which says what is computed with them",
        _CHOOSE,
    )
