"""The mapping network as a normal prior, before it learns anything: w = mean + L·z, exactly, by its own layers.

Two leaky ReLUs with opposite signs cancel: lrelu(−lrelu(−x)) = slope·x for every x. So each pair of layers can be any
linear map, and training bends it from there.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sat3d.generators.layers import LRELU_GAIN, LRELU_SLOPE, FullyConnected
from sat3d.generators.mapping import MappingNetwork

_PAIR_GAIN = LRELU_SLOPE * LRELU_GAIN**2  # of two layers with weights −1


@torch.no_grad()
def start_normal(mapping: MappingNetwork, mean: Tensor, spread: Tensor) -> None:
    """``mean [w_dim]``, ``spread [w_dim, k]``: L of the first k numbers of z. Does nothing to mappings of another
    shape: with an odd number of layers, a label or choices, or fewer numbers in z."""
    count, config = mapping.config.num_mapping_layers, mapping.config
    if count % 2 or config.c_dim or config.mapping_choices or config.z_dim < spread.shape[1]:
        return
    layers = [getattr(mapping, f"fc{i}") for i in range(count)]
    for number in range(0, count, 2):
        _set_pair(layers[number], layers[number + 1], torch.zeros_like(mean), None)
    _set_pair(layers[-2], layers[-1], mean, spread)


def _set_pair(first: FullyConnected, second: FullyConnected, shift: Tensor, matrix: Tensor | None) -> None:
    """x -> shift + matrix·x (the first numbers of x; None: x itself) through two layers with activations."""
    wanted = torch.zeros_like(first.weight)
    if matrix is None:
        wanted.fill_diagonal_(1.0)
    else:
        wanted[:, : matrix.shape[1]] = matrix
    _set(first, -wanted / _PAIR_GAIN, -shift / _PAIR_GAIN)
    _set(second, -torch.eye(len(shift), device=shift.device), torch.zeros_like(shift))


def _set(layer: FullyConnected, weight: Tensor, bias: Tensor) -> None:
    layer.weight.copy_(weight / layer.weight_gain)
    layer.bias.copy_(bias / layer.bias_gain)
