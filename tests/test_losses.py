"""The losses of SAT3D by hand-computed values."""

import math

import pytest
import torch

from sat3d.losses import LossWeights, background_loss, probability_loss, total_loss


def test_background_loss_is_the_mean_change_inside_b():
    source = torch.zeros(1, 3, 2, 2)
    edited = torch.zeros(1, 3, 2, 2)
    edited[0, :, 0, 0] = torch.tensor([0.5, -0.25, 0.25])  # inside B: 1 in all
    edited[0, :, 1, 1] = 1.0  # outside B
    mask = torch.tensor([[[[1, 1], [1, 0]]]])
    assert background_loss(edited, source, mask).tolist() == pytest.approx([1 / 3])
    assert background_loss(edited, edited, mask).tolist() == [0]


def test_background_loss_keeps_pictures_apart_and_bears_an_empty_b():
    edited = torch.ones(2, 3, 2, 2)
    mask = torch.zeros(2, 1, 2, 2, dtype=torch.bool)
    mask[1, 0, 0] = True
    assert background_loss(edited, -edited, mask).tolist() == [0, 6]


def test_gradients_reach_only_b():
    edited = torch.full((1, 3, 2, 2), 0.5, requires_grad=True)
    mask = torch.tensor([[[[1, 0], [0, 0]]]]).bool()
    background_loss(edited, torch.zeros(1, 3, 2, 2), mask).sum().backward()
    assert edited.grad[0, :, 0, 0].tolist() == [1, 1, 1] and edited.grad.abs().sum() == 3


def test_probability_loss_by_hand():
    logits = torch.tensor([[0.0, math.log(3)], [0.0, 0.0], [0.0, 0.0]])
    # Columns: (1/3, 1/3, 1/3) and (3/5, 1/5, 1/5).
    assert float(probability_loss(logits)) == pytest.approx((2 / 3 + 2 / 5) / 2)
    assert float(probability_loss(torch.tensor([[100.0, 0.0], [0.0, 100.0]]))) == pytest.approx(0, abs=1e-6)


def test_probability_loss_makes_the_largest_larger():
    logits = torch.tensor([[0.5], [0.2], [0.0]], requires_grad=True)
    probability_loss(logits).backward()
    assert logits.grad[0] < 0 < logits.grad[2] < logits.grad[1]


def test_the_whole_is_the_papers_balance():
    attr, bg, prob = torch.tensor([1.0, 3.0]), torch.tensor([0.1, 0.3]), torch.tensor(0.5)
    assert float(total_loss(attr, bg, prob)) == pytest.approx(3.5 * 2 + 40 * 0.2 + 0.1 * 0.5)
    assert float(total_loss(attr, bg, prob, LossWeights(1, 0, 0))) == pytest.approx(2)
