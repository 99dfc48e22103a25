"""The automatic intensity: hand-computed places, few calls, honest where it never arrives, and by a real QMM."""

import math

import pytest
import torch

from sat3d.auto_intensity import Found, Search, distance_to, smallest_intensity
from sat3d.domains import DescriptorGroup, Domain
from sat3d.errors import ConfigError, ShapeError
from sat3d.qmm import QMM


def test_by_hand():
    """1 before the edit and falling to 0 at 1: a quarter is left from 0.75 on. Steps 0.25, 0.65, 1.05; then halves."""
    found = smallest_intensity(lambda intensity: abs(1 - intensity))
    assert (found.intensity, found.arrived, found.distance, found.before) == (0.75, True, 0.25, 1.0)
    assert [place for place, _ in found.measured] == [0.0, 0.25, 0.65, 1.05, 0.85, 0.75, 0.7]
    assert str(found) == "arrived: distance to the reference 1.00 before, 0.25 at intensity 0.75"


@pytest.mark.parametrize("place", [0.26, 0.5, 0.87, 1.0, 1.049, 1.6, 2.2, 2.25])
def test_the_smallest_within_the_precision_and_few_calls(place):
    calls = []

    def distance(intensity):
        calls.append(intensity)
        return 2.0 if intensity < place else 0.4

    found = smallest_intensity(distance)
    assert found.arrived and place <= found.intensity < place + 0.05 and found.distance == 0.4
    assert len(calls) == len(set(calls)) <= 10 and max(calls) <= 2.25


def test_an_edit_that_overshoots_is_caught_before_it_does():
    """It arrives from 0.8 to 1.3 and grows too strong beyond."""
    found = smallest_intensity(lambda intensity: 2.0 if intensity < 0.79 else (0.1 if intensity < 1.31 else 1.5))
    assert (found.intensity, found.arrived) == (0.8, True)


def test_where_it_never_arrives_the_nearest_is_taken_and_said():
    """1.2 before, 0.6 at best at 1.05, worse again beyond; of the two places that are equally near, the smaller."""
    table = {0.0: 1.2, 0.25: 1.1, 0.65: 0.9, 1.05: 0.6, 1.45: 0.6, 1.85: 0.7, 2.25: 0.8}
    found = smallest_intensity(table.__getitem__)
    assert found == Found(1.05, False, 0.6, 1.2, tuple(table.items()))
    assert str(found).startswith("did not arrive, nearest taken: distance to the reference 1.20 before, 0.60 at")


def test_what_only_gets_worse_stays_at_the_lowest():
    found = smallest_intensity(lambda intensity: 1 + intensity)
    assert (found.intensity, found.arrived) == (0.25, False)


def test_faces_that_were_alike_before_need_the_least():
    found = smallest_intensity(lambda intensity: 0.05)
    assert (found.intensity, found.arrived) == (0.25, True) and len(found.measured) == 2


def test_other_searches():
    fine = smallest_intensity(lambda i: 1 - i, Search(0, 0.5, step=0.5, precision=0.01, left=0.6, alike=0))
    assert fine.intensity == 0.4 and fine.arrived
    # 0.3 is no multiple of 0.2: the last that is tried is 0.2.
    assert max(place for place, _ in smallest_intensity(lambda i: 1.0, Search(0, 0.3, 0.2, 0.2)).measured) == 0.2


@pytest.mark.parametrize(
    "wrong",
    [{"lowest": -1}, {"lowest": 3}, {"highest": math.inf}, {"precision": 0}, {"precision": 0.5}, {"step": math.nan},
     {"left": 1}, {"left": -0.1}, {"alike": -1}, {"alike": math.nan}],
)  # fmt: skip
def test_searches_that_make_no_sense(wrong):
    with pytest.raises(ConfigError, match="not usable"):
        Search(**wrong)


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1])
def test_distances_that_are_none(value):
    with pytest.raises(ShapeError, match=r"intensity 0\.25"):
        smallest_intensity(lambda intensity: value if intensity else 1.0)


class Redness:
    """Pictures of one colour; the more red, the more it is "a beard"."""

    logit_scale, device = 2.0, torch.device("cpu")

    def encode_image(self, images):
        red = images.mean((2, 3))[:, 0]
        return torch.stack([red, (1 - red.square()).sqrt()], 1)

    def encode_text(self, texts):
        return torch.tensor([[1.0, 0] if "beard" in text else [-1.0, 0] for text in texts])


@pytest.fixture
def qmm():
    groups = {"beard": (DescriptorGroup("beard", "kind", ("a beard", "a chin")),)}
    return QMM(Redness(), Domain("test", "{}", groups))


def red(*shares):
    return torch.tensor(shares).reshape(-1, 1, 1, 1).expand(-1, 3, 64, 64)


def test_by_qmm(qmm):
    """D(share) = softmax(2 · share, −2 · share), so the distance is 2 |σ(4a) − σ(4b)|; reference at 0.8."""
    distance = distance_to(red(0.8), lambda intensity: red(0.4 * intensity), qmm.measure, "beard")
    sigmoid = lambda x: 1 / (1 + math.exp(-x))  # noqa: E731
    assert distance(1.0) == pytest.approx(2 * (sigmoid(3.2) - sigmoid(1.6)), abs=1e-6)
    # σ(1.6 δ) >= σ(3.2) − 0.25 · (σ(3.2) − 0.5) = 0.8456 from δ = 1.063 on
    assert smallest_intensity(distance).intensity == 1.1


def test_of_several_faces_the_mean_counts(qmm):
    one, other = (distance_to(red(0.8), lambda _, s=share: red(s), qmm.measure, "beard")(1) for share in (0.1, 0.6))
    both = distance_to(red(0.8), lambda _: red(0.1, 0.6), qmm.measure, "beard")(1)
    assert both == pytest.approx((one + other) / 2, abs=1e-6)


def test_an_attribute_that_the_domain_lacks(qmm):
    with pytest.raises(ConfigError, match="freckles"):
        distance_to(red(0.8), lambda _: red(0.1), qmm.measure, "freckles")
