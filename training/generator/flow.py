"""How a flow from noise to codes learns (Lipman et al. 2023, arXiv:2210.02747); the flow itself is in the core."""

from __future__ import annotations

import torch
from torch import Tensor

from sat3d.generators.flow_mapping import VelocityField


def matching_loss(
    velocity: VelocityField, codes: Tensor, random: torch.Generator, weights: Tensor | None = None
) -> Tensor:
    """Of a batch of whitened codes ``[B, k]``, whose numbers may weigh differently ``[k]``."""
    noise = torch.randn(codes.shape, generator=random, device=codes.device)
    # More often near the middle, where the field is hardest to learn.
    t = torch.sigmoid(torch.randn(len(codes), generator=random, device=codes.device))
    x = torch.lerp(noise, codes, t[:, None])
    errors = (velocity(x, t) - (codes - noise)).square()
    return (errors if weights is None else errors * weights).mean()
