"""The state of a training on disk: everything that the next step depends on, in one safetensors file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from sat3d.errors import FileError
from sat3d.files.safetensors_io import open_safetensors, parse_json, read_header, write_tensors

from .schedule import Clock

SCHEMA = "sat3d-generator-training/1"
FILE = "training.safetensors"


def save_state(
    folder: Path, modules: dict[str, nn.Module], optimizer: torch.optim.Optimizer, clock: Clock, settings: dict
) -> None:
    """Write ``modules``, the optimizer's moments and the clock; the file appears whole or not at all."""
    tensors = {f"{name}.{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}
    tensors |= {
        f"optimizer.{index}.{key}": value
        for index, moments in optimizer.state_dict()["state"].items()
        for key, value in moments.items()
    }
    header = {"schema": SCHEMA, "clock": json.dumps(asdict(clock)), "settings": json.dumps(settings)}
    write_tensors(folder / FILE, tensors, header)


def read_clock(folder: Path, settings: dict) -> Clock:
    """How far the training in ``folder`` is.

    Raises:
        FileError: no training there, or one with other ``settings``.
    """
    path = folder / FILE
    header = read_header(path, SCHEMA, "a generator's training", "start a new one without --resume")
    found = parse_json(header, "settings", path)
    different = [
        f"{key} {found.get(key)} there, {value} asked" for key, value in settings.items() if found.get(key) != value
    ]
    if different:
        raise FileError(
            "The folder holds another training",
            "; ".join(different),
            "the same preset, data and seed",
            "choose another --out",
        )
    return Clock(**parse_json(header, "clock", path))


def load_modules(folder: Path, modules: dict[str, nn.Module]) -> None:
    """Restore what :func:`save_state` wrote, strictly."""
    tensors = _read(folder)
    for name, module in modules.items():
        module.load_state_dict(_part(tensors, name))


def load_optimizer(folder: Path, optimizer: torch.optim.Optimizer) -> None:
    """Restore the optimizer's moments; its groups must have been made as before."""
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in _part(_read(folder), "optimizer").items():
        index, name = key.split(".")
        moments.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})


def _read(folder: Path) -> dict[str, Tensor]:
    with open_safetensors(folder / FILE) as stream:
        return {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict


def _part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
