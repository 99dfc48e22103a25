"""A face that follows a motion: each frame by itself, cameras, reuse of planes, memory that does not grow."""

import math
import tracemalloc
from dataclasses import replace

import pytest
import torch

from sat3d.animation.expression_space import LinearExpressionSpace
from sat3d.animation.motion import Motion
from sat3d.animation.retargeting import Retargeting, Strengths
from sat3d.animation.streaming import Animation, Orbit, frames_of, make_clip
from sat3d.errors import ConfigError, LayoutError, ShapeError
from sat3d.generators import RenderOptions
from sat3d.inversion.cameras import angles_of
from sat3d.latent import Latent

from .motions import speaking

NAMES = ("jaw_open", "lid_closed_left", "lid_closed_right", "gaze_yaw")


@pytest.fixture
def space(triplane) -> LinearExpressionSpace:
    """Four channels of its own for each name; strengths are read back exactly."""
    layout, names = triplane.layout, len(NAMES)
    index = layout.editable_index[torch.arange(4 * names) * 3]
    directions = torch.zeros(names, 4 * names)
    for i in range(names):
        directions[i, 4 * i : 4 * i + 4] = 2.0
    zeros = torch.zeros
    return LinearExpressionSpace(NAMES, index, directions, directions.T / 16, zeros(4 * names), zeros(names),
                                 layout.fingerprint)  # fmt: skip


@pytest.fixture
def face(triplane, styles) -> Latent:
    return Latent(styles[:1], triplane.rig.label(0.1, 0.05), "", triplane.layout.fingerprint)


OPTIONS = Animation(render=RenderOptions(8), quick=False)


def pictures(network, clip, *part):
    return torch.cat([view.image for view in frames_of(network, clip, *part)])


def test_the_face_takes_the_drivers_values_and_camera(triplane, face, space):
    clip = make_clip(triplane, face, speaking(12), space, OPTIONS)
    styles, edits = clip.styles(0, 12)
    torch.testing.assert_close(space.read(styles), clip.motion.values, atol=1e-5, rtol=0)
    moved = torch.ones(styles.shape[1], dtype=torch.bool)
    moved[space.index] = False
    assert torch.equal(styles[:, moved], face.styles[:, moved].expand(12, -1)) and edits == ()
    found = torch.tensor([angles_of(camera[:16].reshape(4, 4)) for camera in clip.cameras])
    torch.testing.assert_close(found, speaking(12).pose_rad, atol=1e-4, rtol=0)


def test_a_part_made_later_is_the_same_to_the_bit(triplane, face, space):
    clip = make_clip(triplane, face, speaking(5), space, OPTIONS)
    whole = pictures(triplane, clip)
    assert whole.shape[0] == 5 and torch.equal(pictures(triplane, clip, 3), whole[3:])
    assert torch.equal(pictures(triplane, clip, 1, 2), whole[1:2])


@pytest.mark.parametrize("quick", [True, False])
def test_planes_are_computed_once_where_only_the_camera_moves(triplane, face, space, monkeypatch, quick):
    calls = []
    plain = type(triplane).planes
    monkeypatch.setattr(type(triplane), "planes", lambda *a, **k: calls.append(1) or plain(*a, **k))
    options = replace(OPTIONS, quick=quick, retargeting=Retargeting(strengths=Strengths(0, 0, 0, 0, 1)))
    made = pictures(triplane, make_clip(triplane, face, speaking(4), space, options))
    assert len(calls) == 1 and not torch.equal(made[0], made[3])
    pictures(triplane, make_clip(triplane, face, speaking(4), space, replace(OPTIONS, quick=quick)))
    assert len(calls) == 5


def test_quick_pictures_hardly_differ(triplane, face, space):
    exact = pictures(triplane, make_clip(triplane, face, speaking(3), space, OPTIONS))
    quick = pictures(triplane, make_clip(triplane, face, speaking(3), space, replace(OPTIONS, quick=True)))
    assert (exact - quick).abs().mean() < 0.02 and not torch.equal(exact, quick)


def test_views(triplane, face, space):
    motion, orbit = speaking(20), Orbit(0.5, 0.1, seconds=0.8)  # 20 frames at 25 a second: once around

    def angles(view):
        cameras = make_clip(triplane, face, motion, space, replace(OPTIONS, view=view, orbit=orbit)).cameras
        return torch.tensor([angles_of(camera[:16].reshape(4, 4)) for camera in cameras])

    path = angles("orbit")
    assert path[:, 0].max() == pytest.approx(0.5, abs=1e-3) and path[0, 1] == pytest.approx(0.1, abs=1e-3)
    torch.testing.assert_close(angles("driver and orbit"), path + motion.pose_rad, atol=1e-3, rtol=0)
    torch.testing.assert_close(angles("still"), torch.tensor([[0.1, 0.05, 0.0]]).expand(20, 3), atol=1e-3, rtol=0)
    held = Orbit(0.3, 0.0, seconds=0).angles(3, 25)
    assert held.tolist() == [[pytest.approx(0.3), 0.0]] * 3


def test_relative_pose_is_about_the_faces_own(triplane, face, space):
    options = replace(OPTIONS, retargeting=Retargeting("relative", "first frame"))
    clip = make_clip(triplane, face, speaking(5), space, options)
    first = angles_of(clip.cameras[0, :16].reshape(4, 4))
    assert first == pytest.approx((0.1, 0.05, 0.0), abs=1e-4)
    torch.testing.assert_close(clip.motion.values[0], space.read(face.styles)[0], atol=1e-5, rtol=0)


def test_what_does_not_belong_together_is_refused(triplane, stylegan2, styles, face, space):
    with pytest.raises(ShapeError, match="One face"):
        make_clip(triplane, replace(face, styles=styles), speaking(3), space)
    with pytest.raises(LayoutError, match="another generator"):
        make_clip(triplane, face, speaking(3), replace(space, layout_fingerprint="other"))
    with pytest.raises(ConfigError, match="no such view"):
        Animation(view="behind")
    flat = Latent(torch.zeros(1, stylegan2.layout.num_channels), face.camera, "", stylegan2.layout.fingerprint)
    with pytest.raises(LayoutError):
        make_clip(stylegan2, flat, speaking(3), space)


def test_memory_does_not_grow_with_the_length(triplane, face, space, monkeypatch):
    """Ten thousand frames: planes and pictures are replaced by small ones, so that what is kept would be seen."""
    monkeypatch.setattr(type(triplane), "render", lambda self, planes, styles, camera, options: styles.sum())
    monkeypatch.setattr(type(triplane), "planes", lambda self, styles, noise=None: styles)
    frames = 10_000
    values = torch.rand(frames, 4, generator=torch.Generator().manual_seed(0))
    motion = Motion(NAMES, values, torch.zeros(frames, 2), torch.zeros(frames, 3))
    clip = make_clip(triplane, face, motion, space, replace(OPTIONS, view="still"))
    seen = 0
    tracemalloc.start()
    for _ in frames_of(triplane, clip):
        seen += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen == frames and peak < 20_000_000 and math.isfinite(peak)
