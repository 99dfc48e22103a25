"""Gradients of a style block in bands: those of the whole block."""

import pytest
import torch

from sat3d.generators import banded_backward, bands
from sat3d.generators.synthesis import Noise, SynthesisBlock


def run(block, x, image, styles, keep):
    features, picture = block(x, image, styles, Noise(), keep_features=keep)
    assert (features is None) or keep
    total = picture.square().mean()
    return total + features.sin().mean() if keep else total


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("trained", [True, False])
def test_gradients_in_bands_are_those_of_the_whole(monkeypatch, keep, up, batch, trained):
    torch.manual_seed(0)
    block = SynthesisBlock(6, 5, 8, 32, 3, up, clamp=3.0).requires_grad_(trained)
    for layer in (block.conv0, block.conv1):
        layer.noise_strength.data.fill_(0.3)
    x = torch.randn(batch, 6, *[16 if up else 32] * 2).contiguous(memory_format=torch.channels_last)
    inputs = [x, torch.randn(batch, 3, *x.shape[2:]), *(torch.randn(batch, n) for n in (6, 5, 5))]
    inputs = [each.requires_grad_() for each in inputs]
    wanted = [*inputs, *(p for name, p in block.named_parameters() if trained and "affine" not in name)]
    plain = torch.autograd.grad(run(block, *inputs[:2], inputs[2:], keep), wanted)
    monkeypatch.setattr(banded_backward, "_LEAST_BYTES", 0)
    monkeypatch.setattr(bands.split_rows, "__defaults__", (batch * 5 * 32 * 4 * 8,))  # eight rows
    loss = run(block, *inputs[:2], inputs[2:], keep)
    assert "_Banded" in str(_graph(loss))
    for ours, theirs in zip(torch.autograd.grad(loss, wanted), plain, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-4)


def _graph(loss):
    names, todo = set(), [loss.grad_fn]
    while todo:
        step = todo.pop()
        names.add(step.name())
        todo += [before for before, _ in step.next_functions if before is not None]
    return names


def test_only_large_activations_go_in_bands():
    block = SynthesisBlock(4, 64, 8, 256, 3)
    assert not banded_backward.pays(block, torch.zeros(1, 4, 128, 128))
    assert banded_backward.pays(block, torch.zeros(2, 4, 128, 128))
