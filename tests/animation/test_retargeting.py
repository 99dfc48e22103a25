"""The driver's motion on another face: rest, modes, strengths."""

from dataclasses import replace

import pytest
import torch

from sat3d.animation.channels import ACTION_NAMES
from sat3d.animation.motion import Motion, still
from sat3d.animation.retargeting import Retargeting, Strengths, channels_of, neutral_of, take_over
from sat3d.errors import ConfigError

NAMES = ("jaw_open", "lid_closed_left", "brows_inner_up", "gaze_yaw")
OWN, POSE = torch.tensor([0.2, 0.0, 0.4, 0.0]), torch.tensor([0.1, 0.0, 0.0])


def driver() -> Motion:
    """Ten frames: at rest the brows are a little up; then the jaw opens, one eye closes, the head and eyes turn."""
    motion = still(("jaw_open", "lid_closed_left", "brows_inner_up"), 10)
    values = motion.values.clone()
    values[:, 2] = 0.2
    values[5:] = torch.tensor([0.6, 1.0, 0.2])
    pose, gaze = torch.full((10, 3), 0.05), torch.zeros(10, 2)
    pose[5:, 0], gaze[5:, 0] = 0.35, torch.deg2rad(torch.tensor(15.0))
    return replace(motion, values=values, pose_rad=pose, gaze_rad=gaze)


def test_the_calmest_frames_are_the_rest():
    rest = neutral_of(driver())
    torch.testing.assert_close(rest.values, torch.tensor([0.0, 0.0, 0.2]))
    assert rest.pose_rad.tolist() == pytest.approx([0.05] * 3)
    late = replace(driver(), missing=torch.arange(10) < 5)  # what was filled is no witness
    torch.testing.assert_close(neutral_of(late).values, torch.tensor([0.6, 1.0, 0.2]))
    assert neutral_of(late, "first frame").values[1] == 1.0
    assert not neutral_of(driver(), "none").values.any()


def test_absolute_shows_the_driver_without_its_rest():
    moved = take_over(driver(), NAMES, OWN, POSE)
    torch.testing.assert_close(moved.values[0], torch.tensor([0.0, 0.0, 0.0, 0.0]))
    torch.testing.assert_close(moved.values[9], torch.tensor([0.6, 1.0, 0.0, 0.5]))
    torch.testing.assert_close(moved.pose_rad, driver().pose_rad)


def test_relative_adds_to_the_faces_own():
    moved = take_over(driver(), NAMES, OWN, POSE, Retargeting("relative"))
    torch.testing.assert_close(moved.values[0], OWN)
    torch.testing.assert_close(moved.values[9], torch.tensor([0.8, 1.0, 0.4, 0.5]))
    torch.testing.assert_close(moved.pose_rad[9], torch.tensor([0.4, 0.0, 0.0]))


@pytest.mark.parametrize("mode", ["absolute", "relative"])
def test_strength_zero_keeps_the_faces_own(mode):
    nothing = Strengths(0, 0, 0, 0, 0)
    moved = take_over(driver(), NAMES, OWN, POSE, Retargeting(mode, strengths=nothing))
    torch.testing.assert_close(moved.values, OWN.expand(10, 4))
    torch.testing.assert_close(moved.pose_rad, POSE.expand(10, 3))
    assert not moved.gaze_rad.any()


def test_each_group_has_its_own_strength():
    moved = take_over(driver(), NAMES, OWN, POSE, Retargeting("relative", strengths=Strengths(mouth=0.5, eyes=0)))
    torch.testing.assert_close(moved.values[9], torch.tensor([0.5, 0.0, 0.4, 0.5]))


def test_exaggeration_ends_where_faces_come_apart():
    moved = take_over(driver(), NAMES, OWN, POSE, Retargeting("relative", strengths=Strengths(3, 3, 3, 3)))
    assert moved.values[:, :3].max() == 1.5 and moved.values[:, 3].max() == 1.0 and moved.values.min() == 0.0


def test_blendshapes_drive_actions_and_themselves():
    motion = Motion(("jawOpen", "eyeBlinkLeft"), torch.tensor([[0.5, 0.25]]), torch.zeros(1, 2), torch.zeros(1, 3))
    found = channels_of(motion, ("jaw_open", "lid_closed_left", "eyeBlinkLeft", "pucker"))
    assert found.tolist() == [[0.5, 0.25, 0.25, 0.0]]
    assert channels_of(motion, ACTION_NAMES).shape == (1, 27)


def test_a_motion_of_other_things_is_refused():
    motion = Motion(("tail_wag",), torch.zeros(1, 1), torch.zeros(1, 2), torch.zeros(1, 3))
    with pytest.raises(ConfigError, match="moves nothing"):
        channels_of(motion, ACTION_NAMES)


@pytest.mark.parametrize("options", [{"mode": "both"}, {"rest": "last"}])
def test_other_ways_are_refused(options):
    with pytest.raises(ConfigError, match="no such way"):
        Retargeting(**options)
    with pytest.raises(ConfigError, match="strength of mouth"):
        Strengths(mouth=4)
