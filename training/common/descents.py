"""Steps of inversion and gradients of views: as they are, and their plain twins, which give every sample a gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor

from sat3d.generators import RenderOptions, TriplaneGenerator
from sat3d.inversion.options import LEAST_SHARE, InversionOptions

Case = tuple[str, Callable[[], object], Callable[[], object]]


def descent_cases(network: TriplaneGenerator, options: InversionOptions | None = None) -> list[Case]:
    """``(name, as it is, plain)``: forward and backward of one picture, without the networks that compare pictures; of
    W+ in both resolutions, and of pivotal tuning."""
    options = options or InversionOptions()
    coarse = cast(TriplaneGenerator, network.coarser(options.low_samples))
    low = RenderOptions(options.low_resolution)
    return [
        _case(f"a step of W+, {options.low_resolution}² rays", coarse, low, tuned=False),
        _case(f"a step of W+, {network.own_resolution}² rays", network, RenderOptions(), tuned=False),
        _case(f"a step of tuning, {options.low_resolution}² rays", network, low, tuned=True),
    ]


def _case(name: str, network: TriplaneGenerator, options: RenderOptions, tuned: bool) -> Case:
    z = torch.randn(1, network.config.backbone.z_dim, generator=torch.Generator().manual_seed(0)).to(network.device)
    with torch.no_grad():
        ws = network.map(z)
    camera = network.rig.label(0.2).to(ws.device)

    def run(least_share: float | None) -> tuple[Tensor, ...]:
        leaf = ws.detach().clone().requires_grad_(not tuned)
        free = list(network.decoder.parameters()) if tuned else [leaf]
        for tensor in free:
            tensor.requires_grad_()
        try:
            with torch.enable_grad():
                image = network.synthesize(
                    network.styles(leaf), camera, replace(options, least_share=least_share)
                ).image
                return torch.autograd.grad(image.square().mean(), free)
        finally:
            network.requires_grad_(False)

    return name, lambda: run(LEAST_SHARE), lambda: run(None)
