"""Our checkpoint format: safetensors with the architecture, its origin and its licence in the metadata."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..errors import ConfigError, FileError
from ..files import atomic_path
from .config import GeneratorConfig, config_from_dict, config_to_dict

SCHEMA = "sat3d-generator/1"


def save_checkpoint(path: str | os.PathLike, config: GeneratorConfig, tensors: Mapping[str, Tensor],
                    metadata: Mapping[str, str], overwrite: bool = False) -> None:
    """Write a generator: ``tensors`` by parameter name, ``metadata`` e.g. source_sha256, licence, notes.

    The file appears whole or not at all.

    Raises:
        FileError: the target exists and ``overwrite`` is False, or the folder cannot be written.
    """
    header = {"schema": SCHEMA, "config": json.dumps(config_to_dict(config)), **metadata}
    with atomic_path(path, overwrite) as temporary:
        _write(dict(tensors), temporary, header)


def _write(tensors: dict[str, Tensor], path: Path, header: dict[str, str]) -> None:
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(contiguous, path, metadata=header)
    except (OSError, SafetensorError) as error:
        raise FileError("The checkpoint could not be written", error, "enough free space and write permission",
                        "free some space or choose another folder") from error


def read_header(path: str | os.PathLike) -> dict[str, str]:
    """The metadata of a checkpoint, without its tensors.

    Raises:
        FileError: missing, truncated, not safetensors, or not a generator of ours.
    """
    with open_safetensors(path) as stream:
        header = stream.metadata() or {}
    if header.get("schema") != SCHEMA:
        raise FileError("Not a SAT3D generator checkpoint", f"{Path(path).name} with schema {header.get('schema')!r}",
                        SCHEMA, "convert an official pickle with training/convert_checkpoint.py")
    return header


def read_checkpoint(path: str | os.PathLike) -> tuple[GeneratorConfig, dict[str, Tensor], dict[str, str]]:
    """Read ``(config, tensors as float32, metadata)``.

    Raises:
        FileError: see :func:`read_header`.
        ConfigError: the architecture in the metadata is not usable.
    """
    header = read_header(path)
    try:
        config = config_from_dict(json.loads(header["config"]))
    except (KeyError, ValueError, RecursionError) as error:
        raise ConfigError("The checkpoint's architecture is unreadable", error, "JSON in the metadata key 'config'",
                          "convert the checkpoint again") from error
    with open_safetensors(path) as stream:
        tensors = {name: stream.get_tensor(name).to(torch.float32) for name in stream.keys()}
    return config, tensors, header


def open_safetensors(path: str | os.PathLike):
    """Open a safetensors file for reading (a context manager), with errors a user understands."""
    if not Path(path).is_file():
        raise FileError("File not found", path, "an existing .safetensors file", "check the path")
    try:
        return safe_open(str(path), framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        raise FileError("Not a readable safetensors file", f"{Path(path).name} ({error})",
                        "a complete .safetensors file", "download or convert it again") from error
