"""The state of an unfinished training as a safetensors file: weights, averages, optimiser, place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from sat3d.errors import FileError
from sat3d.files.safetensors_io import open_safetensors, parse_json, read_header, write_tensors

SCHEMA = "sat3d-vision-training/1"
_NEXT_STEP = "start anew with --restart"


@dataclass
class Progress:
    """How far a training is: steps done and seconds spent, over all its runs."""

    step: int = 0
    seconds: float = 0.0


def state_path(out: Path) -> Path:
    """Where the state of a training that will write ``out`` is kept."""
    return out.with_name(f"{out.stem}.training.safetensors")


def save_state(
    path: Path,
    modules: Mapping[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    progress: Progress,
    plan: Mapping[str, object],
) -> None:
    """Write everything that the next step depends on; the file appears whole or not at all.

    Random numbers need no place here: they depend on the step alone.
    """
    tensors = {f"{name}/{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer/{index}/{key}": value for key, value in values.items()}
    copies = {name: tensor.detach().clone() for name, tensor in tensors.items()}
    header = {"schema": SCHEMA, "progress": json.dumps(vars(progress)), "plan": json.dumps(plan)}
    write_tensors(path, copies, header)


def load_state(
    path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer, plan: Mapping[str, object]
) -> Progress:
    """Put back what :func:`save_state` wrote.

    Raises:
        FileError: missing, damaged, or the state of another training.
    """
    header = read_header(path, SCHEMA, "the state of a training", _NEXT_STEP)
    _check_plan(path, parse_json(header, "plan", path), json.loads(json.dumps(plan)))
    tensors = _read(path)
    try:
        for name, module in modules.items():
            module.load_state_dict(_under(tensors, name))
        optimizer.load_state_dict({**optimizer.state_dict(), "state": _optimizer_state(_under(tensors, "optimizer"))})
        return Progress(**parse_json(header, "progress", path))
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        raise FileError("The state of the training does not fit", f"{path.name}: {error}", None, _NEXT_STEP) from error


def _read(path: Path) -> dict[str, Tensor]:
    """All tensors in the precision they were written in."""
    with open_safetensors(path) as stream:
        return {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict


def _under(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}/"): value for key, value in tensors.items() if key.startswith(f"{name}/")}


def _optimizer_state(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split("/")
        state.setdefault(int(index), {})[key] = value
    return state


def _check_plan(path: Path, found: Mapping[str, object], wanted: Mapping[str, object]) -> None:
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
            f"give the settings it was started with, or {_NEXT_STEP}",
        )
