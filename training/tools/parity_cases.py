"""Stored tensors of the official code against ours: error, limit, verdict.

A name that no probe knows, or whose inputs or description are missing, is a failure, not a silence, and not the end.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sat3d.errors import Sat3dError
from training.tools.parity_heads import HEAD_PROBES
from training.tools.parity_probes import PROBES, ParityCase
from training.tools.parity_tuned import TUNED_PROBES, other_files

__all__ = ["ParityCase", "Result", "run_case"]

Probe = Callable[[ParityCase, str], Tensor]
_PROBES: dict[str, Probe] = {**PROBES, **HEAD_PROBES, **TUNED_PROBES}
NOISE_FLOORS, RELATIVE_LIMIT, GRADIENT_LIMIT = 50, 1e-4, 1e-3
_SLICE = re.compile(r"\[:, :, ([^\],]*), ([^\],]*)\]")
_CHANNELS = re.compile(r"every (\d+)th channel|\[:, ::(\d+)\]")


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
    """Reproduce every stored tensor but the inputs; what further files of the case must give, too."""
    names = [name for name in case.stored if not name.startswith("in.") and name not in ("syn.ws", "rays.index")]
    results = [_compare(name, name, case, probe_for(name)) for name in names]
    for kind, name, make in other_files(case):
        results.append(_compare(kind, name, case, lambda case, name, make=make: make()))
    return results


def probe_for(name: str) -> Probe | None:
    """What reproduces the stored tensor of that name; None if nothing does."""
    return next((probe for pattern, probe in _PROBES.items() if re.fullmatch(pattern, name)), None)


def _compare(told: str, name: str, case: ParityCase, probe: Probe | None) -> Result:
    """``told``: what the result is called, usually as the tensor."""
    facts = _facts(name, case)
    if probe is None:
        return Result(told, problem="no probe knows this name")
    if isinstance(facts, str):
        return Result(told, problem=facts)
    try:
        return replace(_measured(name, probe(case, name), case.stored[name], facts), name=told)
    except Sat3dError as error:
        return Result(told, problem=str(error))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError) as error:
        # What a probe does where something that it needs is not stored, or of another shape.
        return Result(told, problem=f"not to be reproduced from what is stored: {type(error).__name__}: {error}")


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
        got = got.to(wanted.dtype) if got.dtype == torch.bool else got
    if got.shape != wanted.shape:
        return Result(name, problem=f"{tuple(got.shape)} instead of {tuple(wanted.shape)}")
    floor = max(facts["noise_floor"], facts.get("ulp_sensitivity", 0.0))
    limit = max(NOISE_FLOORS * floor, RELATIVE_LIMIT * facts["abs_max"])
    return Result(name, (got.double() - wanted.double()).abs().max().item(), limit)


def _stored_part(name: str, meaning: str) -> tuple[slice, ...]:
    """The part of a whole tensor that was stored, e.g. ``[:, :, 3::16, 5::16]``, as its description says; of some
    tensors only every so-many-th channel."""
    samples = slice(0, 1) if "sample0" in name else slice(None)
    found = _SLICE.findall(meaning)
    rows, columns = found[-1] if found and "sample0" not in name else (":", ":")
    step = _CHANNELS.search(meaning)
    channels = slice(None, None, int(step[1] or step[2])) if step else slice(None)
    return samples, channels, _slice(rows), _slice(columns)


def _slice(text: str) -> slice:
    numbers = [int(part) if part.strip() else None for part in text.split(":")]
    return slice(*numbers)
