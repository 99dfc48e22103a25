"""Motions: what they refuse, parts of them, smoothing that keeps blinks."""

from dataclasses import replace

import pytest
import torch

from sat3d.animation.motion import Motion, still
from sat3d.animation.smoothing import one_euro, smooth_motion
from sat3d.errors import ConfigError, ShapeError

from .motions import NAMES, speaking


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"names": ("a", "a", "b", "c", "d", "e")}, "no usable names"),
        ({"names": NAMES[:5]}, "values do not pair"),
        ({"gaze_rad": torch.zeros(49, 2)}, "gaze_rad do not pair"),
        ({"pose_rad": torch.full((50, 3), torch.nan)}, "pose_rad are not usable"),
        ({"values": torch.full((50, 6), 1e9)}, "values are not usable"),
        ({"fps": 0.0}, "needs a speed"),
        ({"fps": float("nan")}, "needs a speed"),
        ({"starts": (50,)}, "begins outside"),
        ({"missing": torch.zeros(3, dtype=torch.bool)}, "whether it was seen"),
    ],
)
def test_what_is_no_motion_is_refused(changes, says):
    with pytest.raises(ShapeError, match=says):
        replace(speaking(), **changes)


def test_a_motion_without_frames_is_refused():
    with pytest.raises(ShapeError, match="no frame"):
        still(NAMES, 0)
    with pytest.raises(ShapeError, match="no frame"):
        speaking().part(50)


def test_a_part_keeps_what_belongs_to_its_frames():
    motion = replace(speaking(), starts=(10, 30), missing=torch.arange(50) == 12)
    part = motion.part(10, 40)
    assert len(part) == 30 and part.starts == (0, 20) and part.missing.nonzero().tolist() == [[2]]
    assert torch.equal(part.values, motion.values[10:40]) and part.seconds == 1.2
    assert [(shot.start, shot.stop) for shot in motion.shots()] == [(0, 10), (10, 30), (30, 50)]


def test_a_blink_of_three_frames_survives_and_tremble_does_not():
    blink = speaking().values[:, 4:5]
    assert 0.9 < float(one_euro(blink, 25, 1.5, 2).max()) <= 1
    tremble = 0.3 + 0.02 * torch.randn(1000, 1, generator=torch.Generator().manual_seed(0))
    smoothed = one_euro(tremble, 25, 1.5, 2)
    assert smoothed.diff(dim=0).std() < tremble.diff(dim=0).std() / 3
    assert abs(float(smoothed.mean()) - 0.3) < 0.003


def test_a_blink_stays_where_it_is_in_time():
    blink = speaking(blink_at=20).values[:, 4:5]
    smoothed = one_euro(blink, 25, 1.5, 2)
    assert int(smoothed.argmax()) == 21
    torch.testing.assert_close(smoothed[:43].flip(0), smoothed[:43])  # as symmetric as it was


def test_an_even_turn_stays_what_it_is():
    motion = smooth_motion(speaking())
    torch.testing.assert_close(motion.pose_rad[15:35], speaking().pose_rad[15:35], atol=1e-4, rtol=0)


def test_nothing_is_smoothed_across_a_cut():
    values = torch.zeros(40, 1)
    values[20:] = 1.0
    motion = Motion(("jawOpen",), values, torch.zeros(40, 2), torch.zeros(40, 3), starts=(20,))
    assert torch.equal(smooth_motion(motion).values, values)
    assert not torch.equal(smooth_motion(replace(motion, starts=())).values, values)


def test_no_smoothing_is_the_same_motion_and_too_much_is_refused():
    motion = speaking()
    assert smooth_motion(motion, 0) is motion
    with pytest.raises(ConfigError, match="smoothing"):
        smooth_motion(motion, 5)
    assert len(smooth_motion(motion.part(3, 4))) == 1
