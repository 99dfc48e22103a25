"""The suite that judges animation: its clips, scores that can be computed by hand, methods on a tiny generator."""

import math
from dataclasses import replace

import pytest
import torch

from sat3d.animation.channels import ACTION_NAMES
from sat3d.animation.expression_space import LinearExpressionSpace
from sat3d.errors import ShapeError
from sat3d.faces.finding import Face
from sat3d.faces.networks import face_networks_on
from sat3d.generators import Rendering, RenderOptions
from sat3d.latent import Latent
from training.evaluation.animation.command import _Tally, summary
from training.evaluation.animation.methods import METHODS, Inverted, Tools, make
from training.evaluation.animation.optimised_w import Goal, PerFrame, goal_of
from training.evaluation.animation.scenes import FPS, Scene, write_motion
from training.evaluation.animation.scores import (
    Seen,
    action_error,
    expression_errors,
    likeness,
    pose_error_deg,
    warped_difference,
)


def test_clips_speak_blink_and_turn_and_are_the_same_again():
    clip = write_motion(7, 0, 20)
    assert torch.equal(clip.values, write_motion(7, 0, 20).values)
    assert not torch.equal(clip.values, write_motion(7, 1, 20).values)
    lids = clip.values[:, ACTION_NAMES.index("lid_closed_left")]
    assert float(lids.max()) == 1 and int((lids > 0).sum()) <= 3 and clip.fps == FPS
    jaw = clip.values[:, ACTION_NAMES.index("jaw_open")]
    assert jaw.diff().sign().diff().abs().sum() >= 4  # opens and closes more than once
    assert clip.pose_rad[:, 0].amax() - clip.pose_rad[:, 0].amin() > 0.1
    assert clip.values.min() >= 0 and clip.values.max() <= 1 and clip.pose_rad[:, 0].abs().max() <= 0.45


def seen(**parts) -> Seen:
    nothing = torch.zeros(2, 51), torch.zeros(2, 3), torch.eye(2), torch.zeros(2, 0)
    plain = dict(zip(("blendshapes", "pose_rad", "people", "actions"), nothing, strict=True))
    return Seen(**{**plain, **parts})


def test_errors_by_hand():
    shapes = torch.zeros(2, 51)
    shapes[0] = 0.3
    shapes[1] = torch.nan  # no face was found
    aed, dual = expression_errors(seen(blendshapes=shapes), seen())
    assert aed == pytest.approx(0.3) and dual == pytest.approx(0.3)
    shapes[0, :25], shapes[0, 25:] = 0.0, 0.6
    aed, dual = expression_errors(seen(blendshapes=shapes), seen())
    assert aed == pytest.approx(0.6 * 26 / 51) and dual == pytest.approx(math.sqrt(0.36 * 26 / 51))
    pose = torch.tensor([[math.radians(3), 0, 0], [0, math.radians(-3), 0]])
    assert pose_error_deg(seen(pose_rad=pose), torch.zeros(2, 3)) == pytest.approx(1.0)
    assert likeness(seen(people=torch.eye(2)), seen(people=torch.eye(2)[:1])) == pytest.approx(0.5)
    assert action_error(seen(), torch.zeros(2, 27)) is None
    assert action_error(seen(actions=torch.full((2, 27), 0.5)), torch.zeros(2, 27)) == pytest.approx(0.5)


def views(triplane, brightness) -> tuple[list[Rendering], torch.Tensor]:
    """A wall at one distance, seen from two places, whose colour changes by ``brightness`` between them."""
    cameras = triplane.rig.label(torch.tensor([0.0, 0.01]), torch.tensor([0.0, 0.0]))
    ones = torch.ones(1, 1, 16, 16)
    return [
        Rendering(torch.full((1, 3, 32, 32), level), None, 2.7 * ones, ones) for level in (0.0, brightness)
    ], cameras


def test_what_only_turns_does_not_flicker(triplane):
    assert warped_difference(*views(triplane, 0.0)) == 0
    assert warped_difference(*views(triplane, 0.25)) == pytest.approx(0.25, abs=1e-3)


def test_what_is_not_seen_in_both_frames_does_not_count(triplane):
    pair, cameras = views(triplane, 0.25)
    away = Rendering(pair[1].image, None, pair[1].depth * 2, pair[1].opacity)
    assert warped_difference([pair[0], away], cameras) == 0


@pytest.fixture
def scene(triplane, styles) -> Scene:
    motion = write_motion(7, 0, 4)
    latent = Latent(styles[:1], triplane.rig.label(), "", triplane.layout.fingerprint)
    return Scene(torch.zeros(4, 3, 32, 32), motion, latent, torch.zeros(1, 3, 32, 32), [])


