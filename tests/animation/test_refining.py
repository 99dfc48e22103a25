"""Expression refined by gradient steps: on a face whose directions are known to be too weak, and whose networks see it
exactly, so that what must be found can be computed by hand."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from sat3d.animation import refining
from sat3d.animation.channels import ACTION_NAMES, BLENDSHAPES
from sat3d.animation.expression_space import LinearExpressionSpace
from sat3d.animation.motion import Motion, still
from sat3d.animation.refining import Refiner, Refining
from sat3d.animation.retargeting import Retargeting, Strengths, take_over
from sat3d.animation.streaming import Animation, frames_of, make_clip
from sat3d.camera import CameraRig
from sat3d.errors import ConfigError
from sat3d.generators import Rendering, RenderOptions
from sat3d.latent import Latent

JAW, SMILE = BLENDSHAPES.index("jawOpen"), BLENDSHAPES.index("mouthSmileLeft")
NAMES = ("jaw_open", "smile_left", "gaze_yaw")
PLAIN = Retargeting("absolute", "first frame")
FACE = Latent(torch.tensor([[0.1, 0.0, 0.0, 0.7]]), CameraRig().label(), "", "")


class Screen:
    """A flat generator whose picture's red is the first style, its green the second."""

    device = torch.device("cpu")

    def synthesize(self, styles, camera, options):
        assert camera is None
        return Rendering(styles[:, :3, None, None].expand(-1, -1, 4, 4))


class Eyes:
    """Face networks that see the jaw in red and the smile in green."""

    def expressions(self, points):
        shapes = torch.zeros(1, len(BLENDSHAPES))
        return shapes.index_add(1, torch.tensor([JAW, SMILE]), points[:, 0, :2])


@pytest.fixture(autouse=True)
def seen(monkeypatch):
    """Pictures in which a face is found are those that are not blue."""
    calls = []

    def read(networks, picture, square):
        calls.append(picture.requires_grad)
        return picture.mean((2, 3))[:, None], torch.tensor([9.0])

    def find(picture, networks):
        return [] if picture[0, 2].mean() > 0.5 else [SimpleNamespace(points=torch.zeros(478, 3))]

    monkeypatch.setattr(refining, "read_faces", read)
    monkeypatch.setattr(refining, "find_faces", find)
    monkeypatch.setattr(refining, "squares_around", lambda points: torch.zeros(1, 4))
    return calls


@pytest.fixture
def space() -> LinearExpressionSpace:
    """A strength of 1 moves its style by 0.5 alone."""
    directions, readout = torch.zeros(3, 3), torch.zeros(3, 3)
    directions[0, 0] = directions[1, 1] = directions[2, 2] = 0.5
    return LinearExpressionSpace(NAMES, torch.arange(3), directions, readout, torch.zeros(3), torch.zeros(3), "")


def speaking(frames: int = 14) -> Motion:
    """Its first frame is at rest."""
    motion = still(("jawOpen", "mouthSmileLeft", "eyeLookInLeft"), frames)
    motion.values[:, 0] = 0.25 + 0.2 * torch.sin(torch.arange(frames) / 2)
    motion.values[:, 2] = 0.5
    motion.values[0] = 0
    return replace(motion, gaze_rad=torch.full((frames, 2), 0.2))


def refiner(space, motion, options=PLAIN, face=FACE, **more) -> Refiner:
    moved = take_over(motion, space.names, space.read(face.styles)[0], torch.zeros(3), options)
    steps = Refining(**{"steps": 60, "keep": 0.0, "steady": 0.0, **more})
    return Refiner(Screen(), face, space, motion, moved, options, steps, Eyes())


def shown(space, values):
    return space.apply(FACE.styles, values)[:, :2]


def test_the_face_comes_to_show_what_the_driver_does_beyond_its_own_rest(space):
    motion = speaking()
    made = refiner(space, motion)
    before, after = (shown(space, values) for values in (made.moved.values, made.values(0, 14)))
    wanted = 0.1 + motion.values[:, 0]  # its own jaw hangs by 0.1
    assert (before[:, 0] - wanted).abs().mean() > 0.1
    assert (after[:, 0] - wanted).abs().max() < 0.02 and after[:, 1].abs().max() < 0.02
    assert torch.equal(made.values(0, 14)[:, 2], made.moved.values[:, 2])  # the gaze is the driver's
    assert torch.equal(made.motion.values, made.found) and made.motion.names == NAMES


@pytest.mark.parametrize(("strength", "jaw"), [(1.0, 0.4), (0.5, 0.5 * 0.1 + 0.5 * 0.4), (1.5, 0.6)])
def test_without_a_rest_the_face_looks_as_the_driver_does(space, strength, jaw):
    motion = still(("jawOpen",), 2)
    motion.values[:] = 0.4
    made = refiner(space, motion, Retargeting("absolute", "none", Strengths(mouth=strength)))
    torch.testing.assert_close(shown(space, made.values(0, 2))[:, 0], torch.full((2,), jaw), atol=0.02, rtol=0)


def test_a_part_made_later_is_the_same_and_only_its_pieces_are_made(space):
    motion = speaking(40)
    whole, late = refiner(space, motion, steps=3), refiner(space, motion, steps=3)
    assert torch.equal(late.values(25, 30), whole.values(0, 40)[25:30]) and late.made == {2}
    assert torch.equal(late.found[:24], late.moved.values[:24])


