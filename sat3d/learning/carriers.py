"""What carries an attribute, as a module that learns: the paper's mask matrix, or a subspace for each attribute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from ..losses import probability_loss
from ..masks import AttributeMasks
from ..subspaces import Subspace
from .directions import Basis


class Carrier(nn.Module):
    """What an objective is of; see :class:`MaskMatrix`, :class:`Subspaces`, :class:`BothForms`."""

    def forward(self, difference: Tensor, target: Tensor) -> Tensor:
        """Δ = s_ref − s_src ``[B, n]``, one attribute each ``[B]`` -> what of Δ belongs to it, ``[B, n]``."""
        raise NotImplementedError

    def indecision(self) -> Tensor:
        """L_prob, a scalar; 0 where nothing has to be decided."""
        return torch.zeros(())

    def learned(self, start: AttributeMasks) -> AttributeMasks:
        """``start`` with what was learned, in the processor's memory."""
        return start


class MaskMatrix(Carrier):
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


class Subspaces(Carrier):
    """``read``, ``write`` ``[m, d, r]`` in whitened coordinates, so that one rate of learning suits all of them."""

    into: Tensor
    out: Tensor

    def __init__(self, subspaces: Mapping[str, Subspace], basis: Basis):
        """``subspaces``: attribute -> one whose columns lie in the span of ``basis``; all of one rank."""
        super().__init__()
        self.names = list(subspaces)
        self.register_buffer("into", basis.directions / basis.spread, persistent=False)
        self.register_buffer("out", basis.directions * basis.spread, persistent=False)
        reads, writes = ([getattr(each, part) for each in subspaces.values()] for part in ("read", "write"))
        self.read = nn.Parameter(torch.stack([self.out.T @ read for read in reads]))
        self.write = nn.Parameter(torch.stack([self.into.T @ write for write in writes]))

    def forward(self, difference: Tensor, target: Tensor) -> Tensor:
        numbers = torch.einsum("bd,bdr->br", difference @ self.into, self.read[target])
        return torch.einsum("br,bdr->bd", numbers, self.write[target]) @ self.out.T

    @torch.no_grad()
    def learned(self, start: AttributeMasks) -> AttributeMasks:
        pairs = zip(self.names, self.read, self.write, strict=True)
        now = {name: Subspace((self.into @ read).cpu(), (self.out @ write).cpu()) for name, read, write in pairs}
        return replace(start, subspaces={**start.subspaces, **now})


class BothForms(Carrier):
    """A mask matrix of all attributes, and subspaces of some, which count instead of their rows."""

    where: Tensor

    def __init__(self, matrix: MaskMatrix, subspaces: Subspaces, attributes: Sequence[str]):
        super().__init__()
        self.matrix, self.subspaces = matrix, subspaces
        places = [subspaces.names.index(name) if name in subspaces.names else -1 for name in attributes]
        self.register_buffer("where", torch.tensor(places), persistent=False)

    def forward(self, difference: Tensor, target: Tensor) -> Tensor:
        place = self.where[target]
        moved = self.subspaces(difference, place.clamp_min(0))
        return torch.where((place >= 0)[:, None], moved, self.matrix(difference, target))

    def indecision(self) -> Tensor:
        return self.matrix.indecision()

    def learned(self, start: AttributeMasks) -> AttributeMasks:
        return self.subspaces.learned(self.matrix.learned(start))


def carrier_of(masks: AttributeMasks, basis: Basis | None) -> MaskMatrix | BothForms:
    """What goes on learning from ``masks``; ``basis``: of their subspaces, if they have any."""
    matrix = MaskMatrix(masks.logits)
    if basis is None or not masks.subspaces:
        return matrix
    return BothForms(matrix, Subspaces(masks.subspaces, basis), masks.attributes)


def subspace_of(matrix: Tensor, basis: Basis, rank: int) -> Subspace:
    """z ↦ ``matrix [d, d]``·z of a difference, as a map of styles of the given rank: the best one in z."""
    read, write = _balanced(matrix, rank)
    return Subspace(basis.directions / basis.spread @ read, basis.directions * basis.spread @ write)


def _balanced(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """read, write ``[d, r]``, equally long columns, with ``write readᵀ`` the best approximation of ``matrix`` (Eckart
    and Young 1936)."""
    left, sizes, right = torch.linalg.svd(matrix)
    root = sizes[:rank].sqrt()
    return right[:rank].T * root, left[:, :rank] * root
