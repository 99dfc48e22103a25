"""Attention to what is still guessed at, by hand."""

import math

import pytest
import torch

from training.networks.attention import attended, attention
from training.networks.clip import group_loss
from training.networks.reader import class_loss
from training.networks.targets import CATEGORIES, UNKNOWN

KNOWN = math.log(1 + math.exp(-3)) / math.log(2)  # of what guessing costs, three logits ahead of one other


def test_squares_and_a_little_and_no_more_than_for_guessing():
    assert attention(torch.tensor([0.0, 0.5, 1.0, 7.0])).tolist() == pytest.approx([0.03, 0.28, 1.03, 1.03])
    losses = torch.tensor([0.5, 1.0], requires_grad=True)
    attended(losses).backward()
    assert float(attended(losses.detach())) == pytest.approx((0.28 * 0.5 + 1.03) / 1.31)
    assert losses.grad.tolist() == pytest.approx([0.28 / 1.31, 1.03 / 1.31])  # of the losses, not of their weights


def test_a_group_of_phrases_that_is_guessed_at_gets_the_attention():
    scores, truth = [torch.tensor([[3.0, 0.0]]), torch.zeros(1, 3)], torch.tensor([[0, 1]])
    weight = KNOWN**2 + 0.03
    assert float(group_loss(scores, truth)) == pytest.approx((weight * KNOWN + 1.03) / (weight + 1.03), rel=1e-5)


def test_a_category_seen_in_one_picture_of_many_counts_as_one_seen_in_all():
    """All categories guessed at: the loss is a guess's, however many pictures show them; none known costs nothing."""
    counts = [len(values) for values in CATEGORIES.values()]
    scores, classes = torch.zeros(4, sum(counts)), torch.zeros(4, len(counts), dtype=torch.int64)
    assert float(class_loss(scores, classes, counts)) == pytest.approx(2)
    classes[1:, 1:] = UNKNOWN
    assert float(class_loss(scores, classes, counts)) == pytest.approx(2)
    assert float(class_loss(scores, torch.full_like(classes, UNKNOWN), counts)) == 0
