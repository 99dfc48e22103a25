"""Stored tensors of the official code against ours: error, limit, verdict.

A name that no probe knows, or whose inputs or description are missing, is a failure, not a silence, and not the end.
"""

import math
import re
from dataclasses import dataclass

import torch
from torch import Tensor

from sat3d.errors import Sat3dError
from training.tools.parity_probes import ParityCase, probe_for

__all__ = ["ParityCase", "Result", "run_case"]

NOISE_FLOORS, RELATIVE_LIMIT, GRADIENT_LIMIT = 50, 1e-4, 1e-3
_SLICE = re.compile(r"\[:, :, ([^\],]*), ([^\],]*)\]")


@dataclass(frozen=True)
class Result:
    """One tensor: largest error (gradients: relative norm) against its limit. ``problem``: why there are no figures."""

    name: str
    error: float = math.nan
    limit: float = 0.0
    problem: str = ""

    @property
    def passed(self) -> bool:
        return not self.problem and self.error <= self.limit  # False for NaN

    @property
    def badness(self) -> float:
        """The error in limits; infinite where there is none."""
        ratio = self.error / self.limit if self.limit else 0.0 if self.error == 0 else math.inf
        return math.inf if math.isnan(ratio) else ratio


@torch.no_grad()
def run_case(case: ParityCase) -> list[Result]:
    """Reproduce every stored tensor but the inputs."""
    names = [name for name in case.stored if not name.startswith("in.") and name not in ("syn.ws", "rays.index")]
    return [_compare(name, case) for name in names]


def _compare(name: str, case: ParityCase) -> Result:
    probe, facts = probe_for(name), _facts(name, case)
    if probe is None:
        return Result(name, problem="no probe knows this name")
    if isinstance(facts, str):
        return Result(name, problem=facts)
    try:
        return _measured(name, probe(case, name), case.stored[name], facts)
    except Sat3dError as error:
        return Result(name, problem=str(error))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError) as error:
        # What a probe does where something that it needs is not stored, or of another shape.
        return Result(name, problem=f"not to be reproduced from what is stored: {type(error).__name__}: {error}")


def _facts(name: str, case: ParityCase) -> dict | str:
    """Noise floor, largest value and meaning of a stored tensor; or what is wrong with them."""
    table = case.info.get("tensors")
    facts = table.get(name) if isinstance(table, dict) else None
    if not isinstance(facts, dict):
        return "its description is missing"
    numbers = (facts.get("noise_floor"), facts.get("abs_max"))
    if not all(isinstance(number, int | float) for number in numbers) or not isinstance(facts.get("meaning"), str):
        return "its description lacks meaning, noise_floor or abs_max"
    return facts


def _measured(name: str, got: Tensor, wanted: Tensor, facts: dict) -> Result:
    if name.startswith("grad."):
        return Result(name, ((got - wanted).norm() / wanted.norm()).item(), GRADIENT_LIMIT)
    if not name.endswith(".stats"):
        got = got[_stored_part(name, facts["meaning"])] if got.ndim == 4 else got
    if got.shape != wanted.shape:
        return Result(name, problem=f"{tuple(got.shape)} instead of {tuple(wanted.shape)}")
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
