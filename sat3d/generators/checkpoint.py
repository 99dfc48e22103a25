"""Our checkpoint format: safetensors with the architecture, its origin and its licence in the metadata."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ..errors import FileError
from ..files.safetensors_io import parse_json, read_tensors, write_tensors
from ..files.safetensors_io import read_header as read_schema_header
from .config import GeneratorConfig
from .config_json import config_from_dict, config_to_dict

SCHEMA = "sat3d-generator/1"


def save_checkpoint(
    path: str | os.PathLike,
    config: GeneratorConfig,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    overwrite: bool = False,
) -> None:
    """Write a generator: ``tensors`` by parameter name, ``metadata`` e.g. source_sha256, licence, notes.

    The file appears whole or not at all.

    Raises:
        FileError: the target exists and ``overwrite`` is False, or the folder cannot be written.
    """
    header = {**metadata, "schema": SCHEMA, "config": json.dumps(config_to_dict(config))}
    write_tensors(path, tensors, header, overwrite)


def read_header(path: str | os.PathLike) -> dict[str, str]:
    """The metadata of a checkpoint, without its tensors.

    Raises:
        FileError: missing, truncated, not safetensors, or not a generator of ours.
    """
    return read_schema_header(
        path, SCHEMA, "a SAT3D generator checkpoint", "convert an official pickle with training/convert_checkpoint.py"
    )


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint of ours."""
    if path.suffix.lower() != ".safetensors":
        return False
    try:
        return bool(read_header(path))
    except FileError:
        return False


def read_checkpoint(path: str | os.PathLike) -> tuple[GeneratorConfig, dict[str, Tensor], dict[str, str]]:
    """Read ``(config, tensors as float32, metadata)``.

    Raises:
        FileError: see :func:`read_header`.
        ConfigError: the architecture in the metadata is not usable.
    """
    header = read_header(path)
    return config_from_dict(parse_json(header, "config", path)), read_tensors(path), header
