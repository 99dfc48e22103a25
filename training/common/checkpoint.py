"""The state of an unfinished training: one safetensors file with everything that the next step depends on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from sat3d.errors import FileError
from sat3d.files.safetensors_io import open_safetensors, parse_json, read_header, write_tensors

from .clock import Clock

SCHEMA = "sat3d-training/1"
_NEXT_STEP = "begin anew with --restart, or choose another --out"
Settings = Mapping[str, object]


def beside(out: Path, name: str) -> Path:
    """Where a training that writes ``out`` puts a file ``name`` of its own: inside a folder, or beside a file."""
    return out / name if out.is_dir() else out.with_name(f"{out.stem}.{name}")


def state_path(out: Path) -> Path:
    """Where the state of a training that writes ``out`` is kept."""
    return beside(out, "training.safetensors")


def save_state(
    path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer, clock: Clock, settings: Settings
) -> None:
    """Write ``modules``, the optimizer's moments and the clock; the file appears whole or not at all.

    Random numbers need no place here: they depend on the step alone.
    """
    tensors = {f"{name}/{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{key}": torch.as_tensor(value) for key, value in moments.items()}
    copies = {name: tensor.detach().clone() for name, tensor in tensors.items()}
    header = {"schema": SCHEMA, "clock": json.dumps(asdict(clock)), "settings": json.dumps(dict(settings))}
    write_tensors(path, copies, header)


def load_state(path: Path, modules: Mapping[str, nn.Module], settings: Settings) -> tuple[Clock, dict[str, Tensor]]:
    """Put the modules back, strictly; the clock, and the optimizer's tensors for :func:`load_optimizer`.

    Raises:
        FileError: missing, damaged, or the state of another training.
    """
    header = read_header(path, SCHEMA, "the state of a training", _NEXT_STEP)
    _check_settings(path, parse_json(header, "settings", path), json.loads(json.dumps(dict(settings))))
    with open_safetensors(path) as stream:  # in the precision they were written in
        tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
    try:
        for name, module in modules.items():
            module.load_state_dict(_under(tensors, name))
        return Clock(**parse_json(header, "clock", path)), _under(tensors, "optimizer")
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        raise FileError("The state of the training does not fit", f"{path.name}: {error}", None, _NEXT_STEP) from error


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], steps: int) -> None:
    """Put the moments back after ``steps`` of the optimizer, whose groups must have been made as before.

    Raises:
        FileError: the moments of another optimizer.
    """
    state: dict[int, dict[str, object]] = {}
    for name, value in tensors.items():
        index, key = name.split("/")
        # Optimizers that count steps in plain integers want them back as such.
        state.setdefault(int(index), {})[key] = int(value) if key == "step" and not value.is_floating_point() else value
    try:
        groups = [{**group, "step": steps} for group in optimizer.state_dict()["param_groups"]]  # where Ranger counts
        optimizer.load_state_dict({"state": state, "param_groups": groups})
    except (ValueError, KeyError, RuntimeError) as error:
        raise FileError("The optimizer's state does not fit", error, None, _NEXT_STEP) from error


def _under(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}


def _check_settings(path: Path, found: Settings, wanted: Settings) -> None:
    differences = [
        f"{name}: {found.get(name)!r} there, {wanted.get(name)!r} asked"
        for name in sorted(found.keys() | wanted.keys())
        if found.get(name) != wanted.get(name)
    ]
    if differences:
        raise FileError(
            "The state belongs to another training",
            f"{path}: {'; '.join(differences)}",
            "the same settings, to resume it",
            f"give the settings it was started with; or {_NEXT_STEP}",
        )
