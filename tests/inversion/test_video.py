"""Frames of one face: warm starts, cameras that do not tremble, one identity, broken frames, progress, cancel."""

import math
from dataclasses import replace

import pytest
import torch

from sat3d.errors import ConfigError, ShapeError
from sat3d.inversion import (
    InversionOptions,
    Start,
    VideoOptions,
    expression_channels,
    invert,
    invert_frames,
)
from sat3d.inversion.cameras import smooth
from sat3d.inversion.initialisation import choose_likeliest, upright
from sat3d.inversion.target import make_target
from sat3d.inversion.w_statistics import measure_w_statistics
from sat3d.masks import AttributeMasks

from .conftest import PITCH, YAW
from .test_optimise import tiny_encoder

FIRST = InversionOptions("W+", 8, low_resolution=16, low_samples=1.0, full_share=0.2)
OPTIONS = VideoOptions(FIRST, next_steps=6, settle_steps=2, smoothing=1.0)


@pytest.fixture
def frames(case):
    """Three frames: the face turns by steps of 0.05 rad."""
    network = case.tools.network
    cameras = network.rig.label(torch.tensor([YAW, YAW + 0.05, YAW + 0.1]), PITCH)
    with torch.no_grad():
        return network.synthesize(case.styles, cameras).image.clamp(-1, 1)


def channels_of(network, count=5):
    chosen = torch.zeros(network.layout.num_editable, dtype=torch.bool)
    chosen[:count] = True
    return chosen


def test_steady_motion_stays_and_trembling_goes():
    t = torch.arange(20.0)
    steady = torch.stack([0.01 * t, 0.3 - 0.02 * t], 1)
    torch.testing.assert_close(smooth(steady, 2.0), steady)
    trembling = steady + 0.05 * torch.where(t % 2 == 0, 1.0, -1.0)[:, None]
    assert (smooth(trembling, 2.0) - steady)[4:-4].abs().max() < 0.002
    assert torch.equal(smooth(trembling, 0.0), trembling)


def test_smoothing_by_hand():
    """Three frames 0, 1, 0 with sigma 1: the middle is g0 / (g0 + 2 g1 + 2 g2) with what lies beyond mirrored."""
    g = [math.exp(-0.5 * k * k) for k in range(3)]
    total = g[0] + 2 * g[1] + 2 * g[2]
    # point symmetric about the ends: …, 0, -1 | 0, 1, 0 | -1, 0, …
    middle = (g[0] * 1 + 2 * g[1] * 0 + 2 * g[2] * -1) / total
    assert float(smooth(torch.tensor([[0.0], [1.0], [0.0]]), 1.0)[1]) == pytest.approx(middle, abs=1e-6)


def test_nothing_is_averaged_across_a_cut():
    angles = torch.cat([torch.zeros(5, 1), torch.ones(5, 1)])
    torch.testing.assert_close(smooth(angles, 3.0, [5]), angles)
    assert (smooth(angles, 3.0) - angles).abs().max() > 0.1
    with pytest.raises(ShapeError):
        smooth(angles * math.nan, 1.0)


@pytest.mark.slow
def test_every_frame_gets_its_face_and_camera(case, frames):
    found = invert_frames(case.tools, frames, OPTIONS)
    assert found.latent.styles.shape[0] == found.latent.camera.shape[0] == found.pictures.shape[0] == 3
    again = case.tools.network.synthesize(found.latent.styles, found.latent.camera).image
    torch.testing.assert_close(again, found.pictures, atol=1e-4, rtol=1e-3)
    assert found.held == found.cuts == ()
    error = (found.pictures - frames).square().mean((1, 2, 3))
    assert error[1:].max() < 1.5 * error[0]  # few steps are enough, thanks to the warm start


def test_a_warm_start_goes_on_where_the_last_ended(case):
    """One step from the end of a run is as good as its end; departures are taken over with the likely face."""
    start = Start(yaw_rad=YAW, pitch_rad=PITCH)
    first = invert(case.tools, case.picture, FIRST, start=start)
    assert first.start.rows is not None and first.start.rows.abs().max() > 0 and first.start.channels is None
    again = invert(case.tools, case.picture, replace(FIRST, steps=1), start=first.start)
    torch.testing.assert_close(again.latent.styles, first.latent.styles, atol=1e-3, rtol=1e-3)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_latents(case, frames):
    first, second = (invert_frames(case.tools, frames[:2], OPTIONS).latent for _ in range(2))
    assert torch.equal(first.styles, second.styles) and torch.equal(first.camera, second.camera)


