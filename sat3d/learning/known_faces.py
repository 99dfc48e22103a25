"""Faces that are at hand, in place of drawn ones: those that an encoder found in pictures.

Regressions on a population are as good as the population, and what a mapping network draws is but a likeness of it: of
details that go together in photographs, such as the length of a beard and its colour, a small mapping knows little.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from ..errors import ConfigError
from ..seeds import generator_of

FEWEST = 128
_PARTS = 8  # of all faces, of which each use but the first has one
Use = Literal["learning", "choosing", "judging"]


@dataclass(frozen=True)
class KnownFaces:
    """``styles [N, S]``, of which a ``use`` sees its own part: what judges was never learned from.

    Raises:
        ConfigError: fewer than FEWEST.
    """

    styles: Tensor
    use: Use = "learning"

    def __post_init__(self):
        if len(self.styles) < FEWEST:
            wanted = f"at least {FEWEST}; some thousand are better"
            raise ConfigError("These are too few faces to learn from", len(self.styles), wanted, "add pictures of more")

    def apart(self, use: Use) -> KnownFaces:
        """The same for another ``use``."""
        return replace(self, use=use)

    def draw(self, seed: int, first: int, count: int) -> Tensor:
        """``[count, S]``, from number ``first`` on of the order that ``seed`` gives; after the last the first again."""
        rows = self._rows()
        order = torch.randperm(len(rows), generator=generator_of("cpu", seed))
        return self.styles[rows[order[torch.arange(first, first + count) % len(rows)]]]

    def _rows(self) -> Tensor:
        part = torch.arange(len(self.styles)) % _PARTS
        kept = {"choosing": part == 0, "judging": part == 1, "learning": part > 1}
        return kept[self.use].nonzero()[:, 0]

    @property
    def fingerprint(self) -> str:
        """Of all of them, whichever part is seen."""
        values = self.styles.detach().cpu().contiguous().numpy().tobytes()
        return hashlib.sha256(values).hexdigest()[:16]
