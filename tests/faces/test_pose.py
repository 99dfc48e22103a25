"""Known heads under known cameras: the pose comes back, exactly from exact points, nearly from rendered pictures."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from sat3d.camera import CameraRig, split_label
from sat3d.errors import ShapeError
from sat3d.faces.finding import find_faces
from sat3d.faces.networks import load_face_networks
from sat3d.faces.pose import full_pose, weak_pose
from sat3d.inversion.align import photo_from
from sat3d.inversion.cameras import rolled_label
from sat3d.inversion.frames import BUILT_IN, PUBLISHED
from sat3d.inversion.pose import camera_of_face, world_points
from tests.faces.known_faces import frontal_points
from training.synthheads.cameras import RIG
from training.tools.measure_faces import picture_of, read_pose

FLATTER = 1.15  # the network's depth is that much too small
FIVE = ((33, 133), (362, 263), (4,), (61,), (291,))


@pytest.fixture(scope="module")
def canonical() -> torch.Tensor:
    return load_face_networks().canonical


def rotation(yaw: float, pitch: float, roll: float) -> torch.Tensor:
    """Face axes (y up, z to the viewer) -> picture axes (y down, z away), turned; an own implementation."""
    a, b, c = (torch.tensor(angle, dtype=torch.float64) for angle in (yaw, pitch, roll))
    zero, one = torch.zeros_like(a), torch.ones_like(a)
    about_y = torch.stack([a.cos(), zero, a.sin(), zero, one, zero, -a.sin(), zero, a.cos()]).reshape(3, 3)
    about_x = torch.stack([one, zero, zero, zero, b.cos(), -b.sin(), zero, b.sin(), b.cos()]).reshape(3, 3)
    about_z = torch.stack([c.cos(), -c.sin(), zero, c.sin(), c.cos(), zero, zero, zero, one]).reshape(3, 3)
    return about_z @ about_x @ about_y @ torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))


def as_found(flat: torch.Tensor, depth: torch.Tensor) -> torch.Tensor:
    """``[478, 3]`` as the network gives them: depth from anywhere, and the irises, which play no part."""
    points = torch.cat([flat, (depth / FLATTER + 17)[:, None]], 1)
    return torch.cat([points, points.new_zeros(10, 3)])


TURNS = [(0.0, 0.0, 0.0), (0.5, -0.3, 0.2), (-0.7, 0.4, -0.6), (0.2, 0.2, 2.8)]


@pytest.mark.parametrize("turns", TURNS)
def test_a_similarity_is_recovered(canonical, turns):
    turn, shift = rotation(*turns), torch.tensor([300.0, 200.0, 0.0], dtype=torch.float64)
    seen = 13.7 * canonical.double() @ turn.T + shift
    pose = weak_pose(as_found(seen[:, :2], seen[:, 2]), canonical)
    torch.testing.assert_close(pose.rotation, turn, atol=1e-6, rtol=0)
    assert pose.scale == pytest.approx(13.7)
    torch.testing.assert_close(pose.seen(canonical), seen[:, :2], atol=1e-4, rtol=0)


@pytest.mark.parametrize("turns", TURNS)
@pytest.mark.parametrize(("focal", "away_cm"), [(4.2647, 160.0), (1.2, 35.0)])
def test_perspective_is_recovered(canonical, turns, focal, away_cm):
    turn, place = rotation(*turns), torch.tensor([3.0, -5.0, away_cm], dtype=torch.float64)
    placed = canonical.double() @ turn.T + place
    points = as_found(focal * placed[:, :2] / placed[:, 2:] + 0.5, focal / away_cm * placed[:, 2])
    found, origin, residual = full_pose(points, canonical, focal)
    torch.testing.assert_close(found, turn, atol=1e-5, rtol=0)
    torch.testing.assert_close(origin, place, atol=1e-3, rtol=0)
    assert residual < 1e-7


@pytest.mark.parametrize("frame", [PUBLISHED, BUILT_IN], ids=["published", "built-in"])
@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0.0, 0.0, 0.0), (0.4, -0.2, 0.3), (-0.6, 0.3, -0.5)])
def test_the_camera_of_a_known_face(canonical, frame, yaw, pitch, roll):
    """The canonical face where a frame's generator has it, seen by a camera of its rig."""
    label = rolled_label(frame.rig, torch.tensor([yaw, pitch]), roll)
    pose = split_label(label)[0][0].double()
    to_world = frame.to_world()
    local = (canonical.double() @ to_world[:3, :3].T + to_world[:3, 3] - pose[:3, 3]) @ pose[:3, :3]
    depth = frame.rig.focal / (frame.to_world()[:3, 3] - pose[:3, 3]).norm() * local[:, 2]
    points = as_found(frame.rig.focal * local[:, :2] / local[:, 2:] + 0.5, depth)
    found = camera_of_face(points * 512, 512, frame)
    assert (found.yaw_rad, found.pitch_rad, found.roll_rad) == pytest.approx((yaw, pitch, roll), abs=3e-3)
    torch.testing.assert_close(found.label, label, atol=0.01, rtol=0)
    assert found.start.roll_rad == found.roll_rad


def test_the_published_frame_has_the_face_where_the_standard_points_are(canonical):
    to_world = PUBLISHED.to_world()
    five = torch.stack([canonical[list(group)].double().mean(0) for group in FIVE])
    assert (five @ to_world[:3, :3].T + to_world[:3, 3] - world_points()).norm(dim=1).max() < 0.01
    assert PUBLISHED.rig == CameraRig()


def test_the_built_in_frame_is_that_of_the_rendered_heads():
    assert BUILT_IN.rig == RIG


def test_points_that_no_head_has():
    noise = torch.rand(478, 3, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ShapeError, match="not those of a face"):
        camera_of_face(noise, 1)


def test_a_frontal_face_far_away_looks_into_the_camera():
    points = frontal_points(146, (256, 182)) * torch.tensor([1, 1, 1 / FLATTER])
    found = camera_of_face(points, 512)
    assert abs(found.yaw_rad) < 0.01 and abs(found.roll_rad) < 0.01 and abs(math.degrees(found.pitch_rad)) < 8


def test_rendered_heads_give_their_camera():
    """Twelve strangers; the median error. Pitch hangs on the slant of a face, which differs from person to person."""
    from training.synthheads.populations import INDEPENDENT

    stream, errors = np.random.default_rng(3), []
    for number in range(12):
        yaw, pitch, roll = stream.uniform(-30, 30, 3)
        picture, truth = picture_of(INDEPENDENT.draw(77, number), yaw, pitch)
        picture = picture.rotate(roll, Image.Resampling.BICUBIC, fillcolor=picture.getpixel((2, 2)))
        faces = find_faces(photo_from(picture))
        pose = read_pose(faces[0]) if faces else None
        errors += [(pose.yaw - truth.yaw, pose.pitch - truth.pitch, pose.roll - truth.roll - roll)] if pose else []
    assert len(errors) >= 11
    yaw, pitch, roll = np.median(np.abs(errors), 0)
    assert yaw < 3 and roll < 3 and pitch < 5


def test_angles_of_a_picture_are_those_of_its_camera():
    _, truth = picture_of_default(20.0, -10.0)
    assert (truth.yaw, truth.pitch, truth.roll) == pytest.approx((20, -10, 0), abs=0.01)


def picture_of_default(yaw_deg: float, pitch_deg: float):
    from training.synthheads.populations import INDEPENDENT

    return picture_of(INDEPENDENT.draw(1, 0), yaw_deg, pitch_deg)
