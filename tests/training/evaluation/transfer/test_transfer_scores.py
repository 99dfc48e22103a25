"""The judge of transfers: which triples are fair, and what counts as arrived and as kept."""

from dataclasses import replace

import pytest
import torch

from sat3d.domains import load_domain
from sat3d.errors import ConfigError
from training.evaluation.transfer import metrics as scoring
from training.evaluation.transfer.renderer_and_judges import Seen
from training.evaluation.transfer.triples import SCORED, can_be_judged, draw_cases, draw_people, kept_attributes
from training.networks.coded_heads import Coder
from training.networks.targets import CATEGORIES, NUMBERS
from training.synthheads.actions import actions_of
from training.synthheads.edits import PARAMETERS
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import FIRST

PLAIN = HeadParameters(hair_style="short crop", hair_colour=(0.05, 0.04, 0.04))


def test_the_table_speaks_of_what_reader_domain_and_heads_have():
    assert tuple(SCORED) == tuple(load_domain("synthheads").attributes)
    for scored in SCORED.values():
        assert scored.primary and set(scored.primary + scored.secondary) <= set(CATEGORIES)
    assert set(SCORED) <= set(PARAMETERS)


@pytest.mark.parametrize(
    ("attribute", "source", "reference", "wanted"),
    [
        ("beard", {}, {"beard": "goatee"}, True),
        ("beard", {"beard": "goatee", "beard_length": 0.1}, {"beard": "goatee", "beard_length": 0.9}, False),
        ("hair_colour", {}, {"hair_style": "bald"}, False),
        ("hair_colour", {"hair_style": "bald"}, {"hair_colour": (0.9, 0.8, 0.5)}, False),
        ("eye_region", {}, {"eye_shadow": 0.9}, True),
        ("eye_region", {"glasses": "sunglasses"}, {"eye_shadow": 0.9}, False),
        ("eye_region", {}, {"eye_shadow": 0.9, "glasses": "sunglasses"}, False),
        ("eye_region", {"actions": actions_of("eyes closed")}, {"eye_shadow": 0.9}, False),
        ("expression", {}, {"actions": actions_of("smile", 0.3)}, False),
        ("expression", {}, {"actions": actions_of("neutral")}, False),
        ("expression", {}, {"actions": actions_of("smile")}, True),
        ("expression", {"glasses": "sunglasses"}, {"actions": actions_of("wink")}, False),
        ("eyeglasses", {}, {"glasses": "round"}, True),
    ],
)
def test_triples_differ_in_what_can_be_seen_and_named(attribute, source, reference, wanted):
    assert can_be_judged(replace(PLAIN, **source), replace(PLAIN, **reference), attribute) is wanted


def test_what_a_perfect_transfer_hides_or_changes_need_not_stay():
    dark, bald = replace(PLAIN, glasses="sunglasses", beard="goatee"), replace(PLAIN, hair_style="bald")
    assert kept_attributes(PLAIN, dark, "eyeglasses") == ["hairstyle", "hair_colour", "expression", "beard"]
    assert kept_attributes(PLAIN, dark, "beard") == [name for name in SCORED if name != "beard"]
    assert "hair_colour" not in kept_attributes(PLAIN, bald, "hairstyle")
    assert "hair_colour" not in kept_attributes(bald, PLAIN, "hairstyle")


def test_triples_are_different_pairs_shared_evenly_and_drawn_again(people):
    cases = draw_cases(people, 3, 20)
    assert [len(some) for some in cases.values()] == [4, 4, 3, 3, 3, 3]
    for name, some in cases.items():
        pairs = list(zip(some.source.tolist(), some.reference.tolist(), strict=True))
        assert len(set(pairs)) == len(pairs)
        assert all(can_be_judged(people.parameters[a], people.parameters[b], name) for a, b in pairs)
        assert not some.kept[:, list(SCORED).index(name)].any() and some.kept.any()
    again, other = draw_cases(people, 3, 20), draw_cases(people, 4, 20)
    assert torch.equal(again["beard"].source, cases["beard"].source)
    assert any(not torch.equal(other[name].source, cases[name].source) for name in cases)


def test_more_triples_than_people_give_are_refused(network):
    with pytest.raises(ConfigError, match="Too few people"):
        draw_cases(draw_people(Coder(network, FIRST), 5, 8), 3, 57, ("beard",))


def seen(**values) -> Seen:
    """Readings with certain values; all other categories show their first."""
    count = len(next(iter(values.values())))
    chances = {}
    for name, known in CATEGORIES.items():
        numbers = [known.index(v) for v in values.get(name, [known[0]] * count)]
        chances[name] = torch.nn.functional.one_hot(torch.tensor(numbers), len(known)).float()
    numbers = {name: torch.zeros(count, number.size) for name, number in NUMBERS.items()}
    return Seen(chances, numbers, torch.ones(count, 1))


def test_an_attribute_has_arrived_when_all_its_primary_categories_have():
    wanted = seen(iris_colour=["blue"] * 3, eye_shadow=["yes"] * 3)
    found = seen(iris_colour=["blue", "blue", "grey"], eye_shadow=["yes", "none", "yes"])
    assert scoring.alike(found, wanted, "eye_region").tolist() == [True, False, False]
    assert scoring.likely_alike(found, wanted, "eye_region").tolist() == [1, 0, 0]
    truths = [{"iris_colour": "blue", "eye_shadow": value} for value in ("yes", "none", "yes")]
    assert scoring.true_to(found, truths, "eye_region", CATEGORIES).tolist() == [True, True, False]
    soft = replace(wanted, chances={**wanted.chances, "eye_shadow": torch.tensor([[0.3, 0.7]] * 3)})
    assert scoring.likely_alike(soft, wanted, "eye_region").tolist() == pytest.approx([0.3] * 3)


def test_only_what_must_stay_counts_as_kept():
    same = torch.tensor([[1.0, 0, 1], [1, 0, 1], [0, 0, 0]])
    kept = torch.tensor([[True, True, False], [True, False, True], [False] * 3])
    found = scoring.kept_share(same, kept)
    assert found[:2].tolist() == [0.5, 1.0] and torch.isnan(found[2])


def test_secondary_categories_decide_nothing():
    wanted, edit = seen(beard=["goatee"] * 2, beard_colour=["blond"] * 2), seen(beard=["goatee"] * 2)
    assert scoring.secondary(edit, wanted, "beard") == {"beard_colour": 0.0}
    assert scoring.secondary(wanted, wanted, "beard") == {"beard_colour": 1.0}
    assert scoring.alike(edit, wanted, "beard").all()


def test_views_agree_when_the_verdict_is_that_of_the_front(people):
    cases = draw_cases(people, 1, 3, ("beard",))["beard"]

    class View:
        def __init__(self, *beards):
            self.seen = seen(beard=list(beards))

    source, reference = View("none", "none", "none"), View("goatee", "goatee", "goatee")
    edits = [View("goatee", "goatee", "none"), View("goatee", "stubble", "none")]
    found = scoring.score_views(cases, edits, [source] * 2, [reference] * 2, front=0)
    assert found["view_consistency"] == pytest.approx(2 / 3, abs=1e-4) and found["views_held"] == 0.5
    assert [view["transfer"] for view in found["views"]] == pytest.approx([2 / 3, 1 / 3], abs=1e-4)
    assert [view["preservation"] for view in found["views"]] == [1, 1]