@pytest.mark.slow
def test_one_identity_is_shared_exactly(case, frames):
    layout, chosen = case.tools.network.layout, channels_of(case.tools.network)
    found = invert_frames(case.tools, frames, OPTIONS, expression=chosen)
    editable = layout.editable(found.latent.styles)
    assert torch.equal(editable[:, ~chosen], editable[:1, ~chosen].expand(3, -1))
    assert (editable[:, chosen] - editable[:1, chosen]).abs().max() > 0
    fixed = torch.ones(layout.num_channels, dtype=torch.bool)
    fixed[layout.editable_index] = False
    assert torch.equal(found.latent.styles[:, fixed], found.latent.styles[:1, fixed].expand(3, -1))


def test_expression_channels_are_those_that_belong_to_it_most(triplane):
    masks = AttributeMasks.initial(
        ["beard", "expression"], triplane.layout, {"expression": (torch.tensor([3, 7]), 2.0)}
    )
    assert expression_channels(masks).nonzero().flatten().tolist() == [3, 7]
    with pytest.raises(ShapeError, match="No channel"):
        expression_channels(masks, "beard")
    with pytest.raises(ShapeError, match="Unknown attribute"):
        expression_channels(masks, "hat")


@pytest.mark.slow
def test_a_black_frame_does_not_cost_the_video(case, frames):
    spoilt = frames.clone()
    spoilt[0] = -1
    found = invert_frames(case.tools, spoilt[:2], OPTIONS)
    assert found.held == (0,) and len(found.pictures) == 2
    with pytest.raises(ShapeError, match="shows nothing"):
        invert_frames(case.tools, torch.full_like(frames, -1.0), OPTIONS)


@pytest.mark.slow
def test_progress_counts_all_frames_and_cancelling_stops(case, frames):
    calls = []
    invert_frames(case.tools, frames, OPTIONS, watch=lambda *call: calls.append(call[:2]))
    done = [call[0] for call in calls]
    assert {total for _, total in calls} == {8 + 2 * 6 + 3 * 2} and done == sorted(done) and done[-1] == 26

    def cancel(done, total, picture=None):
        if done == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        invert_frames(case.tools, frames, OPTIONS, watch=cancel)
    assert all(parameter.grad is None for parameter in case.tools.network.parameters())


@pytest.mark.slow
def test_it_works_in_inference_mode(case, frames):
    with torch.inference_mode():
        latent = invert_frames(
            case.tools, frames[:2].clone(), OPTIONS, expression=channels_of(case.tools.network)
        ).latent
    assert not latent.styles.is_inference()


def test_the_likelier_start_wins(case):
    target = make_target(case.picture, 64)
    population = measure_w_statistics(case.tools.network)
    w = case.tools.network.map(torch.randn(1, 16, generator=torch.Generator().manual_seed(4)))[:, 0]
    right, wrong = Start(w, YAW, PITCH), Start(w, -0.6, 0.3)
    assert choose_likeliest(case.tools, target, population, "W", [wrong, right]) is right


@pytest.mark.slow
def test_a_cut_begins_anew(case, frames, monkeypatch):
    """With an encoder that is nearer than the frame before, that frame begins a new shot."""
    tools = replace(case.tools, encoder=tiny_encoder(24))
    monkeypatch.setattr("sat3d.inversion.video.choose_likeliest", lambda *rest: rest[-1][2])
    assert invert_frames(tools, frames, OPTIONS).cuts == (1, 2)
    for same_face in (0, 1):
        monkeypatch.setattr("sat3d.inversion.video.choose_likeliest", lambda *rest, i=same_face: rest[-1][i])
        assert invert_frames(tools, frames, OPTIONS).cuts == ()


