"""Files of weights of published networks: looked at, named, and filled into a network."""

import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from ..errors import FileError
from ..files.safetensors_io import list_misfits, name_some, without_wrappers
from ..files.safetensors_io import read_tensors as read_safetensors
from ..foreign.state_dict import WANTED, read_torch_file
from ..foreign.tensors import check_tensors, read_tensors
from ..foreign.values import Shape, TensorView, describe
from .networks import network_of

N = TypeVar("N", bound=nn.Module)
T = TypeVar("T")
_COUNTER = "num_batches_tracked"  # of batch norms, whole numbers of no use here


def shapes_of(network: nn.Module) -> dict[str, Shape]:
    """What a file for this network must hold."""
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items() if not name.endswith(_COUNTER)}


class StateFile(ABC):
    """A state dictionary in a file: its tensors by name."""

    name: str

    @property
    @abstractmethod
    def names(self) -> Collection[str]: ...

    def fill(self, network: N) -> N:
        """Put the tensors into ``network``, strictly; in eval mode, without gradients.

        Raises:
            FileError: naming the network that the tensors are of, where it is known and another; or those that are
                missing, unexpected, of a wrong shape or type, or not finite.
        """
        wanted = shapes_of(network)
        self._check_network(wanted)
        with torch.inference_mode(False):  # so that one can differentiate through it later
            tensors = self._read(wanted)
            network.load_state_dict(tensors, strict=False)  # names and shapes are checked; counters are missing
        return network.eval().requires_grad_(False)

    def _check_network(self, wanted: Collection[str]) -> None:
        own, other = network_of(wanted), network_of(self.names)
        if own and other and own is not other:
            raise FileError(
                f"The weights are of another network: {other.name}",
                self.name,
                f"{own.name}: {own.file}",
                "take that file" + ("; this one serves domains with another parser" if other.file else ""),
            )

    @abstractmethod
    def _read(self, wanted: Mapping[str, Shape]) -> dict[str, Tensor]:
        """Strictly the ``wanted`` ones, all of them finite floats."""


@dataclass(frozen=True)
class TorchStateFile(StateFile):
    """Of ``torch.save``; its tensors are not read yet."""

    name: str
    tensors: Mapping[str, TensorView]
    data: bytes = field(repr=False)

    @property
    def names(self) -> Collection[str]:
        return self.tensors.keys()

    def _read(self, wanted: Mapping[str, Shape]) -> dict[str, Tensor]:
        view = memoryview(self.data)
        check_tensors(self.tensors, wanted, len(view))
        return read_tensors(view, self.tensors, list(wanted), lambda done: None)


@dataclass(frozen=True)
class SafetensorsStateFile(StateFile):
    """Of safetensors, read already."""

    name: str
    tensors: Mapping[str, Tensor]

    @property
    def names(self) -> Collection[str]:
        return self.tensors.keys()

    def _read(self, wanted: Mapping[str, Shape]) -> dict[str, Tensor]:
        outlines = {name: torch.empty(shape, device="meta") for name, shape in wanted.items()}
        if problems := list_misfits(outlines, self.tensors):
            raise FileError("The tensors do not fit the network", name_some(problems), None, "choose another file")
        return dict(self.tensors)


def open_state_file(path: str | os.PathLike) -> StateFile:
    """Look what a file of weights holds.

    Raises:
        FileError: missing, of another kind, damaged.
        HostileFileError: it asks for anything but tensors, or tries to exhaust the machine.
    """
    path = Path(path)
    if path.suffix.lower() == ".safetensors":
        return SafetensorsStateFile(path.name, _plain(read_safetensors(path)))
    contents, data = read_torch_file(path)
    return TorchStateFile(path.name, _plain(_state_in(contents, path.name)), data)


def _state_in(contents: object, source: str) -> dict[str, TensorView]:
    """The state dictionary that a file holds: all of it, or the only one beside what else a training has saved."""
    if type(contents) is not dict or not contents:
        raise FileError("The file holds no state dictionary", describe(contents), WANTED, "choose another file")
    odd = {name: value for name, value in contents.items() if type(name) is not str or type(value) is not TensorView}
    if not odd:
        return contents
    states = {name: value for name, value in odd.items() if type(value) is dict and _is_state(value)}
    if len(states) > 1:
        raise FileError(
            "The file holds more than one state dictionary",
            f"{source}: {', '.join(map(describe, states))}",
            "that of the network alone",
            "save the one that is meant by itself",
        )
    if len(states) == 1 and len(odd) == len(contents):
        return next(iter(states.values()))
    name, value = next(iter(odd.items()))
    raise FileError(
        "The file is not a plain state dictionary",
        f"{source}: {describe(name)} is {describe(value)}",
        "names and tensors alone",
        "save only the network's state_dict()",
    )


def _is_state(value: dict) -> bool:
    return bool(value) and all(type(k) is str and type(v) is TensorView for k, v in value.items())


def _plain(tensors: Mapping[str, T]) -> dict[str, T]:
    """Without the counters of batch norms, and by the names that the network itself has."""
    return without_wrappers({name: tensor for name, tensor in tensors.items() if not name.endswith(_COUNTER)})
