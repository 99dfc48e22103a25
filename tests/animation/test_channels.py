"""Blendshapes and actions: names, groups, and how one becomes the other."""

import math

import pytest
import torch

from sat3d.animation.channels import (
    ACTION_NAMES,
    ACTION_OF_BLENDSHAPE,
    BLENDSHAPES,
    GAZE_OF_BLENDSHAPE,
    NO_COUNTERPART,
    actions_from_blendshapes,
    gaze_channels,
    gaze_from_blendshapes,
    group_of,
)
from sat3d.errors import ConfigError


def test_every_blendshape_is_an_action_a_look_or_has_no_counterpart():
    known = {*ACTION_OF_BLENDSHAPE, *GAZE_OF_BLENDSHAPE, *NO_COUNTERPART, "_neutral"}
    assert set(BLENDSHAPES) <= known and len(BLENDSHAPES) == 52
    assert {action for action, _ in ACTION_OF_BLENDSHAPE.values()} == set(ACTION_NAMES)


def test_blendshapes_become_actions():
    names = ("jawOpen", "mouthPressLeft", "mouthPressRight", "mouthRollLower", "_neutral")
    found = actions_from_blendshapes(names, torch.tensor([[0.5, 1.0, 1.0, 1.0, 1.0], [2.0, 0, 0, 0, 0]]))
    assert found.shape == (2, 27)
    at = {name: found[:, i].tolist() for i, name in enumerate(ACTION_NAMES)}
    assert at["jaw_open"] == [0.5, 1.0] and at["lips_pressed"] == [1.0, 0.0]  # 0.4 + 0.4 + 0.5, and 2, are clamped
    assert float(found.sum()) == 2.5


def test_both_eyes_that_look_one_way_share_the_angle():
    names = ("eyeLookInLeft", "eyeLookOutRight", "eyeLookUpLeft")
    gaze = gaze_from_blendshapes(names, torch.tensor([[1.0, 1.0, 0.4]]))
    torch.testing.assert_close(gaze, torch.tensor([[math.radians(-30), math.radians(5)]]))
    torch.testing.assert_close(gaze_channels(gaze), torch.tensor([[-1.0, 0.2]]))


def test_an_unknown_blendshape_is_refused():
    with pytest.raises(ConfigError, match="jaw_open"):
        actions_from_blendshapes(("jaw_open",), torch.zeros(1, 1))


@pytest.mark.parametrize("names", [BLENDSHAPES, ACTION_NAMES], ids=["blendshapes", "actions"])
def test_every_group_has_members_and_the_mouth_most(names):
    groups = [group_of(name) for name in names if name != "_neutral"]
    assert {"mouth", "eyes", "brows"} <= set(groups) and groups.count("mouth") > len(groups) / 3
    assert all(group_of(name) == "eyes" for name in names if "link" in name or name.startswith("lid"))
