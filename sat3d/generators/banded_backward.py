"""A style block with gradients, a few rows at a time: neither pass ever holds all its activations.

The forward pass keeps the block's input alone. The backward pass computes each band of rows once more, goes back
through it at once, and adds up what the bands say of the input, the styles and the weights; see ``bands.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .bands import Band, split_rows

if TYPE_CHECKING:
    from .synthesis import SynthesisBlock

_LEAST_BYTES = 24 << 20  # of an activation: below, keeping it is cheaper than computing it again


def pays(block: SynthesisBlock, x: Tensor) -> bool:
    """Whether the activations of ``block`` are so large that bands are worth the second computation."""
    return x.device.type == "cpu" and activation_bytes(block, x) >= _LEAST_BYTES


def activation_bytes(block: SynthesisBlock, x: Tensor) -> int:
    """Bytes of one activation ``[B, O, H', H']``."""
    return x.shape[0] * block.conv1.weight.shape[0] * block.resolution**2 * x.element_size()


def run_in_bands(
    block: SynthesisBlock, x: Tensor, styles: Sequence[Tensor], maps: Sequence[Tensor | None], keep_features: bool
) -> tuple[Tensor | None, Tensor]:
    """Features, if they are kept, and what is added to the skip image; ``maps``: the noise of both convolutions."""
    weights = [parameter for parameter in block.parameters() if parameter.requires_grad]
    return _Banded.apply(block, keep_features, weights, x, *styles, *maps, *weights)


class _Banded(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx, block: SynthesisBlock, keep_features: bool, weights: list[Tensor], x: Tensor, *more: Tensor | None
    ):
        ctx.block, ctx.weights = block, weights  # the block's own, which its layers read
        ctx.save_for_backward(x, *more[:5])
        ctx.set_materialize_grads(False)
        nothing = x.new_zeros(x.shape[0], block.torgb.weight.shape[0], *[block.resolution] * 2, dtype=torch.float32)
        return block.forward_in_bands(x, nothing, cast(Sequence[Tensor], more[:3]), more[3:5], keep_features)

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads: Tensor | None):
        block, needed = ctx.block, ctx.needs_input_grad[3:]
        x, *more = ctx.saved_tensors
        more = [each if each is None else each.detach().requires_grad_(need)
                for each, need in zip(more, needed[1:], strict=False)]  # fmt: skip
        inputs = [x, *more, *ctx.weights]
        sums = [torch.zeros_like(each) if need else None for each, need in zip(inputs, needed, strict=True)]
        for low, high in split_rows(block.resolution, activation_bytes(block, x) // block.resolution):
            first, last = block.input_rows(low, high)
            inputs[0] = x[:, :, first:last].detach().requires_grad_(needed[0])
            with torch.enable_grad():
                outputs = block.band(Band(inputs[0], first, x.shape[2]), more[:3], more[3:5], low, high)
            _add_gradients(sums, inputs, outputs, [None if g is None else g[:, :, low:high] for g in grads], first)
        return None, None, None, *sums


def _add_gradients(
    sums: list[Tensor | None],
    inputs: list[Tensor | None],
    outputs: Sequence[Tensor],
    grads: Sequence[Tensor | None],
    first: int,
) -> None:
    """Add to ``sums`` the gradients of one band's ``inputs``, which begin with its input rows, from ``first`` on."""
    pairs = [(output, grad) for output, grad in zip(outputs, grads, strict=True) if grad is not None]
    asked = [i for i, total in enumerate(sums) if total is not None]
    found = torch.autograd.grad(
        [output for output, _ in pairs],
        [cast(Tensor, inputs[i]) for i in asked],
        [grad for _, grad in pairs],
        allow_unused=True,
    )
    for i, gradient in zip(asked, found, strict=True):
        if gradient is not None:
            total = cast(Tensor, sums[i])
            total = total[:, :, first : first + gradient.shape[2]] if i == 0 else total
            total += gradient
