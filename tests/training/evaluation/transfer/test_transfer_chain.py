"""All attributes over, one after the other."""

import pytest
import torch

from sat3d.errors import ConfigError
from training.evaluation.transfer.chain import draw_walks, score_walk, walk
from training.evaluation.transfer.methods import Copy
from training.evaluation.transfer.renderer_and_judges import Seen, Shots
from training.evaluation.transfer.triples import SCORED, named


def test_walks_are_of_people_who_show_everything(people):
    pairs = draw_walks(people, 5, 6)
    assert pairs.shape == (6, 2) and len(set(map(tuple, pairs.tolist()))) == 6
    assert all(own != theirs for own, theirs in pairs.tolist())
    assert all(named(people.truths[i], name) for i in pairs.flatten().tolist() for name in SCORED)
    assert torch.equal(draw_walks(people, 5, 6), pairs) and not torch.equal(draw_walks(people, 6, 6), pairs)


def test_too_few_people_are_named(people):
    with pytest.raises(ConfigError, match="Too few people show all attributes"):
        draw_walks(people, 5, 10**5)


def test_each_step_adds_its_channels_to_the_steps_before(network, people):
    layout, pairs = network.layout, draw_walks(people, 5, 3)
    owners = torch.arange(layout.num_editable) % len(SCORED)
    edits = {name: Copy((owners == number).float()) for number, name in enumerate(SCORED)}
    steps = [layout.editable(styles) for styles in walk(network, people, pairs, edits)]
    own, theirs = (layout.editable(people.styles[numbers]) for numbers in pairs.unbind(1))
    for number, styles in enumerate(steps):
        torch.testing.assert_close(styles, torch.where(owners < number, theirs, own))
    assert len(steps) == len(SCORED) + 1


def shots(values: list[int], grey: float) -> Shots:
    """One picture in which the reader is sure of ``values``, one of three for each attribute; as grey as said."""
    chances = {name: torch.zeros(1, 3) for scored in SCORED.values() for name in scored.primary}
    for value, scored in zip(values, SCORED.values(), strict=True):
        for name in scored.primary:
            chances[name][0, value] = 1.0
    seen = Seen(chances, {"shape": torch.tensor([[grey, 0.0]])}, torch.zeros(1, 4))
    return Shots(torch.full((1, 3, 2, 2), grey), seen, None)


def test_scores_of_a_walk_by_hand():
    reference = shots([1, 1, 1, 1, 1, 1], 1.0)
    steps = [shots([0, 0, 0, 0, 0, 1], -1.0), shots([1, 2, 0, 0, 0, 1], 0.0)]
    start, first = score_walk(steps, reference, torch.tensor([0.5, 0.0]))
    assert start == {
        "attribute": None, "moved": None, "staying": 1.0, "reference": 0.1667, "identity": 0.0, "to_reference": 255.0,
    }  # fmt: skip
    assert first == {
        "attribute": "hairstyle", "moved": 1.0, "staying": 0.8, "reference": 0.3333, "identity": 2.0,
        "to_reference": 127.5,
    }  # fmt: skip
