"""What carries an attribute, as a module that learns: the paper's mask matrix, or a subspace for each attribute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor, nn

from ..losses import probability_loss
from ..masks import AttributeMasks
from ..subspaces import Subspace
from .directions import Basis


class Carrier(Protocol):
    """A module; see :class:`MaskMatrix` and :class:`Subspaces`."""

    def __call__(self, difference: Tensor, target: Tensor) -> Tensor:
        """Δ = s_ref − s_src ``[B, n]``, one attribute each ``[B]`` -> what of Δ belongs to it, ``[B, n]``."""

    def indecision(self) -> Tensor:
        """L_prob, a scalar."""

    def learned(self, start: AttributeMasks) -> AttributeMasks:
        """``start`` with what was learned, in the processor's memory."""

    def to(self, device: torch.device | str) -> Carrier: ...


class MaskMatrix(nn.Module):
    """M ``[m+1, n]``; Δ ↦ P[t] ⊙ Δ (equation 4)."""

    def __init__(self, logits: Tensor):
        super().__init__()
        self.logits = nn.Parameter(logits.clone())

    def forward(self, difference: Tensor, target: Tensor) -> Tensor:
        return self.logits.softmax(0)[target] * difference

    def indecision(self) -> Tensor:
        return probability_loss(self.logits)

    def learned(self, start: AttributeMasks) -> AttributeMasks:
        return replace(start, logits=self.logits.detach().cpu().clone())


class Subspaces(nn.Module):
    """``read``, ``write`` ``[m, d, r]`` in whitened coordinates, so that one rate of learning suits all of them."""

    into: Tensor
    out: Tensor

    def __init__(self, matrices: Mapping[str, Tensor], basis: Basis, rank: int):
        """``matrices``: attribute -> the map of z ``[d, d]`` that its subspace begins as the best one of rank r of."""
        super().__init__()
        self.names = list(matrices)
        self.register_buffer("into", basis.directions / basis.spread, persistent=False)
        self.register_buffer("out", basis.directions * basis.spread, persistent=False)
        factors = [_balanced(matrix, rank) for matrix in matrices.values()]
        self.read = nn.Parameter(torch.stack([read for read, _ in factors]))
        self.write = nn.Parameter(torch.stack([write for _, write in factors]))

    def forward(self, difference: Tensor, target: Tensor) -> Tensor:
        numbers = torch.einsum("bd,bdr->br", difference @ self.into, self.read[target])
        return torch.einsum("br,bdr->bd", numbers, self.write[target]) @ self.out.T

    def indecision(self) -> Tensor:
        """Nothing has to be decided."""
        return self.read.new_zeros(())

    @torch.no_grad()
    def subspaces(self) -> dict[str, Subspace]:
        """As a masks file holds them."""
        pairs = zip(self.names, self.read, self.write, strict=True)
        return {name: Subspace((self.into @ read).cpu(), (self.out @ write).cpu()) for name, read, write in pairs}

    def learned(self, start: AttributeMasks) -> AttributeMasks:
        return replace(start, subspaces=self.subspaces())


def _balanced(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """read, write ``[d, r]``, equally long columns, with ``write readᵀ`` the best approximation of ``matrix`` (Eckart
    and Young 1936)."""
    left, sizes, right = torch.linalg.svd(matrix)
    root = sizes[:rank].sqrt()
    return right[:rank].T * root, left[:, :rank] * root
