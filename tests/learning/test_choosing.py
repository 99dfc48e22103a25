"""The score that chooses between ways of a transfer, by hand."""

import pytest
import torch

from sat3d.domains import load_domain
from sat3d.learning.choosing import transfer_score
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
