"""Files of small networks: built-in weights, strict loading, half precision."""

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from ..errors import ConfigError
from .reading import check_file
from .safetensors_io import check_fit, parse_json, read_header, read_tensors, write_tensors

ASSETS = Path(__file__).resolve().parents[1] / "assets"

N = TypeVar("N", bound=nn.Module)


@dataclass(frozen=True)
class NetworkKind(Generic[N]):
    """A kind of network: what its files are called and how one is built from its configuration."""

    name: str  # as in "an attribute reader"
    schema: str
    asset: str  # file name of the built-in weights
    script: str  # the command that trains one
    config: type
    build: type[N]

    def load(self, path: str | os.PathLike | None = None) -> N:
        """See :func:`load_network`."""
        return load_network(self, path)


def save_network(
    path: str | os.PathLike, kind: NetworkKind, network: nn.Module, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a network: weights in half precision, statistics in full, the configuration in the metadata."""
    config: Any = network.config
    header = {**(metadata or {}), "schema": kind.schema, "config": json.dumps(dataclasses.asdict(config))}
    tensors = {
        name: tensor.half() if tensor.ndim >= 2 else tensor
        for name, tensor in network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    write_tensors(path, tensors, header)


def load_network(kind: NetworkKind[N], path: str | os.PathLike | None = None) -> N:
    """The network in a file, or the one that comes with the package; in eval mode, without gradients.

    Raises:
        FileError: missing, damaged, of another kind, or tensors that do not fit.
        ConfigError: the configuration in the file is not usable.
    """
    train_one, missing = f"train one: python {kind.script}", f"There are no weights for {kind.name}"
    path = check_file(ASSETS / kind.asset if path is None else path, "a .safetensors file", train_one, missing)
    header = read_header(path, kind.schema, kind.name, f"choose {kind.name}, or {train_one}")
    config = _config_from(kind, parse_json(header, "config", path))
    tensors = read_tensors(path)
    with torch.inference_mode(False):  # so that one can differentiate through it later
        network = kind.build(config)
        wanted = {name: t for name, t in network.state_dict().items() if not name.endswith("num_batches_tracked")}
        check_fit(wanted, tensors, "the network", path.name, "download or train it again")
        network.load_state_dict(tensors, strict=False)  # num_batches_tracked, of no use here, is not in the file
        return network.to(memory_format=torch.channels_last).eval().requires_grad_(False)


def _config_from(kind: NetworkKind, values: Any):
    try:
        return kind.config(**values)
    except TypeError as error:
        raise ConfigError(
            f"The configuration of {kind.name} is not usable", error, "the settings it was trained with", "train anew"
        ) from error
