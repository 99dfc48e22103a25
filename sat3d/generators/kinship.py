"""How far apart the style spaces of two networks are: whether what one says in styles means the same to the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .base import StyleGenerator
from .differences import makes_styles

_CODES = 64
_NEAR = 0.1  # of the spread: styles that differ by less mean the same
_LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Kinship:
    """``same``: mapping and affines are equal, bit for bit. ``distance``: how much styles of the same z differ, in
    standard deviations of theirs (root mean square): 0 the same, about 1.4 strangers."""

    same: bool
    distance: float

    def __str__(self) -> str:
        if self.same:
            return "same style space"
        if self.distance < _NEAR:
            return f"nearly the same style space (styles differ by {self.distance:.1%} of their spread)"
        return f"another style space (styles differ by {self.distance:.0%} of their spread)"


@torch.no_grad()
def compare_style_spaces(one: StyleGenerator, other: StyleGenerator) -> Kinship | None:
    """None: networks of two architectures, whose styles cannot be compared."""
    if one.layout.fingerprint != other.layout.fingerprint:
        return None
    if same_style_makers(one, other):
        return Kinship(True, 0.0)
    if one.config.backbone.z_dim != other.config.backbone.z_dim:
        return Kinship(False, float("inf"))
    first, second = (_styles_of(network) for network in (one, other))
    spread = first.std(0).clamp_min(_LEAST_SPREAD)
    return Kinship(False, float(((first - second) / spread).square().mean().sqrt()))


def same_style_makers(one: StyleGenerator, other: StyleGenerator) -> bool:
    """Whether all that makes styles out of z is equal, bit for bit."""
    first, second = ({k: v for k, v in n.state_dict().items() if makes_styles(k)} for n in (one, other))
    return first.keys() == second.keys() and all(
        first[name].shape == second[name].shape and torch.equal(first[name].cpu(), second[name].cpu()) for name in first
    )


def _styles_of(network: StyleGenerator) -> Tensor:
    """Of the same codes for every network of a z_dim."""
    draws = torch.Generator().manual_seed(0)
    z = torch.randn(_CODES, network.config.backbone.z_dim, generator=draws).to(network.device)
    return network.styles(network.map(z, network.labels(range(_CODES)))).cpu()
