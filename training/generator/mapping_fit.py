"""Stage 0, without pictures: z -> w such that w says the parameters linearly, and styles that each start with one.

The renderer's parameters are known for every z, so the mapping need not be found through pictures. It is then frozen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from sat3d.generators import TriplaneGenerator
from sat3d.generators.layers import FullyConnected
from sat3d.generators.mapping import MappingNetwork
from sat3d.style_space import StyleLayout

from .choices import set_choices
from .factors import FACTORS, FactorBank, factor_index

_BATCH = 256
_RATE = 2e-3
_RIDGE = 1e-3
_STYLE_SPREAD = 0.7  # standard deviation of a style; its mean is one
_LOCAL_FACTORS = {"background": ("background",)}  # style groups that carry certain factors only


@dataclass(frozen=True)
class FactorDirections:
    """How w and the factor code depend on each other, linearly.

    ``read [K, w_dim]``: code ≈ read @ (w − mean); ``write [w_dim, K]``: w − mean ≈ write @ code.
    """

    mean: Tensor
    read: Tensor
    write: Tensor
    explained: float  # share of the code's variance that w says linearly


def fit_mapping(mapping: MappingNetwork, bank: FactorBank, steps: int, generator: torch.Generator) -> FactorDirections:
    """Train the mapping's layers on ``bank`` and set ``w_avg``; returns what w then means."""
    if mapping.config.mapping_choices:
        set_choices(mapping.choices)
    layers = [getattr(mapping, f"fc{i}") for i in range(mapping.config.num_mapping_layers)]
    reader = FullyConnected(mapping.config.w_dim, bank.codes.shape[1]).to(bank.codes.device)
    optimizer = torch.optim.Adam(
        [  # equalised layers of a small lr_mul keep their weights large: the rate has to be as large
            {"params": [p for layer in layers for p in layer.parameters()], "scale": 1 / layers[0].bias_gain},
            {"params": list(reader.parameters()), "scale": 1.0},
        ],
        betas=(0.9, 0.99),
    )
    for step in range(steps):
        rate = _RATE * min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * step / steps))
        for group in optimizer.param_groups:
            group["lr"] = rate * group["scale"]
        pick = torch.randint(len(bank.codes), (_BATCH,), generator=generator)
        loss = nn.functional.mse_loss(reader(mapping(bank.latents[pick])[:, 0]), bank.codes[pick])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return measure_directions(mapping, bank)


@torch.no_grad()
def measure_directions(mapping: MappingNetwork, bank: FactorBank) -> FactorDirections:
    """Ridge regressions between w and the factor code over the bank; also sets the mapping's ``w_avg``."""
    w = torch.cat([mapping(part)[:, 0] for part in bank.latents.split(4096)])
    mean = w.mean(0)
    mapping.w_avg.copy_(mean)
    centred, code = (w - mean).double(), bank.codes.double()
    read, write = _ridge(centred, code), _ridge(code, centred)
    residual = (code - centred @ read.T).square().mean() / code.square().mean()
    return FactorDirections(mean, read.float(), write.float(), 1 - residual.item())


def _ridge(x: Tensor, y: Tensor) -> Tensor:
    """``B [Y, X]`` with y ≈ x @ Bᵀ."""
    gram = x.T @ x / len(x)
    gram += _RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=x.dtype, device=x.device)
    return torch.linalg.solve(gram, x.T @ y / len(x)).T


@torch.no_grad()
def set_affines(network: TriplaneGenerator, directions: FactorDirections, generator: torch.Generator) -> None:
    """Let every style channel start as one factor alone, so that a factor can be edited through its channels.

    A factor of many numbers gets more channels (as the root of their number).
    """
    for layer in network.layout.layers:
        affine = network.get_submodule(layer.name).affine
        rows = _one_factor_rows(layer.channels, _allowed_factors(layer.group), directions.read, generator)
        weight = rows.to(affine.weight)
        affine.weight.copy_(weight / affine.weight_gain)
        affine.bias.copy_((1 - weight @ directions.mean.to(weight)) / affine.bias_gain)


def _allowed_factors(group: str) -> np.ndarray:
    allowed = _LOCAL_FACTORS.get(group)
    if allowed is None:
        kept_apart = {name for names in _LOCAL_FACTORS.values() for name in names}
        allowed = tuple(name for name in FACTORS if name not in kept_apart)
    return np.array([FACTORS.index(name) for name in allowed])


def _one_factor_rows(channels: int, allowed: np.ndarray, read: Tensor, generator: torch.Generator) -> Tensor:
    """``[channels, w_dim]``: each a random direction of one factor's code, of a standard deviation fit for styles."""
    index = torch.from_numpy(factor_index()).to(read.device)
    sizes = torch.bincount(index, minlength=len(FACTORS)).cpu()
    chances = sizes[torch.from_numpy(allowed)].double().sqrt()
    drawn = torch.multinomial(chances, channels, replacement=True, generator=generator)
    chosen = torch.from_numpy(allowed)[drawn].to(read.device)
    noise = torch.randn(channels, len(index), generator=generator).to(read)
    mix = noise * (index[None] == chosen[:, None])
    return _STYLE_SPREAD * nn.functional.normalize(mix, dim=1) @ read


class StyleSparsity(nn.Module):
    """How many factors a style channel mixes: 0 if one, 1 if all alike; the mean over channels is the loss."""

    def __init__(self, layout: StyleLayout, directions: FactorDirections | None, w_dim: int):
        super().__init__()
        index = torch.from_numpy(factor_index())
        write = torch.zeros(w_dim, len(index)) if directions is None else directions.write
        self.names = [layer.name for layer in layout.editable_layers]
        self.register_buffer("write", write.clone())
        self.register_buffer("member", nn.functional.one_hot(index, len(FACTORS)).float(), persistent=False)

    def forward(self, network: TriplaneGenerator) -> Tensor:
        affines = [network.get_submodule(name).affine for name in self.names]
        rows = torch.cat([affine.weight * affine.weight_gain for affine in affines])
        parts = ((rows @ self.write).square() @ self.member + 1e-12).sqrt()
        ratio = parts.sum(1) / parts.square().sum(1).sqrt()
        return ((ratio - 1) / (math.sqrt(len(FACTORS)) - 1)).mean()
