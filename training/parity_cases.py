"""Stored tensors of the official code against ours: error, limit, verdict.

A name that no probe knows is a failure, not a silence.
"""

import re
from dataclasses import dataclass

import torch
from torch import Tensor

from training.parity_probes import PROBES, ParityCase

__all__ = ["ParityCase", "Result", "run_case"]

NOISE_FLOORS, RELATIVE_LIMIT, GRADIENT_LIMIT = 50, 1e-4, 1e-3
_SLICE = re.compile(r"\[:, :, ([^\],]*), ([^\],]*)\]")


@dataclass(frozen=True)
class Result:
    """One tensor: largest error (gradients: relative norm) against its limit."""

    name: str
    error: float
    limit: float

    @property
    def passed(self) -> bool:
        return self.error <= self.limit  # False for NaN


@torch.no_grad()
def run_case(case: ParityCase) -> list[Result]:
    """Reproduce every stored tensor but the inputs."""
    results = []
    for name, wanted in case.stored.items():
        if name.startswith("in.") or name in ("syn.ws", "rays.index"):
            continue
        results.append(_compare(name, wanted, case))
    return results


def _compare(name: str, wanted: Tensor, case: ParityCase) -> Result:
    probe = next((probe for prefix, probe in PROBES.items() if name == prefix or name.startswith(prefix + ".")), None)
    if probe is None:
        return Result(name + " (unknown)", float("nan"), 0.0)
    got = probe(case, name)
    facts = case.info["tensors"][name]
    if name.startswith("grad."):
        return Result(name, ((got - wanted).norm() / wanted.norm()).item(), GRADIENT_LIMIT)
    if not name.endswith(".stats"):
        got = got[_stored_part(name, facts["meaning"])] if got.ndim == 4 else got
    if got.shape != wanted.shape:
        return Result(f"{name} {tuple(got.shape)} != {tuple(wanted.shape)}", float("nan"), 0.0)
    limit = max(NOISE_FLOORS * facts["noise_floor"], RELATIVE_LIMIT * facts["abs_max"])
    return Result(name, (got.double() - wanted.double()).abs().max().item(), limit)


def _stored_part(name: str, meaning: str) -> tuple[slice, ...]:
    """The part of a whole tensor that was stored, e.g. ``[:, :, 3::16, 5::16]``, as its description says."""
    samples = slice(0, 1) if "sample0" in name else slice(None)
    found = _SLICE.findall(meaning)
    rows, columns = found[-1] if found and "sample0" not in name else (":", ":")
    return samples, slice(None), _slice(rows), _slice(columns)


def _slice(text: str) -> slice:
    numbers = [int(part) if part.strip() else None for part in text.split(":")]
    return slice(*numbers)
