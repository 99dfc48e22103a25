"""Motion read from a photograph that moves: a face that is followed, lost, found again, and chosen among several."""

import math
from functools import cache
from pathlib import Path

import pytest
import torch
from PIL import Image
from skimage import data
from torch.nn import functional as F

from sat3d.animation.channels import BLENDSHAPES
from sat3d.animation.driver import Drive, describe_missing, fill, read_motion
from sat3d.animation.tracking import FaceTracker
from sat3d.errors import ShapeError
from sat3d.inversion.align import photo_from

GROUP = Path(__file__).resolve().parents[2] / "nodes" / "photos" / "group.jpg"
BLACK = torch.full((1, 3, 240, 240), -1.0)


@cache
def portrait() -> torch.Tensor:
    return photo_from(Image.fromarray(data.astronaut()))


def framed(right: float, turn_deg: float = 0.0) -> torch.Tensor:
    """240 x 240 pixels of the photograph about the face, moved to the right, turned counter-clockwise."""
    cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    share = 240 / 512
    theta = torch.tensor([[[share * cos, -share * sin, 226 / 256 - 1 - right / 256],
                           [share * sin, share * cos, 130 / 256 - 1]]])  # fmt: skip
    return F.grid_sample(portrait(), F.affine_grid(theta, [1, 3, 240, 240], False), align_corners=False)


def read(frames, **options):
    return read_motion([torch.cat(frames)], 25, Drive(smoothing=0, **options))


@pytest.fixture(scope="module")
def moved():
    """Five frames: the face moves to the right, is gone in the third, and tilts in the last."""
    return read([framed(0), framed(8), BLACK, framed(24), framed(24, 15)])


def test_the_face_is_followed_and_the_gap_filled_and_told(moved):
    assert moved.names == BLENDSHAPES and len(moved) == 5 and moved.fps == 25
    assert moved.missing.tolist() == [False, False, True, False, False] and moved.starts == ()
    assert describe_missing(moved) == "1 of 5 frames show no face and were filled: 3"
    torch.testing.assert_close(moved.values[2], (moved.values[1] + moved.values[3]) / 2)
    torch.testing.assert_close(moved.pose_rad[2], (moved.pose_rad[1] + moved.pose_rad[3]) / 2)


def test_the_same_face_says_the_same_wherever_it_is(moved):
    assert (moved.values[:4] - moved.values[0]).abs().max() < 0.1
    smile = moved.values[:, BLENDSHAPES.index("mouthSmileLeft")]
    assert smile.min() > 0.4 and moved.values[:, BLENDSHAPES.index("jawOpen")].max() < 0.2


def test_a_tilt_of_the_picture_is_a_roll_and_nothing_else(moved):
    change = torch.rad2deg(moved.pose_rad[4] - moved.pose_rad[3])
    assert abs(abs(float(change[2])) - 15) < 1.5 and change[:2].abs().max() < 3
    assert torch.rad2deg(moved.pose_rad[0]).abs().max() < 25


def test_pieces_of_any_length_give_the_same_motion(moved):
    frames = [framed(0), framed(8), BLACK, framed(24), framed(24, 15)]
    apart = read_motion([torch.cat(frames[:2]), *frames[2:4], frames[4]], 25, Drive(smoothing=0))
    assert torch.equal(apart.values, moved.values) and torch.equal(apart.pose_rad, moved.pose_rad)


def test_no_face_is_said_in_words():
    with pytest.raises(ShapeError, match="No face was found in any frame"):
        read([BLACK, BLACK])
    with pytest.raises(ShapeError, match="no frames"):
        read_motion([], 25)
    with pytest.raises(ShapeError, match="Not frames"):
        read_motion([torch.zeros(3, 64, 64)], 25)


def test_a_face_of_several_is_chosen_and_kept_through_a_cut_of_the_picture():
    group = photo_from(Image.open(GROUP))
    first, second = FaceTracker(0), FaceTracker(1)
    (one, _), (other, _) = first.follow(group), second.follow(group)
    assert one is not None and other is not None and one.box != other.box
    moved = torch.roll(group, 10, 3)
    again, anew = second.follow(moved)
    assert again is not None and not anew
    assert again.box[0] - other.box[0] == pytest.approx(10, abs=3)
    with pytest.raises(ShapeError, match="so many faces"):
        read([F.interpolate(group, scale_factor=0.5)], face=9)


def test_cancel_reaches_the_caller():
    def stop(done, frame):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_motion([framed(0).expand(3, -1, -1, -1)], 25, watch=stop)


def test_gaps_at_the_ends_are_held_and_those_between_even():
    rows = [None, (torch.tensor([1.0]),), None, None, None, (torch.tensor([3.0]),), None]
    assert fill(rows, [1, 5], 0)[:, 0].tolist() == [1, 1, 1.5, 2, 2.5, 3, 3]
