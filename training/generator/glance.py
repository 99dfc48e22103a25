"""What an encoder sees at a glance: components of what pictures from all sides show, found before it learns."""

from __future__ import annotations

import torch

from sat3d.inversion.glance import Glance
from sat3d.networks.loading import resize
from sat3d.seeds import generator_of

from ..data.packed import HeadPack
from .components import find_components

_PICTURES = 6000  # that components are found from: many times as many as there are components
_BATCH = 64


@torch.no_grad()
def fit_glance(glance: Glance, pack: HeadPack, input_px: int, held_out: int, seed: int = 0) -> None:
    """Let ``glance`` say the principal components of the pack's pictures, each of mean 0; the first ``held_out`` heads
    have no part in finding them."""
    count = (len(pack) - held_out) * pack.views
    random = generator_of(torch.device("cpu"), seed, 0, 97)
    index = torch.randperm(count, generator=random)[:_PICTURES] + held_out * pack.views
    device = glance.mean.device

    def small(part: torch.Tensor) -> torch.Tensor:
        part = part.to(pack.image.device)
        return glance.small(resize(pack.pictures(part // pack.views, part % pack.views).to(device), input_px, input_px))

    found = find_components(
        torch.cat([small(part) for part in index.sort().values.split(_BATCH)]), glance.map.shape[1], seed
    )
    glance.mean.copy_(found.mean)
    glance.map.copy_(found.map)