@pytest.mark.parametrize(
    "method", [name for name in METHODS if name not in ("directions_photo", "directions_refined", "optimised_w")]
)
def test_methods_make_a_view_for_each_frame(triplane, styles, scene, monkeypatch, method):
    layout, ones = triplane.layout, torch.ones(1, 4)
    space = LinearExpressionSpace(("jaw_open",), layout.editable_index[:4], ones, ones.T / 4, torch.zeros(4),
                                  torch.zeros(1), layout.fingerprint)  # fmt: skip
    channels = torch.zeros(layout.num_editable, dtype=torch.bool)
    channels[:4] = True
    found = Inverted(styles[1:].expand(4, -1), scene.motion.pose_rad)
    monkeypatch.setattr("training.evaluation.animation.methods.inverted", lambda tools, scene: found)
    made = make(method, Tools(triplane, None, space, channels, RenderOptions(8)), scene)
    assert len(made.views) == len(made.cameras) == 4 and made.seconds_per_frame > 0
    assert all(view.image.abs().max() <= 1 for view in made.views)


def test_a_driver_that_cannot_be_read_has_no_score(triplane, scene):
    tools = Tools(triplane, None, None, torch.zeros(0), RenderOptions(8), w_steps=0)
    assert make("directions_photo", tools, scene) is None  # black frames
    assert make("optimised_w", tools, scene) is None and make("directions_refined", tools, scene) is None  # no steps
    assert _Tally().means(torch.zeros(2, 2)) == {}


@pytest.fixture
def landmarks(monkeypatch):
    """Every point is where the picture's mean red says, so that it moves with the face."""
    read = lambda networks, picture, square: (picture.mean((2, 3))[:, None].expand(1, 478, 3) * 20, None)  # noqa: E731
    monkeypatch.setattr("training.evaluation.animation.optimised_w.read_faces", read)


def test_w_is_moved_for_each_frame_until_the_points_are_where_the_driver_has_them(triplane, styles, landmarks):
    render, camera = RenderOptions(8), triplane.rig.label()
    own, other = styles[:1], styles[1:]
    with torch.no_grad():
        still, shown = (triplane.synthesize(each, camera, render).image for each in (own, other))
    wanted = (shown.mean((2, 3))[:, None] * 20).expand(2, 478, 3)[..., :2]
    goal = Goal(still, camera, torch.zeros(1, 1, *still.shape[2:]), torch.zeros(1, 4), 1.0, wanted)
    found = PerFrame(triplane, 8, render).styles(own, goal)

    def distance(styles):
        with torch.no_grad():
            return float(
                (triplane.synthesize(styles, camera, render).image.mean((2, 3))[0, :2] * 20 - wanted[0, 0]).norm()
            )

    assert found.shape == (2, own.shape[1]) and distance(found[1:]) < distance(found[:1]) < distance(own)
    held = PerFrame(triplane, 8, render).styles(own, replace(goal, points=goal.points[:1], outside=goal.outside + 1))
    assert (held - own).norm() < (found[:1] - own).norm()  # where all of the still is to stay
    torch.testing.assert_close(PerFrame(triplane, 0, render).styles(own, goal), own.expand(2, -1))


def test_the_goal_is_the_stills_face_with_what_the_driver_does(monkeypatch):
    """The driver opens its mouth by a tenth of its size in the second frame, and is twice as large as the still."""
    canonical = face_networks_on("cpu").canonical
    rest = torch.cat([canonical, canonical[:10]]) * torch.tensor([1.0, -1.0, -1.0 / 1.15])
    seen = iter([rest * 4 + 128, rest * 8 + 100, rest * 8 + 100])
    given = []

    def face_in(picture):
        points = next(seen).clone()
        given.append(points)
        if len(given) == 3:
            points[14, 1] += 8  # a centimetre
        return Face(points, 1.0, torch.zeros(52))

    monkeypatch.setattr("training.evaluation.animation.optimised_w._face_in", face_in)
    goal = goal_of(torch.zeros(1, 3, 64, 64), torch.zeros(1, 25), torch.zeros(2, 3, 16, 16))
    moved = goal.points[1] - goal.points[0]
    assert goal.points.shape == (2, 478, 2)
    torch.testing.assert_close(goal.points[0], given[0][:, :2] / 4, atol=1e-3, rtol=0)
    assert moved[14].tolist() == pytest.approx([0, 1], abs=0.1)  # 4 pixels of the still at 256, 1 at 64
    assert moved[:13].abs().max() < 0.05
    middle = goal.points[0].mean(0).long()
    assert goal.outside[0, 0, middle[1], middle[0]] == 0 and goal.outside[0, 0, 0, 0] == 1


def test_a_still_without_a_face_is_no_goal():
    with pytest.raises(ShapeError, match="No face"):
        goal_of(torch.zeros(1, 3, 64, 64), torch.zeros(1, 25), torch.zeros(2, 3, 64, 64))


def test_means_leave_out_what_was_not_seen_and_the_summary_names_all(triplane):
    tally = _Tally([{"id": 1.0, "aed": float("nan")}, {"id": 0.5, "aed": 0.2}], [torch.eye(3), torch.eye(3)])
    means = tally.means(torch.eye(3))
    assert (
        means["id"] == 0.75 and means["aed"] == 0.2 and means["clips"] == 2 and means["fd"] == pytest.approx(0, abs=0.2)
    )
    told = summary({"methods": {"directions": means}, "same": {"directions": {}}})
    assert "directions: 0.75" in told and told.count("directions") == 2
