"""Which triples are judged, and every score against what is counted by hand."""

from dataclasses import replace

import pytest
import torch

from sat3d.domains import load_domain
from sat3d.errors import ConfigError
from sat3d.networks.reader import AttributeReader, ReaderConfig
from tests.training.evaluation.things.conftest import SMALL
from training.evaluation.things.facts import facts_of, find_facts
from training.evaluation.things.scores import ceiling, score_seen
from training.evaluation.transfer.triples import Cases, People
from training.synth.truths import OTHER
from training.synthcars.domain import CARS
from training.synthcats.domain import CATS


def test_truths_belong_to_attributes_as_the_file_says(cars, cats):
    assert cars.truths == {"colour": ("paint",), "shape": ("body", "stature"), "two_tone": ("two_tone",)}
    assert cars.moved == ("colour", "shape", "two_tone") and cars.hiding == {}
    assert cats.truths["eyes"] == ("iris_colour", "eye_opening") and set(cats.moved) == set(CATS.edits)
    assert cats.hiding == {
        "fur_colour": (("pattern", ("calico",)),),
        "eyes": (("eye_opening", ("nearly closed",)),),
    }
    assert find_facts("synthcars", ["shape"]).moved == ("shape",)
    assert find_facts("synthcars", ["shape"]).truths == cars.truths  # the others are still to be left alone


def test_what_does_not_fit_together_is_refused(cars):
    with pytest.raises(ConfigError, match="hue"):
        find_facts("synthcars", ["hue"])
    with pytest.raises(ConfigError, match=r"unknown truths \['ear_size', 'ears'"):
        facts_of(CARS, load_domain("synthcats"))
    with pytest.raises(ConfigError, match="does not fit"):
        facts_of(replace(CARS, edits={}), load_domain("synthcars"))
    with pytest.raises(ConfigError, match=r"another view its front.*\[0, 0\].*\[38.0, -15.0\]"):
        facts_of(CARS, replace(load_domain("synthcars"), front_deg=(0, 0)))
    reader = AttributeReader(ReaderConfig((("paint", ("red", "blue")),), (("yaw_rad", 1),), **SMALL))
    with pytest.raises(ConfigError, match="stature"):
        cars.check_reader(reader)


def test_hidden_attributes_and_unnamed_colours_are_not_judged(cats, cars):
    def cat(**values):
        return CATS.table.change(CATS.default, **{"eye_opening": 0.9, "pattern": "solid", **values})

    assert cats.can_be_judged(cat(fur_colour="black"), cat(fur_colour="white"), "fur_colour")
    assert not cats.can_be_judged(cat(fur_colour="black"), cat(fur_colour="black"), "fur_colour")
    for calico in (0, 1):
        pair = [cat(fur_colour="black"), cat(fur_colour="white")]
        pair[calico] = replace(pair[calico], pattern="calico")
        assert not cats.can_be_judged(*pair, "fur_colour")
    kept = dict(zip(cats.truths, cats.kept(cat(), cat(pattern="calico"), "fur_pattern"), strict=True))
    assert kept == {"fur_colour": False, "fur_pattern": False, "fur_length": True, "ears": True, "eyes": True}
    between = replace(CARS.default, paint=(0.5, 0.3, 0.3))
    assert CARS.attributes_of(between)["paint"] == OTHER
    assert not cars.can_be_judged(CARS.table.change(CARS.default, paint="blue"), between, "colour")


def seen(text):
    """``red van tall none`` -> names."""
    return dict(zip(("paint", "body", "stature", "two_tone"), text.split(), strict=True))


# Truths of four cars; the reader takes the last one for a blue van in the generated picture.
TRUE = [
    seen("red sedan medium none"),
    seen("blue van tall none"),
    seen("red van tall roof"),
    seen("white SUV tall none"),
]
READ = [*TRUE[:3], seen("blue van tall none")]
# Source, reference, and what is seen in the edit of the colour.
TRIPLES = (
    (0, 1, "blue sedan medium none"),  # right
    (0, 1, "blue van tall none"),  # the shape came along
    (0, 1, "red van medium none"),  # half the shape came along, that is not seen as the reference's; no colour
    (2, 1, "blue van tall none"),  # two_tone came along; the shapes were the same
    (0, 3, "blue sedan medium none"),  # as the reference is seen, not as it is
    (1, 3, "blue van tall none"),  # truly different, but not as they are seen: nothing can be dragged
)  # fmt: skip


def test_scores_by_hand(cars):
    people = People([None] * 4, TRUE, torch.zeros(4, 2), torch.zeros(4, 2))
    source, reference = (torch.tensor([triple[i] for triple in TRIPLES]) for i in (0, 1))
    kept = torch.tensor([[False, True, True]] * 6)
    cases = Cases("colour", source, reference, kept)
    edits = [seen(text) for _, _, text in TRIPLES]
    read = ([READ[i] for i in part.tolist()] for part in (source, reference))
    scores = score_seen(cars, people, cases, edits, *read)
    assert scores["transfer"] == pytest.approx(5 / 6, abs=1e-4)  # all but the third
    assert scores["transfer_truth"] == pytest.approx(3 / 6, abs=1e-4)  # the last two are white
    # Shape stays in 1, 4, 5, 6; two_tone in all but 4.
    assert scores["kept"] == pytest.approx((1 + 0.5 + 0.5 + 0.5 + 1 + 1) / 6, abs=1e-4)
    assert scores["kept_of"] == pytest.approx({"shape": 4 / 6, "two_tone": 5 / 6}, abs=1e-4)
    assert scores["product"] == pytest.approx(scores["transfer"] * scores["kept"], abs=1e-4)
    assert scores["dragged_by"] == {"shape": 0.25, "two_tone": 1.0}  # the second of 1, 2, 3, 5; the fourth alone
    assert scores["dragged"] == 0.625 and scores["count"] == 6


def test_nothing_to_drag_is_no_score(cars):
    people = People([None] * 4, TRUE, torch.zeros(4, 2), torch.zeros(4, 2))
    cases = Cases("colour", torch.tensor([2]), torch.tensor([1]), torch.tensor([[False, False, False]]))
    scores = score_seen(cars, people, cases, [READ[1]], [READ[2]], [READ[1]])
    assert scores["transfer"] == 1.0 and scores["kept"] is None and scores["product"] is None
    assert scores["dragged_by"] == {"shape": None, "two_tone": None} and scores["dragged"] is None


def test_ceiling_is_the_readers_share_of_truths_that_can_be_seen(cars):
    people = People([None] * 4, [*TRUE[:3], {**TRUE[3], "paint": OTHER}], torch.zeros(4, 2), torch.zeros(4, 2))
    assert ceiling(cars, people, READ, "colour") == 1.0  # the fourth has a colour between two names
    assert ceiling(cars, people, READ, "shape") == 0.75
