"""This very beard: numbers read in an edit against the reference's truth."""

from dataclasses import replace

import pytest
import torch

from training.evaluation.transfer.renderer_and_judges import Seen
from training.evaluation.transfer.specifics import (
    determination,
    score_specifics,
    specifics_of,
    true_numbers,
)
from training.evaluation.transfer.triples import SCORED
from training.synthheads.actions import ACTION_NAMES, actions_of
from training.synthheads.edits import PARAMETERS, true_edit
from training.synthheads.parameters import HeadParameters

PLAIN = HeadParameters(beard="goatee", beard_length=0.1, glasses="round")


def seen(**numbers) -> Seen:
    tensors = {name: torch.tensor(values) for name, values in numbers.items()}
    return Seen({}, tensors, torch.zeros(len(next(iter(tensors.values()))), 1))


def score(attribute, sources, references, **read):
    made = [true_edit(a, b, attribute) for a, b in zip(sources, references, strict=True)]
    return score_specifics(true_numbers(attribute, sources, references, made), seen(**read))


def test_every_number_of_every_attribute_is_listed():
    assert [s.name for s in specifics_of("beard")] == ["beard_rgb", "beard_length"]
    assert [s.name for s in specifics_of("eyeglasses")] == [
        "frame_rgb", "frame_thickness", "glasses_size", "lens_darkness",
    ]  # fmt: skip
    assert [s.name for s in specifics_of("expression")] == ["actions", *(f"action_{name}" for name in ACTION_NAMES)]
    assert [s.least for s in specifics_of("gaze")] == [pytest.approx(0.4)] * 2, "a fifth of -1..1"
    assert all(specifics_of(name) for name in (*SCORED, *PARAMETERS))


def test_numbers_count_by_what_they_are_nearer_to():
    references = [replace(PLAIN, beard_length=length) for length in (0.9, 0.9, 0.25, 0.5)]
    found = score("beard", [PLAIN] * 4, references, beard_length=[[0.6], [0.4], [0.25], [0.5]])["beard_length"]
    assert (found["nearer"], found["nearer_count"]) == (0.6667, 3), "0.1 and 0.25 are too near to each other"
    mean = (0.9 + 0.9 + 0.25 + 0.5) / 4
    spread = 2 * (0.9 - mean) ** 2 + (0.25 - mean) ** 2 + (0.5 - mean) ** 2
    assert found["r2"] == pytest.approx(1 - (0.3**2 + 0.5**2) / spread, abs=1e-4) and found["r2_count"] == 4


def test_the_truth_is_the_references_even_if_the_generator_drew_it_otherwise():
    """What is read is compared with the parameters, never with a reading of the reference."""
    references = [replace(PLAIN, beard_colour=(0.8, 0.7, 0.4)), replace(PLAIN, beard_colour=(0.1, 0.1, 0.1))]
    found = score("beard", [PLAIN] * 2, references, beard_rgb=[[0.8, 0.7, 0.4], [0.1, 0.1, 0.1]])
    assert found["beard_rgb"] == {"nearer": 1.0, "nearer_count": 2, "r2": None, "r2_count": 2}
    assert found["beard_length"] is None


def test_what_cannot_be_seen_does_not_count():
    """No length of the source's beard to be nearer to; no darkness of clear lenses; none of what dark lenses hide."""
    shaved, bearded = replace(PLAIN, beard="none"), replace(PLAIN, beard_length=0.9)
    found = score("beard", [shaved, PLAIN], [bearded, bearded], beard_length=[[0.9], [0.9]])["beard_length"]
    assert (found["nearer_count"], found["r2_count"]) == (1, 2)
    found = score("beard", [PLAIN], [shaved], beard_length=[[0.9]])["beard_length"]
    assert (found["nearer"], found["nearer_count"], found["r2_count"]) == (None, 0, 0)
    dark, darker = (replace(PLAIN, glasses="sunglasses", lens_darkness=value) for value in (0.5, 1.0))
    found = score("eyeglasses", [dark, PLAIN], [darker, darker], lens_darkness=[[1.0], [1.0]])["lens_darkness"]
    assert (found["nearer_count"], found["r2_count"]) == (1, 2)
    thick = replace(PLAIN, brow_thickness=1.0)
    found = score("eye_region", [dark, PLAIN], [thick, thick], brow_thickness=[[1.0], [1.0]])["brow_thickness"]
    assert (found["nearer_count"], found["r2_count"]) == (1, 1)


def test_actions_count_together_and_singly_where_they_differ():
    smile, other = replace(PLAIN, actions=actions_of("smile")), replace(PLAIN, actions=actions_of("surprise"))
    read = [list(smile.actions), list(PLAIN.actions)]
    found = score("expression", [PLAIN, PLAIN], [smile, other], actions=read)
    assert (found["actions"]["nearer"], found["actions"]["nearer_count"]) == (0.5, 2)
    assert (found["action_smile_left"]["nearer"], found["action_smile_left"]["nearer_count"]) == (1.0, 1)
    assert (found["action_jaw_open"]["nearer"], found["action_jaw_open"]["nearer_count"]) == (0.0, 1)
    assert found["action_pucker"] == {"nearer": None, "nearer_count": 0, "r2": None, "r2_count": 2}


def test_actions_may_be_read_one_by_one():
    smile = replace(PLAIN, actions=actions_of("smile"))
    found = score("expression", [PLAIN], [smile], action_smile_left=[[0.9]])
    assert found["action_smile_left"]["nearer"] == 1.0
    assert found["actions"] is None and found["action_jaw_open"] is None
    every = {f"action_{name}": [[value]] for name, value in zip(ACTION_NAMES, smile.actions, strict=True)}
    found = score("expression", [PLAIN], [smile], **every)
    assert found["actions"]["nearer"] == 1.0 and None not in found.values()


def test_determination_by_hand():
    true = torch.tensor([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    assert determination(true, true) == 1 and determination(true.mean(0).expand(3, 2), true) == 0
    assert determination(true + 1, true) == pytest.approx(1 - 6 / 2)
    assert determination(true[:2], true[:2]) is None and determination(true, torch.ones(3, 2)) is None
