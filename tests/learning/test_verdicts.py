"""Verdicts: what counts as arrived and as kept, by hand; the words."""

from dataclasses import replace

import pytest
import torch

from sat3d.domains import DescriptorGroup, Domain
from sat3d.learning.sampling import Draw
from sat3d.learning.verdicts import Verdict, judge, wilson
from sat3d.qmm import Measurement

DOMAIN = Domain(
    "x", "{}", {name: (DescriptorGroup(name, "g", ("yes", "no")),) for name in ("beard", "hair", "eyes")},
    covers={"hair": ("eyes",)},
)  # fmt: skip


def scores(*rows):
    """Of beard, hair and eyes: how sure the first phrase is."""
    return Measurement(torch.tensor([[1.0 * part for p in row for part in (p, 1 - p)] for row in rows]), DOMAIN)


FACES = scores((1, 1, 1), (0, 0, 0), (1, 0, 0), (0, 1, 1))


def draw(*transfers):
    source, reference, target = zip(*transfers, strict=True)
    return Draw(torch.tensor(source), torch.tensor(reference), torch.tensor(target))


def test_half_of_the_way_is_arrived():
    found = judge(scores((0.5, 1, 1), (0.6, 1, 1)), FACES, draw((0, 1, 0), (0, 1, 0)))
    assert (found["beard"].transfers, found["beard"].arrived) == (2, 0.5)
    assert found["beard"].kept == {"hair": 1, "eyes": 1}
    assert found["hair"].transfers == 0 and found["hair"].kept == {}


def test_faces_that_agree_do_not_count():
    found = judge(scores((1, 1, 1)), FACES, draw((0, 2, 0)))
    assert found["beard"].transfers == 0


def test_what_comes_along_is_named_and_what_is_covered_is_not():
    """Faces in a row differ by 1 of hair and eyes in the mean: 0.4 is less than half of that, 1.6 more."""
    found = judge(scores((0, 0.8, 0.2)), FACES, draw((0, 1, 0)))
    assert found["beard"].kept == {"hair": 1, "eyes": 0}
    hair = judge(scores((1, 0, 0)), FACES, draw((0, 1, 1)))["hair"]
    assert hair.arrived == 1 and hair.kept == {"beard": 1}


def test_what_is_kept_comes_along_by_name():
    domain = replace(DOMAIN, kept={"age": (DescriptorGroup("age", "g", ("old", "young")),)})

    def aged(rows, ages):
        told = torch.tensor([[age, 1 - age] for age in ages])
        return Measurement(torch.cat([scores(*rows).probabilities, told], 1), domain)

    faces = aged(((1, 1, 1), (0, 0, 0), (1, 0, 0), (0, 1, 1)), (1.0, 0.0, 1.0, 0.0))
    moved = judge(aged(((0, 1, 1),), (0.0,)), faces, draw((0, 1, 0)))
    assert moved["beard"].kept == {"hair": 1, "eyes": 1, "age": 0} and list(moved) == ["beard", "hair", "eyes"]


def test_words_for_every_grade():
    words = {share: str(Verdict("beard", 20, share, {"hair": 0.9, "eyes": 0.5})) for share in (0.95, 0.6, 0.2)}
    assert words[0.95].startswith("beard: arrives in 95 %") and "takes along eyes (in 50 %)" in words[0.95]
    assert "fair" in words[0.6] and "more faces" in words[0.6]
    assert "weak" in words[0.2] and "add phrases or faces" in words[0.2]
    assert "not seen" in str(Verdict("beard", 0)) and Verdict("beard", 0).grade == "unseen"
    assert "by the second model 40 %" in str(Verdict("beard", 5, 1.0, {}, 0.4))
    assert str(Verdict("beard", 5, 1.0, {}, None, "12 of 90 channels")).endswith("[12 of 90 channels]")


def test_few_transfers_are_less_sure():
    few, many = wilson(0.9, 10), wilson(0.9, 1000)
    assert few[0] < many[0] < 0.9 < many[1] < few[1] <= 1
    assert wilson(1.0, 10)[0] == pytest.approx(0.722, abs=1e-3)  # 1 / (1 + 1.96² / 10)
