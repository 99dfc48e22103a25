"""A first subspace for each attribute: the part of a difference of styles that QMM's answers explain, kept to where the
attribute may change the picture.

All in whitened coordinates z of the population's styles (Cov z = I). With y the answers to all descriptor groups,
z = Σ_t C_t y_t + rest, regressed on all attributes' answers at once, so that what goes together in a population is
parted; the answers are read back from z by ridge regression, y_t ≈ R_tᵀ z. So E[z_t | z] = C_t R_tᵀ z is what of a
face belongs to t, as far as phrases tell. β of what no attribute explains is added: the particular that no phrase says.
Then u = argmin |J_in (u − z_t)|² + μ |J_out u|² + ν |u|²: of the picture inside the attribute's region as much as can
be had without changing it outside (J: the picture's derivative, known by probes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ..domains import Domain
from ..qmm import Measurement
from .acting import Probe

KEPT = 0.999  # share of the styles' variance that the coordinates hold
_WRITE_RIDGE, _READ_RIDGE = 0.05, 0.2  # of answers and coordinates of spread 1
_LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class Basis:
    """Whitened coordinates of editable styles: ``mean [n]``, ``directions [n, d]``, ``spread [d]``."""

    mean: Tensor
    directions: Tensor
    spread: Tensor

    @classmethod
    def of(cls, codes: Tensor) -> Basis:
        """Principal components of ``codes [N, n]`` that hold KEPT of their variance, at most N/4 of them."""
        mean = codes.mean(0)
        _, sizes, rows = torch.linalg.svd(codes - mean, full_matrices=False)
        variance = sizes.square() / len(codes)
        count = int((variance.cumsum(0) / variance.sum() < KEPT).sum()) + 1
        count = min(count, max(1, len(codes) // 4))
        return cls(mean, rows[:count].T.contiguous(), variance[:count].sqrt())

    def numbers(self, codes: Tensor) -> Tensor:
        """``[N, n]`` -> z ``[N, d]``."""
        return (codes - self.mean) @ self.directions / self.spread

    def gradients(self, gradients: Tensor) -> Tensor:
        """With respect to styles ``[…, n]`` -> with respect to z ``[…, d]``."""
        return gradients @ self.directions * self.spread


def explained_parts(numbers: Tensor, scores: Tensor, domain: Domain) -> dict[str, Tensor]:
    """C_t R_tᵀ ``[d, d]`` of each attribute; ``numbers [N, d]``, ``scores [N, phrases]``: QMM of the same faces."""
    measured = Measurement(scores, domain)
    answers = {name: torch.cat([*groups.values()], 1) for name, groups in measured.characteristics.items()}
    table = torch.cat([*answers.values()], 1).to(numbers)
    table = table - table.mean(0)
    table = table / table.std(0).clamp_min(_LEAST_SPREAD)
    write, read = _ridge(table, numbers, _WRITE_RIDGE), _ridge(numbers, table, _READ_RIDGE)
    found, first = {}, 0
    for name, part in answers.items():
        own = slice(first, first + part.shape[1])
        found[name] = write[own].T @ read[:, own].T
        first += part.shape[1]
    return found


def _ridge(known: Tensor, wanted: Tensor, ridge: float) -> Tensor:
    """``known [N, p]``, ``wanted [N, q]`` -> the coefficients ``[p, q]`` of wanted ≈ known·B."""
    moment = known.T @ known / len(known) + ridge * torch.eye(known.shape[1], device=known.device)
    return torch.linalg.solve(moment, known.T @ wanted / len(known))


@dataclass(frozen=True)
class Moments:
    """E[JᵀJ] of the picture inside and outside each attribute's region, ``[m, d, d]`` in z."""

    inside: Tensor
    outside: Tensor

    @classmethod
    def of(cls, probes: Iterable[Probe], basis: Basis) -> Moments | None:
        """The mean over probes; None where there are none."""
        inside, outside, seen = 0.0, 0.0, 0.0
        for probe in probes:
            own, other = basis.gradients(probe.inside), basis.gradients(probe.outside)
            inside = inside + own[:, :, None] * own[:, None]
            outside = outside + other[:, :, None] * other[:, None]
            seen = seen + probe.seen.float()
        if not isinstance(seen, Tensor):
            return None
        count = seen.clamp_min(1)[:, None, None]
        return cls(inside / count, outside / count)


@dataclass(frozen=True)
class Choice:
    """``beta``: of what no attribute explains. ``leak`` (μ): how much more the outside counts than the inside.
    ``floor`` (ν): of the mean energy inside, per coordinate. ``gain``: of the whole, since estimates shrink what they
    are unsure of."""

    beta: float
    leak: float
    floor: float
    gain: float = 1.0


def kept_inside(matrix: Tensor, inside: Tensor, outside: Tensor, choice: Choice) -> Tensor:
    """(G_in + μ G_out + ν)⁻¹ G_in · ``matrix``, all ``[d, d]``."""
    floor = choice.floor * inside.trace() / len(inside)
    penalty = inside + choice.leak * outside + floor * torch.eye(len(inside), device=inside.device)
    return torch.linalg.solve(penalty, inside @ matrix)


@dataclass(frozen=True)
class Evidence:
    """What is known of a population. ``parts``: of each attribute, see :func:`explained_parts`; ``moments`` in the same
    order, None in a domain without regions."""

    basis: Basis
    parts: Mapping[str, Tensor]
    moments: Moments | None

    def matrix(self, name: str, choice: Choice) -> Tensor:
        """The map of z for attribute ``name``, ``[d, d]``; without regions what its answers explain, and no more."""
        own = choice.gain * self.parts[name]
        if self.moments is None:
            return own
        row = list(self.parts).index(name)
        rest = torch.eye(len(own), device=own.device) - torch.stack([*self.parts.values()]).sum(0)
        wanted = own + choice.gain * choice.beta * rest
        return kept_inside(wanted, self.moments.inside[row], self.moments.outside[row], choice)
