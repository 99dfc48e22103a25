"""The score that chooses between ways of a transfer, by hand."""

from dataclasses import replace

import pytest
import torch

from sat3d.domains import DescriptorGroup, load_domain
from sat3d.learning.choosing import changed_outside, transfer_score
from sat3d.qmm import Measurement

DOMAIN = load_domain("synthheads")


def answers(**shares: float) -> Measurement:
    """One face: of every group of an attribute the first phrase has its share of the probability, the second the rest;
    the others none."""
    columns = []
    for group in DOMAIN:
        part = torch.zeros(1, len(group.phrases))
        first = shares.get(group.attribute, 1.0)
        part[0, 0], part[0, 1] = first, 1 - first
        columns.append(part)
    return Measurement(torch.cat(columns, 1), DOMAIN)


SOURCE, REFERENCE = answers(), answers(beard=0.0, hairstyle=0.0)


def test_no_edit_scores_nothing_and_a_clean_arrival_one():
    assert transfer_score("beard", SOURCE, REFERENCE, SOURCE) == 0
    assert transfer_score("beard", SOURCE, REFERENCE, answers(beard=0.0)) == 1


def test_half_of_the_way_is_three_quarters_and_going_on_beyond_costs():
    """1 − (1/2)²; and at the other end of the probabilities there is no beyond, so from a reference half of the way."""
    assert transfer_score("beard", SOURCE, REFERENCE, answers(beard=0.5)) == pytest.approx(0.75)
    half = answers(beard=0.5, hairstyle=0.0)
    assert transfer_score("beard", SOURCE, half, answers(beard=0.0)) == pytest.approx(0.0)


def test_what_else_changes_counts_twice_as_its_share():
    """All of the hair style came along, which is all that differed besides; half of its way is a quarter."""
    assert transfer_score("beard", SOURCE, REFERENCE, REFERENCE) == pytest.approx(1 - 2)
    assert transfer_score("beard", SOURCE, REFERENCE, answers(beard=0.0, hairstyle=0.5)) == pytest.approx(1 - 0.5)


def test_what_the_attribute_hides_is_not_counted_as_lost():
    """Glasses cover the eyes, so that other eyes behind them cost nothing; a beard does not."""
    assert "eye_region" in DOMAIN.covers["eyeglasses"]
    reference = answers(eyeglasses=0.0, beard=0.0, eye_region=0.0)
    assert transfer_score("eyeglasses", SOURCE, reference, answers(eyeglasses=0.0, eye_region=0.0)) == 1
    assert transfer_score("beard", SOURCE, reference, answers(beard=0.0, eye_region=0.0)) < 1


def test_what_is_kept_counts_as_lost():
    """An answer to a group of what is never moved: half of its way is a quarter, twice."""
    years = DescriptorGroup("years", "years", ("a young face", "an old face"))
    domain = replace(DOMAIN, kept={**DOMAIN.kept, "years": (years,)})

    def older(beard: float, share: float) -> Measurement:
        told = answers(beard=beard).probabilities
        return Measurement(torch.cat([told, torch.tensor([[1 - share, share]])], 1), domain)

    assert transfer_score("beard", older(1, 0), older(0, 1), older(0, 0)) == 1
    assert transfer_score("beard", older(1, 0), older(0, 1), older(0, 0.5)) == pytest.approx(0.5)


def test_what_changes_outside_of_the_regions_is_a_share_of_what_there_is_to_change():
    """Two pixels of four are the attribute's in source and edit, a third in the reference alone. The fourth changes by
    3, the third by 1, and there are 2² + 2² + 4² to change: (9 + 1) · 3 channels / (24 · 3)."""
    source, reference, edit = (torch.tensor(row).expand(1, 3, 1, 4) for row in (
        [0.0, 0.0, 0.0, 0.0], [2.0, 2.0, 4.0, 9.0], [7.0, 7.0, 1.0, 3.0]))  # fmt: skip
    own, theirs = (
        torch.tensor(row)[None, None, None] for row in ([True, True, False, False], [True, True, True, False])
    )
    assert changed_outside(source, reference, edit, own, theirs, own) == pytest.approx(10 / 24)
    assert transfer_score("beard", SOURCE, REFERENCE, answers(beard=0.0), 0.2) == pytest.approx(1 - 0.4)
