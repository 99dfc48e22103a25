"""The mask of an edit: the part that changed, not the little that changes everywhere, at the picture's size."""

import pytest
import torch

from sat3d.inversion.edit_mask import changed_parts
from sat3d.parsing.labels import BEARD
from tests.inversion.test_layers import head, parse


@pytest.mark.parametrize("side", [96, 256, 400])
def test_it_is_the_beard_that_came(side):
    before, edited = head(side), head(side, beard=0.6)
    beard = parse(edited)[:, [BEARD]]
    mask = changed_parts(before, edited, parse)
    assert mask.shape == (1, 1, side, side) and mask.min() >= 0 and mask.max() <= 1
    overlap = (mask * beard).sum() / torch.maximum(mask, beard).sum()
    assert overlap > 0.85 and mask[:, :, : round(0.5 * side)].sum() == 0


def test_what_changes_a_little_everywhere_is_no_part():
    before = head(128)
    assert not changed_parts(before, before + 0.04, parse).any() and not changed_parts(before, before, parse).any()


def test_the_backdrop_is_no_part():
    before = head(256)
    wall = parse(before)[:, :1]
    mask = changed_parts(
        before, torch.where(wall > 0, -before, before), lambda some: parse(before).expand(len(some), -1, -1, -1)
    )
    assert not (mask * wall).any()


def test_where_no_head_is_seen_it_is_all_that_changed():
    """As of cats and cars, which the parser does not know."""
    before = torch.full((1, 3, 64, 64), -0.5)
    edited = before.clone()
    edited[:, :, 20:40, 10:30] = 0.5
    no_head = lambda pictures: torch.eye(12)[torch.zeros(len(pictures), 64, 64, dtype=torch.long)].permute(0, 3, 1, 2)  # noqa: E731
    mask = changed_parts(before, edited, no_head)
    assert mask[0, 0, 22:38, 12:28].all() and mask.mean() < 1.5 * 20 * 20 / 64**2
