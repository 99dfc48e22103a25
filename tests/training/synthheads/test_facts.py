"""What can be said of heads in words: steps of lengths and sizes, lids and brows, what hides them."""

from dataclasses import replace

import pytest

from training.synthheads.actions import ACTION_NAMES
from training.synthheads.labels import ATTRIBUTE_VALUES, attributes_of
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import INDEPENDENT

PLAIN = HeadParameters()


def acting(**strengths: float) -> HeadParameters:
    return replace(PLAIN, actions=tuple(strengths.get(name, 0.0) for name in ACTION_NAMES), lid_openness=0.5)


def both(name: str, strength: float) -> HeadParameters:
    return acting(**{f"{name}_left": strength, f"{name}_right": strength})


@pytest.mark.parametrize("head, facts", [
    (replace(PLAIN, beard="full beard", beard_length=0.1), {"beard_length": "short"}),
    (replace(PLAIN, beard="full beard", beard_length=0.9), {"beard_length": "long"}),
    (replace(PLAIN, beard="stubble", beard_length=0.9), {"beard_length": "short"}),
    (replace(PLAIN, beard="none", beard_length=0.9), {"beard_length": "none"}),
    (replace(PLAIN, glasses="none"), {"frame_thickness": "none", "glasses_size": "none", "lenses": "none"}),
    (replace(PLAIN, glasses="round", frame_thickness=0.1, glasses_size=0.9, lens_darkness=1.0),
     {"frame_thickness": "thin", "glasses_size": "large", "lenses": "clear"}),
    (replace(PLAIN, glasses="sunglasses", lens_darkness=0.4), {"lenses": "other"}),
    (replace(PLAIN, glasses="sunglasses", lens_darkness=0.9),
     {"lenses": "dark", "lids": "hidden", "brow_pose": "hidden"}),
    (acting(), {"lids": "open", "brow_pose": "level"}),
    (replace(acting(), lid_openness=0.1), {"lids": "other"}),
    (both("lid_closed", 1.0), {"lids": "closed"}),
    (both("lid_closed", 0.6), {"lids": "narrow"}),
    (both("lid_wide", 0.8), {"lids": "wide"}),
    (acting(lid_closed_left=1.0), {"lids": "other"}),
    (both("brow_outer_up", 0.8), {"brow_pose": "raised"}),
    (both("brow_down", 0.8), {"brow_pose": "lowered"}),
    (acting(brow_down_left=0.8), {"brow_pose": "other"}),
])  # fmt: skip
def test_facts_by_hand(head, facts):
    found = attributes_of(head)
    assert {name: found[name] for name in facts} == facts


def test_every_value_of_the_finer_facts_is_met():
    seen: dict[str, set[str]] = {}
    for index in range(1500):
        for name, value in attributes_of(INDEPENDENT.draw(4, index)).items():
            seen.setdefault(name, set()).add(value)
    for name in ("beard_length", "frame_thickness", "glasses_size", "lenses", "lids", "brow_pose"):
        assert seen[name] | {"other"} == set(ATTRIBUTE_VALUES[name]) | {"other"}, name
