"""True edits: which parameters an attribute has, and which can be seen."""

from dataclasses import fields, replace

import numpy as np
import pytest

from sat3d.domains import load_domain
from sat3d.errors import ConfigError
from sat3d.parsing.labels import BEARD, BROWS, HAIR, SKIN
from training.synth.cameras import FRONT
from training.synthheads import edits
from training.synthheads.actions import ACTION_NAMES, actions_of
from training.synthheads.edits import PARAMETERS, render_true_edit, true_edit, values_of
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import INDEPENDENT
from training.synthheads.views import render_head
from training.synthheads.visibility import visible_parameters

PLAIN = HeadParameters(beard="full beard", beard_length=0.2)


def test_the_table_speaks_of_what_heads_have_and_begins_with_the_domains_attributes():
    names = {field.name for field in fields(HeadParameters)}
    assert all(part and set(part) <= names for part in PARAMETERS.values())
    assert list(PARAMETERS)[:6] == list(load_domain("synthheads").attributes)
    of_domain = [name for attribute in load_domain("synthheads").attributes for name in PARAMETERS[attribute]]
    assert len(set(of_domain)) == len(of_domain), "a parameter of two attributes cannot be transferred with one alone"
    assert PARAMETERS["expression"] == ("actions",) and "eye_shadow" in PARAMETERS["make_up"]


@pytest.mark.parametrize("attribute", PARAMETERS)
def test_an_edit_takes_all_of_the_attribute_and_nothing_else(attribute):
    source, reference = INDEPENDENT.draw(5, 1), INDEPENDENT.draw(5, 2)
    edited = true_edit(source, reference, attribute)
    for field in fields(HeadParameters):
        of = reference if field.name in PARAMETERS[attribute] else source
        assert getattr(edited, field.name) == getattr(of, field.name), field.name
    assert values_of(edited, attribute) == values_of(reference, attribute)
    assert true_edit(edited, source, attribute) == source == true_edit(source, source, attribute)


def test_an_unknown_attribute_is_named():
    with pytest.raises(ConfigError, match=r"no such attribute.*'hats'.*hairstyle"):
        true_edit(PLAIN, PLAIN, "hats")


def test_eyebrows_follow_the_hairs_colour_and_the_beard_keeps_its_own():
    reference = replace(PLAIN, hair_colour=(0.83, 0.69, 0.44), beard_colour=(0.9, 0.1, 0.1))
    (before,), (after,) = render_head(PLAIN, [FRONT], 64), render_true_edit(PLAIN, reference, "hair_colour", 64)
    assert np.array_equal(before.labels, after.labels)
    change = np.abs(after.image.astype(int) - before.image).max(2)
    means = {label: change[before.labels == label].mean() for label in (HAIR, BROWS, BEARD, SKIN)}
    assert means[HAIR] > 40 and means[BROWS] > 10 and means[BEARD] < 5 and means[SKIN] < 5


def test_the_picture_is_that_of_the_edited_head_from_the_same_sides(monkeypatch):
    asked = []
    monkeypatch.setattr(edits, "render_head", lambda *arguments: asked.append(arguments) or ["view"])
    smiling = replace(PLAIN, actions=actions_of("smile"))
    assert render_true_edit(PLAIN, smiling, "expression", 32) == ["view"]
    assert asked == [(smiling, (FRONT,), 32, "cpu")]


@pytest.mark.parametrize(
    ("changes", "hidden"),
    [
        ({}, {"parting", "frame_colour", "frame_thickness", "glasses_size", "lens_darkness", "lipstick_colour"}),
        ({"hair_style": "bald"}, {"hair_colour", "hair_volume", "hair_length"}),
        ({"glasses": "sunglasses"}, {"iris_colour", "gaze_yaw", "brow_arch", "eye_shadow", "actions", "lid_wide_left"}),
        ({"glasses": "round"}, {"lens_darkness"}),
        ({"beard": "none"}, {"beard_colour", "beard_length"}),
        ({"actions": actions_of("eyes closed")}, {"iris_colour", "lid_openness", "gaze_pitch"}),
    ],
)
def test_what_cannot_be_seen(changes, hidden):
    seen = visible_parameters(replace(PLAIN, **changes))
    assert not hidden & seen and {"age", "hair_style", "jaw_open", "light_yaw_deg"} <= seen
    assert seen <= {field.name for field in fields(HeadParameters)} | set(ACTION_NAMES)


def test_what_shows_again():
    shown = replace(PLAIN, hair_style="side part", glasses="sunglasses", lipstick=0.8)
    assert {"parting", "frame_colour", "lens_darkness", "lipstick_colour"} <= visible_parameters(shown)
    assert {"actions", "iris_colour", "beard_length", "hair_colour"} <= visible_parameters(PLAIN)
