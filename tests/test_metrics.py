"""Numbers for what an edit changed, by hand."""

import math

import pytest
import torch

from sat3d.errors import ShapeError
from sat3d.metrics import LEVELS, d_mean, d_mean_overall, pixel_changes, shape_distance


def test_changes_are_means_over_colours_in_shares_of_the_range():
    before, after = torch.zeros(1, 3, 1, 2), torch.zeros(1, 3, 1, 2)
    after[0, :, 0, 1] = torch.tensor([0.6, -0.6, 0.0])
    assert pixel_changes(before, after)[0, 0].tolist() == pytest.approx([0, 0.2])
    assert pixel_changes(-torch.ones(2, 3, 1, 1), torch.ones(1, 3, 1, 1)).flatten().tolist() == [1, 1]


@pytest.mark.parametrize("other", [(1, 3, 4, 5), (3, 3, 4, 4), (0, 3, 4, 4), (3, 4, 4)])
def test_pictures_that_do_not_pair_are_refused(other):
    with pytest.raises(ShapeError, match="cannot be compared"):
        pixel_changes(torch.zeros(2, 3, 4, 4), torch.zeros(other))


def test_d_mean_is_of_what_counts_for_each_picture():
    change = torch.tensor([[[0.1, 0.3]], [[0.2, 0.0]], [[0.5, 0.5]]])
    counted = torch.tensor([[[True, False]], [[True, True]], [[False, False]]])
    found = d_mean(change, counted)
    assert found[:2].tolist() == pytest.approx([0.1 * LEVELS, 0.1 * LEVELS]) and math.isnan(found[2])
    assert d_mean_overall(change, counted) == pytest.approx((0.1 + 0.2) / 3 * LEVELS)
    assert math.isnan(d_mean_overall(change, torch.zeros(3, 1, 2)))


def test_partial_weights_count_in_part():
    found = d_mean_overall(torch.tensor([[[0.2, 0.6]]]), torch.tensor([[[1.0, 0.5]]]))
    assert found == pytest.approx(0.5 / 1.5 * LEVELS)


def test_shapes_are_compared_in_units_of_the_population():
    people = torch.randn(20_000, 8, generator=torch.Generator().manual_seed(0)) * torch.arange(8)  # the first is fixed
    spread = people.std(0)
    assert shape_distance(people[:5], people[:5], spread).eq(0).all()
    moved = people[:1] + spread * torch.tensor([9, 2, 0, 0, 0, 0, 0, 0])
    assert shape_distance(moved, people[:1], spread).item() == pytest.approx(2 / 7**0.5, rel=1e-5)
    strangers = shape_distance(people[:10_000], people[10_000:], spread).square().mean().sqrt()
    assert strangers.item() == pytest.approx(2**0.5, rel=0.02)
