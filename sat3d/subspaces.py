"""Subspaces: what an attribute changes where single channels mix attributes; the other form of the masks (SAT3D).

A mask takes channels as they are: Δ ↦ P ⊙ Δ, of Δ = s_ref − s_src. A subspace reads r numbers of Δ and writes r
directions: Δ ↦ W Rᵀ Δ. A mask of ones and zeros is the case of R = W with one channel a column.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from .errors import FileError, ShapeError

PREFIX = "subspaces"  # of the tensors' names in a file: subspaces.<attribute>.read and .write
LARGEST_RANK = 512


@dataclass(frozen=True)
class Subspace:
    """``read``, ``write`` ``[n, r]`` over the n editable channels.

    Example:
        >>> first = torch.eye(3)[:, :1]
        >>> Subspace(first, 2 * first)(torch.tensor([[1.0, 5.0, 7.0]]))
        tensor([[2., 0., 0.]])

    Raises:
        ShapeError: not two matrices of one shape, or too many directions.
    """

    read: Tensor
    write: Tensor

    def __post_init__(self):
        if self.read.ndim != 2 or self.read.shape != self.write.shape or not 0 < self.rank <= LARGEST_RANK:
            got = f"{tuple(self.read.shape)} and {tuple(self.write.shape)}"
            raise ShapeError("A subspace's matrices do not fit", got, f"twice [n, r], r in 1..{LARGEST_RANK}",
                             "learn the masks again for this generator")  # fmt: skip

    @property
    def rank(self) -> int:
        return self.read.shape[1]

    def __call__(self, change: Tensor) -> Tensor:
        """``Δ [B, n]`` -> what of it belongs to the attribute, ``[B, n]``."""
        return (change @ self.read.to(change)) @ self.write.to(change).T


def subspace_tensors(subspaces: Mapping[str, Subspace]) -> dict[str, Tensor]:
    """By name, in half precision, for a file."""
    return {
        f"{PREFIX}.{name}.{part}": getattr(subspace, part).half()
        for name, subspace in subspaces.items()
        for part in ("read", "write")
    }


def subspaces_in(tensors: Mapping[str, Tensor], attributes: tuple[str, ...], file: str) -> dict[str, Subspace]:
    """What :func:`subspace_tensors` wrote, of the ``attributes`` that have one; float32.

    Raises:
        FileError: half a subspace, of an attribute that is not there, or not finite numbers.
    """
    named = {name: tensor for name, tensor in tensors.items() if name.startswith(f"{PREFIX}.")}
    having = [name for name in attributes if f"{PREFIX}.{name}.read" in named]
    wanted = {f"{PREFIX}.{name}.{part}" for name in having for part in ("read", "write")}
    broken = [name for name, tensor in named.items() if not torch.isfinite(tensor).all()]
    if named.keys() != wanted or broken:
        got = f"{file}: {sorted(named.keys() ^ wanted) or broken}"
        needed = "read and write of attributes in it, finite"
        raise FileError("The masks file's subspaces are damaged", got, needed, "download or make it again")
    return {
        name: Subspace(*(named[f"{PREFIX}.{name}.{part}"].float() for part in ("read", "write"))) for name in having
    }