@pytest.mark.slow
def test_a_fast_turn_is_no_cut(case, monkeypatch):
    """The encoder sees the turn, but not the face: the face of the frame before goes on from the new side."""
    network, stranger = case.tools.network, torch.full((1, 24), 3.0)
    tools = replace(case.tools, encoder=tiny_encoder(24))
    turned = network.rig.label(torch.tensor([YAW, YAW - 1.0]), PITCH)
    with torch.no_grad():
        frames = network.synthesize(case.styles, turned).image.clamp(-1, 1)
    monkeypatch.setattr("sat3d.inversion.video.ask_encoder", lambda *rest: Start(stranger, YAW - 1.0, PITCH))
    monkeypatch.setattr("sat3d.inversion.video.smooth", lambda angles, *rest: angles)
    found = invert_frames(tools, frames, replace(OPTIONS, first=replace(FIRST, steps=60)))
    assert found.cuts == ()
    seen = network.rig.label(torch.tensor([YAW - 1.0]), PITCH)
    assert (found.latent.camera[1] - seen[0]).abs().max() < 0.2


def test_the_encoder_sees_every_frame_for_itself(case):
    """Its angles are the frames' own, then smoothed; no frame begins where another ended."""
    tools, generator = replace(case.tools, encoder=tiny_encoder(24)), torch.Generator().manual_seed(1)
    frames = torch.rand(4, 3, 64, 64, generator=generator) * torch.tensor([2.0, 1.0, 2.0, 1.0])[:, None, None, None] - 1
    tools.encoder.std.mul_(100)
    angles = torch.stack([tools.encoder(frames).yaw_rad, tools.encoder(frames).pitch_rad], 1)
    assert angles.diff(dim=0).abs().max() > 0.01
    for smoothing in (0.0, 2.0):
        found = invert_frames(tools, frames, VideoOptions(InversionOptions("encoder"), smoothing=smoothing))
        expected = case.tools.network.rig.label(*smooth(angles, smoothing).T)
        torch.testing.assert_close(found.latent.camera, expected, atol=1e-4, rtol=0)
        assert found.cuts == ()


def test_a_known_camera_is_kept_and_the_face_comes_from_the_encoder(case):
    tools = replace(case.tools, encoder=tiny_encoder(24))
    found = invert(
        tools, case.picture, InversionOptions("W", 1, full_share=1.0), start=Start(None, 0.1, 0.05, 0.2)
    ).start
    torch.testing.assert_close(found.w, tools.encoder(upright(case.picture, 0.2)).w, atol=1e-3, rtol=1e-3)
    assert (found.yaw_rad, found.pitch_rad, found.roll_rad) == pytest.approx((0.1, 0.05, 0.2))


def test_a_tilted_head_is_put_upright(case):
    """A head that tilts by a quarter turn counter-clockwise is turned back clockwise, exactly."""
    tilted = torch.rot90(case.picture, 1, (2, 3))
    torch.testing.assert_close(upright(tilted, math.pi / 2), case.picture, atol=1e-4, rtol=0)
    assert upright(tilted, 0.0) is tilted


@pytest.mark.parametrize(
    "wrong",
    [{"frames": torch.zeros(3, 64, 64)}, {"weight": torch.ones(2, 1, 8, 8)}, {"expression": torch.ones(3)},
     {"expression": torch.zeros(3, dtype=torch.bool)}],
)  # fmt: skip
def test_what_does_not_pair_is_told(case, frames, wrong):
    with pytest.raises(ShapeError, match="Next step"):
        invert_frames(case.tools, **{"frames": frames, "options": OPTIONS, **wrong})


@pytest.mark.parametrize("wrong", [{"next_steps": 0}, {"settle_steps": 0}, {"smoothing": math.nan}, {"smoothing": -1}])
def test_impossible_options(wrong):
    with pytest.raises(ConfigError, match="Next step"):
        VideoOptions(**wrong)


@pytest.mark.slow
def test_tilts_of_the_frames_are_kept_and_must_pair(case, frames):
    found = invert_frames(case.tools, frames[:2], replace(OPTIONS, smoothing=0), rolls_rad=[0.2, -0.3])
    tilt = found.latent.camera[:, 4]  # of the camera's x axis
    assert tilt.abs().tolist() == pytest.approx([math.sin(0.2), math.sin(0.3)], abs=0.02) and tilt[0] * tilt[1] < 0
    with pytest.raises(ShapeError, match="do not pair"):
        invert_frames(case.tools, frames[:2], OPTIONS, rolls_rad=[0.2])
