"""The formulas of QMM by hand."""

import math

import torch

from sat3d.qmm import (
    attribute_differences,
    attribute_loss,
    characteristic,
    correlations,
    group_difference,
    reference_loss,
    softened,
    source_loss,
)

FIRST = {
    "beard": {"kind": torch.tensor([[1.0, 0], [0.5, 0.5]]), "shade": torch.tensor([[0.25, 0.75], [1, 0]])},
    "hair": {"colour": torch.tensor([[0.2, 0.3, 0.5], [1, 0, 0]])},
}
SECOND = {
    "beard": {"kind": torch.tensor([[0.5, 0.5], [0.5, 0.5]]), "shade": torch.tensor([[0.0, 1.0], [0, 1]])},
    "hair": {"colour": torch.tensor([[0.3, 0.3, 0.4], [0, 0, 1]])},
}


def test_correlation_is_the_scaled_cosine_whatever_the_lengths():
    images, texts = torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0]])
    torch.testing.assert_close(correlations(images, texts, 10.0), torch.tensor([[6.0, 8.0, -6.0]]))
    assert correlations(images.half(), texts.half(), 100.0).dtype == torch.float32


def test_characteristic_is_a_softmax_over_the_phrases():
    torch.testing.assert_close(characteristic(torch.tensor([[0.0, math.log(3)]])), torch.tensor([[0.25, 0.75]]))
    torch.testing.assert_close(characteristic(torch.randn(4, 5)).sum(1), torch.ones(4))


def test_group_difference_is_the_sum_of_absolute_differences():
    a, b = torch.tensor([[1.0, 0, 0], [0.2, 0.3, 0.5]]), torch.tensor([[0.0, 1, 0], [0.2, 0.4, 0.4]])
    torch.testing.assert_close(group_difference(a, b), torch.tensor([2.0, 0.2]))
    torch.testing.assert_close(group_difference(a, b[:1]), torch.tensor([2.0, 1.4]))


def test_attribute_differences_add_the_groups_and_keep_pictures_apart():
    differences = attribute_differences(FIRST, SECOND)
    torch.testing.assert_close(differences["beard"], torch.tensor([1.0 + 0.5, 0.0 + 2.0]))
    torch.testing.assert_close(differences["hair"], torch.tensor([0.2, 2.0]))


def test_equations_1_to_3():
    differences = attribute_differences(FIRST, SECOND)
    torch.testing.assert_close(reference_loss(differences, ["beard"]), torch.tensor([1.5, 2.0]))
    torch.testing.assert_close(source_loss(differences, ["beard"]), torch.tensor([0.2, 2.0]))
    torch.testing.assert_close(attribute_loss(torch.tensor([1.5]), torch.tensor([0.2])), torch.tensor([1.7]))


def test_targets_that_are_named_twice_count_once_and_an_empty_sum_is_zero():
    differences = attribute_differences(FIRST, SECOND)
    torch.testing.assert_close(reference_loss(differences, ["hair", "hair"]), torch.tensor([0.2, 2.0]))
    assert source_loss(differences, ["beard", "hair"]).tolist() == [0.0, 0.0]


def test_softening_is_a_smaller_scale():
    scores = torch.tensor([[3.0, -1.0, 0.5]])
    torch.testing.assert_close(softened(characteristic(scores), 3.0), characteristic(scores / 3))
    # Shares 1/10 and 9/10 have logarithms that differ by log 9; half of that is log 3.
    torch.testing.assert_close(softened(torch.tensor([[0.1, 0.9]]), 2.0), torch.tensor([[0.25, 0.75]]))


def test_softening_has_a_gradient_where_a_share_has_vanished():
    scores = torch.tensor([[200.0, 0.0]], requires_grad=True)
    softened(characteristic(scores), 3.0)[0, 1].backward()
    assert torch.isfinite(scores.grad).all()
