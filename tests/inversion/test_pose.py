"""PnP: known cameras are recovered from the points they see, also when those are not exact."""

import math

import numpy as np
import pytest
import torch

from sat3d.camera import CameraRig, split_label
from sat3d.errors import ShapeError
from sat3d.inversion.cameras import angles_of, rolled_label
from sat3d.inversion.pose import REAL_PEOPLE, camera_of, world_points
from training.synthheads.cameras import RIG
from training.synthheads.head import WORLD_PER_METRE, load_head_model
from training.synthheads.populations import FIRST

SIZE = 512


def seen(label, world=None):
    """``[5, 2]``: where a camera sees the points, in pixels; an own implementation."""
    pose, intrinsic = (part[0].double() for part in split_label(label))
    points = world_points() if world is None else world
    local = (points - pose[:3, 3]) @ pose[:3, :3]
    unit = local[:, :2] / local[:, 2:] * torch.stack([intrinsic[0, 0], intrinsic[1, 1]]) + intrinsic[:2, 2]
    return unit * SIZE


ANGLES = [(0.0, 0.0), (0.3, 0.1), (-0.6, -0.2), (0.6, 0.2), (-0.15, 0.3)]


@pytest.mark.parametrize(("yaw", "pitch"), ANGLES)
@pytest.mark.parametrize("roll", [0.0, 0.3, -0.2])
def test_angles_come_back_from_a_label(yaw, pitch, roll):
    pose, _ = split_label(rolled_label(CameraRig(), torch.tensor([yaw, pitch]), roll))
    assert angles_of(pose[0]) == pytest.approx((yaw, pitch, roll), abs=1e-5)


def test_a_camera_rolled_clockwise_sees_the_head_tilted_the_other_way():
    points = seen(rolled_label(CameraRig(), torch.zeros(2), 0.2))
    eyes = points[1] - points[0]
    assert math.atan2(float(-eyes[1]), float(eyes[0])) == pytest.approx(0.2, abs=0.02)


def test_the_frontal_face_is_where_the_facts_say():
    expected = torch.tensor([[183, 182], [329, 183], [257, 262], [196, 341], [315, 341]], dtype=torch.float64)
    torch.testing.assert_close(seen(CameraRig().label()), expected, atol=1.5, rtol=0)


@pytest.mark.parametrize(("yaw", "pitch"), ANGLES)
@pytest.mark.parametrize("roll", [0.0, 0.25])
def test_a_known_camera_is_recovered(yaw, pitch, roll):
    label = rolled_label(CameraRig(), torch.tensor([yaw, pitch]), roll)
    found = camera_of(seen(label), SIZE)
    assert (found.yaw_rad, found.pitch_rad, found.roll_rad) == pytest.approx((yaw, pitch, roll), abs=1e-3)
    torch.testing.assert_close(found.label, label, atol=2e-3, rtol=0)
    assert found.residual < 1e-6 and found.start.yaw_rad == found.yaw_rad


def test_the_distance_becomes_that_of_the_sphere():
    far = rolled_label(CameraRig(radius=3.3), torch.tensor([0.2, 0.1]))
    found = camera_of(seen(far), SIZE)
    pose, _ = split_label(found.label)
    assert float(pose[0, :3, 3].norm()) == pytest.approx(2.7, abs=1e-4)
    assert (found.yaw_rad, found.pitch_rad) == pytest.approx((0.2, 0.1), abs=2e-3)


def test_points_off_by_a_pixel_cost_a_few_degrees():
    """Median over noise of 1 px rms and poses inside ±35°: at most 2° of yaw and pitch."""
    generator = torch.Generator().manual_seed(0)
    off = []
    for _ in range(30):
        yaw, pitch = ((torch.rand(2, generator=generator) * 2 - 1) * torch.tensor([0.6, 0.3])).tolist()
        points = seen(rolled_label(CameraRig(), torch.tensor([yaw, pitch])))
        found = camera_of(points + torch.randn(5, 2, generator=generator), SIZE)
        off.append([abs(found.yaw_rad - yaw), abs(found.pitch_rad - pitch)])
    assert torch.tensor(off).rad2deg().median(0).values.max() < 2


def face_points(model, parameters):
    """``[5, 3]``, world units: eyes, nose tip and corners of the mouth of a synthetic head, with its expression."""
    skin, rest = np.nonzero(model.is_skin)[0], model.rest
    middle = skin[np.abs(rest[skin, 0]) < 0.004]
    lips = skin[model.extra[skin, 0] > 0.3]
    vertices = [middle[rest[middle, 2].argmax()], lips[rest[lips, 0].argmin()], lips[rest[lips, 0].argmax()]]
    head = model.pose(parameters)
    return torch.from_numpy(np.concatenate([head.eye_centres, head.position[vertices]]) * WORLD_PER_METRE).double()


@pytest.mark.slow
def test_known_heads_give_their_camera():
    """Twenty people inside ±35°, points projected and 1 px off: at most 2° in the median where the geometry is known.

    From the mean person's points the yaw is hardly worse; the pitch is, for noses and mouths differ.
    """
    model, generator = load_head_model(), torch.Generator().manual_seed(0)
    people = [face_points(model, FIRST.draw(7, i)) for i in range(20)]
    mean, known, strange = torch.stack(people).mean(0), [], []
    for world in people:
        yaw, pitch = ((torch.rand(2, generator=generator) * 2 - 1) * torch.tensor([35.0, 20.0]).deg2rad()).tolist()
        points = seen(RIG.label(yaw, pitch), world) + torch.randn(5, 2, generator=generator)
        for found, off in ((camera_of(points, SIZE, RIG, world), known),
                           (camera_of(points, SIZE, RIG, mean, REAL_PEOPLE), strange)):  # fmt: skip
            off.append([abs(found.yaw_rad - yaw), abs(found.pitch_rad - pitch)])
    known, strange = (torch.tensor(off).rad2deg().median(0).values for off in (known, strange))
    assert known.max() < 2 and strange[0] < 3.5 and strange[1] < 9


def test_other_proportions_do_not_tip_the_head():
    """A nose that ends 12 px lower than the standard's is ten degrees of pitch if the points are trusted."""
    points = seen(CameraRig().label())
    points[2, 1] += 12
    trusted, careful = (camera_of(points, SIZE, spread=spread).pitch_rad for spread in (0.0, REAL_PEOPLE))
    assert abs(trusted) > math.radians(10) and abs(careful) < 0.85 * abs(trusted)


def test_turned_heads_stay_turned_with_the_likely_camera():
    found = camera_of(seen(CameraRig().label(0.5)), SIZE, spread=REAL_PEOPLE)
    assert found.yaw_rad == pytest.approx(0.5, abs=0.06)


def test_another_rig_and_other_points():
    rig, world = CameraRig(2.7, (0.0, 0.0, 0.1), 4.2647), world_points() * 0.8
    found = camera_of(seen(rig.label(0.4, -0.1), world), SIZE, rig, world)
    assert (found.yaw_rad, found.pitch_rad) == pytest.approx((0.4, -0.1), abs=1e-3)


def test_points_that_no_face_has():
    strange = torch.tensor([[10.0, 10.0], [500.0, 20.0], [20.0, 480.0], [30.0, 500.0], [40.0, 505.0]])
    with pytest.raises(ShapeError, match="Next step"):
        camera_of(strange, SIZE)