def test_no_more_than_one_frames_picture_has_gradients_at_a_time(space, seen, monkeypatch):
    alive, most = set(), []
    synthesize = Screen.synthesize

    def watched(self, styles, camera, options):
        view = synthesize(self, styles, camera, options)
        if view.image.requires_grad:
            alive.add(id(view))
            most.append(len(alive))
            view.image.register_hook(lambda gradient: alive.discard(id(view)))
        return view

    monkeypatch.setattr(Screen, "synthesize", watched)
    refiner(space, speaking(30), steps=2).values(0, 30)
    assert max(most) == 1 and len(most) == 3 * (12 + 2 + 12 + 4 + 6 + 2) and sum(seen) == len(most)


def test_steps_that_lead_away_are_not_taken(space):
    """With far too wide steps the descent jumps over its goal; the best of all, the start included, is kept."""
    motion = still(("jawOpen",), 4)
    motion.values[1:] = 0.3
    wanted = 0.1 + motion.values[:, 0]
    made = refiner(space, motion, rate=5.0, steps=3)
    before, after = (shown(space, values)[:, 0] for values in (made.moved.values, made.values(0, 4)))
    assert (after - wanted).square().sum() <= (before - wanted).square().sum() + 1e-6


def test_costs_hold_back_and_make_even(space):
    motion = still(("jawOpen",), 12)
    motion.values[6:] = 0.6
    free = refiner(space, motion).values(0, 12)[:, 0]
    held = refiner(space, motion, keep=1.0).values(0, 12)[:, 0]
    even = refiner(space, motion, steady=5.0).values(0, 12)[:, 0]
    change = lambda values: values - refiner(space, motion).moved.values[:, 0]  # noqa: E731
    assert change(held).abs().sum() < 0.6 * change(free).abs().sum()
    assert change(even).diff().abs().max() < 0.5 * change(free).diff().abs().max()
    cut = refiner(space, replace(motion, starts=(6,)), steady=5.0).values(0, 12)[:, 0]
    torch.testing.assert_close(change(cut), change(free), atol=0.03, rtol=0)  # nothing is evened across a cut


def test_what_is_not_taken_over_and_what_is_not_seen_stays(space):
    mouth = refiner(space, speaking(), Retargeting("absolute", "none", Strengths(mouth=0.0)))
    assert torch.equal(mouth.values(0, 14), mouth.moved.values)
    blue = refiner(space, speaking(), face=replace(FACE, styles=torch.tensor([[0.1, 0.0, 0.9, 0.7]])))
    assert blue.wanted is None and torch.equal(blue.values(0, 14), blue.moved.values)
    none = refiner(space, speaking(), steps=0)
    assert torch.equal(none.values(0, 14), none.moved.values)


def test_relative_motion_is_asked_beyond_the_face_as_it_is(space):
    motion = speaking()
    motion.values[:, 0] += 0.3
    made = refiner(space, motion, Retargeting("relative", "first frame"))
    wanted = (0.1 + motion.values[:, 0] - motion.values[0, 0]).clamp(0.1, 1)  # strengths below 0 there are none
    assert (shown(space, made.values(0, 14))[:, 0] - wanted).abs().max() < 0.02


def test_a_driver_of_actions_is_compared_by_actions(space):
    motion = still(ACTION_NAMES, 6)
    motion.values[1:, 0] = 0.4
    made = refiner(space, motion)
    assert made.as_actions and len(made.kept) == len(ACTION_NAMES)
    torch.testing.assert_close(shown(space, made.values(1, 6))[:, 0], torch.full((5,), 0.5), atol=0.02, rtol=0)


def test_strengths_stay_in_their_range(space):
    motion = still(("jawOpen",), 3)
    motion.values[1:] = 1.0
    assert float(refiner(space, motion).values(0, 3).max()) == 1.5
    with pytest.raises(ConfigError, match="number of steps"):
        Refining(-1)


def test_a_clip_is_refined_as_its_frames_are_made(triplane, styles):
    layout, ones = triplane.layout, torch.ones(1, 4)
    space = LinearExpressionSpace(("jaw_open",), layout.editable_index[:4], ones, ones.T / 4, torch.zeros(4),
                                  torch.zeros(1), layout.fingerprint)  # fmt: skip
    face = Latent(styles[:1], triplane.rig.label(), "", layout.fingerprint)
    motion, networks = speaking(2), refining.face_networks_on
    refining.face_networks_on = lambda device: Eyes()
    try:
        options = Animation(PLAIN, render=RenderOptions(8), quick=False, refining=Refining(2, resolution=8))
        clip = make_clip(triplane, face, motion, space, options)
    finally:
        refining.face_networks_on = networks
    assert torch.equal(clip.made.values, clip.motion.values)
    whole = torch.cat([view.image for view in frames_of(triplane, clip)])
    assert not torch.equal(clip.made.values, clip.motion.values)
    plain = make_clip(triplane, face, motion, space, replace(options, refining=Refining()))
    assert plain.refiner is None and plain.made is plain.motion
    again = torch.cat([view.image for view in frames_of(triplane, replace(plain, motion=clip.made))])
    assert torch.equal(whole, again)  # a motion that was refined and saved needs no steps again
