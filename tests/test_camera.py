"""Cameras: hand-computed poses, round trips, refusal of nonsense."""

import math

import pytest
import torch

from sat3d.camera import (
    CameraRig,
    check_label,
    focal_from_fov,
    intrinsics,
    look_angles,
    look_at_pose,
    make_label,
    orbit,
    split_label,
)
from sat3d.errors import ShapeError


def test_frontal_camera_by_hand():
    pose = look_at_pose(torch.zeros(1), torch.zeros(1), 2.7, (0, 0, 0.2))[0]
    wanted = torch.tensor([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 2.7], [0, 0, 0, 1]])
    torch.testing.assert_close(pose, wanted, atol=2e-6, rtol=0)


def test_positive_yaw_moves_towards_positive_x_and_positive_pitch_down():
    poses = look_at_pose(torch.tensor([0.5, 0.0]), torch.tensor([0.0, 0.5]), 2.7, (0, 0, 0))
    assert poses[0, 0, 3] == pytest.approx(2.7 * math.sin(0.5), abs=1e-5)
    assert poses[1, 1, 3] < -0.5


def test_pitch_is_area_preserving():
    quarter = look_at_pose(torch.zeros(1), torch.tensor([-math.pi / 4]), 1.0, (0, 0, 0))
    assert quarter[0, 1, 3] == pytest.approx(0.5, abs=1e-6)  # cos(arccos(1 - 2·(π/4)/π)) = 1/2


def test_rotations_are_orthonormal_right_handed_and_look_at_the_pivot():
    yaw, pitch = torch.linspace(-3, 3, 13), torch.linspace(-1.4, 1.4, 13)
    pivot = torch.tensor([0.1, -0.05, 0.2])
    poses = look_at_pose(yaw, pitch, 2.7, pivot.tolist())
    rotation, position = poses[:, :3, :3], poses[:, :3, 3]
    torch.testing.assert_close(rotation @ rotation.transpose(1, 2), torch.eye(3).expand(13, 3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(13))
    torch.testing.assert_close(
        rotation[:, :, 2], torch.nn.functional.normalize(pivot - position, dim=1), atol=1e-5, rtol=0
    )
    torch.testing.assert_close(position.norm(dim=1), torch.full((13,), 2.7))


def test_angles_of_a_position_are_those_it_was_made_of():
    yaw, pitch = torch.linspace(-1.5, 3.1, 13), torch.linspace(-1.4, 1.4, 13)
    position = look_at_pose(yaw, pitch, 2.7, (0.1, 0, 0.2))[:, :3, 3]
    for found, wanted in zip(look_angles(position), (yaw, pitch), strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.stack(look_angles(3 * position)), torch.stack(look_angles(position)))
    assert [float(angle) for angle in look_angles(torch.tensor([0.0, 0.0, 1.0]))] == pytest.approx([0, 0], abs=1e-6)


def test_pole_is_finite():
    assert torch.isfinite(look_at_pose(torch.zeros(2), torch.tensor([math.pi, -math.pi]), 2.7, (0, 0, 0))).all()


def test_field_of_view_of_the_face_domain():
    assert focal_from_fov(18.837) == pytest.approx(4.2647, abs=2e-3)


def test_label_round_trip():
    pose, k = look_at_pose(torch.tensor([0.2]), torch.tensor([0.1]), 2.7, (0, 0, 0)), intrinsics(4.2647)
    back_pose, back_k = split_label(make_label(pose, k))
    assert torch.equal(back_pose, pose) and torch.equal(back_k[0], k)


@pytest.mark.parametrize("kind", ["orbit", "swing", "nod", "turn", "spiral", "still"])
def test_orbits_close_without_a_seam(kind):
    yaw, pitch = orbit(48, 0.5, 0.2, kind)
    assert yaw.shape == pitch.shape == (48,)
    step = ((yaw - yaw.roll(1) + math.pi) % (2 * math.pi) - math.pi).abs().max()
    assert step < 0.25 and (pitch - pitch.roll(1)).abs().max() < 0.1


@pytest.mark.parametrize(
    "bad, word",
    [
        (torch.zeros(25), "Not a camera label"),
        (torch.zeros(1, 24), "Not a camera label"),
        (torch.full((1, 25), math.nan), "NaN"),
        (torch.zeros(1, 25), "focal length of zero"),
    ],
)
def test_bad_labels_are_named(bad, word):
    with pytest.raises(ShapeError, match=word):
        check_label(bad)


@pytest.mark.parametrize(
    "call", [lambda: focal_from_fov(0), lambda: focal_from_fov(180), lambda: orbit(0), lambda: orbit(4, kind="loop")]
)
def test_bad_views_are_refused(call):
    with pytest.raises(ShapeError, match="Next step"):
        call()


def test_rig_field_of_view_override():
    assert CameraRig().label(0.0, 0.0, fov_deg=30)[0, 16] == pytest.approx(focal_from_fov(30))


def test_what_is_not_said_is_that_of_the_front():
    rig = CameraRig(pivot=(0.0, 0.0, 0.0), front=(0.6, -0.3))
    assert torch.equal(rig.label(), rig.label(0.6, -0.3))
    assert torch.equal(rig.label(0.0), rig.label(0.0, -0.3)) and not torch.equal(rig.label(0.0), rig.label())
    assert torch.equal(CameraRig().label(), CameraRig().label(0.0, 0.0))
