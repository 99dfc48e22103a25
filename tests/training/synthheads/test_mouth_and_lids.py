"""What an open mouth and closed lids show: a dark throat, teeth, a tongue that lies; lashes."""

import numpy as np
import pytest

from sat3d.parsing.labels import EYES, MOUTH, SKIN
from training.synth.render import render_view
from training.synthheads.actions import FACE_UNITS
from training.synthheads.head import load_head_model
from training.synthheads.lashes import build_lashes
from training.synthheads.materials import Material
from training.synthheads.mouth import TEETH_DROP_M, are_upper, lay_tongue
from training.synthheads.parameter_spec import change
from training.synthheads.parameters import HeadParameters
from training.synthheads.scene import build_scene

LIDS = ("lid_closed_left", "lid_closed_right")


def with_actions(**strengths):
    return change(HeadParameters(), actions=strengths)


def vertices_of(material):
    model = load_head_model()
    return np.unique(model.triangles[model.material == material])


def test_the_tongue_lies_below_the_upper_teeth_and_behind_the_lower_ones():
    model = load_head_model()
    tongue, teeth = model.rest[vertices_of(Material.TONGUE)], model.rest[vertices_of(Material.TEETH)]
    upper = are_upper(teeth)
    assert 60 < upper.sum() < len(teeth) - 40
    assert teeth[upper, 1].min() > tongue[np.abs(tongue[:, 2] - 0.05) < 0.02, 1].max() - 0.008
    assert tongue[:, 2].max() < teeth[~upper, 2].max() - 0.003


def test_a_tongue_is_lowered_smoothly_and_keeps_its_underside():
    points = np.float32([[0, -0.100, 0.05], [0, -0.082, 0.05], [0, -0.065, 0.05], [0, -0.065, 0.051]])
    moved = lay_tongue(points)
    np.testing.assert_allclose(moved[0, 1], -0.100, atol=1e-6)
    np.testing.assert_allclose(moved[1:3, 1], [-0.096, -0.079], atol=1e-6)
    assert np.abs(moved[3] - moved[2]).max() < 0.0015 and (points[1] == np.float32([0, -0.082, 0.05])).all()


def test_only_an_opening_jaw_lowers_the_upper_teeth():
    model, teeth = load_head_model(), vertices_of(Material.TEETH)
    upper = teeth[are_upper(model.rest[teeth])]
    moves = model.units.reshape(len(FACE_UNITS), -1, 3)[:, upper]
    np.testing.assert_allclose(moves[FACE_UNITS.index("jawOpen"), :, 1], -TEETH_DROP_M, atol=1e-6)
    assert np.abs(np.delete(moves, FACE_UNITS.index("jawOpen"), 0)).max() < 2e-4


def test_an_open_mouth_is_dark_at_its_back_and_shows_teeth_and_tongue():
    view = render_view(build_scene(with_actions(jaw_open=1.0)), 0.0, 0.0, 192)
    inside = view.image[view.labels == MOUTH].astype(int)
    brightness, redness = inside.mean(1), inside[:, 0] - inside[:, 1]
    assert (brightness < 40).sum() > 25
    assert ((inside.min(1) > 120) & (redness < 40)).sum() > 8  # teeth
    view = render_view(build_scene(with_actions()), 0.0, 0.0, 192)
    assert not (view.image[view.labels == MOUTH].mean(1) < 30).any()


@pytest.mark.parametrize("closed", [0.0, 1.0])
def test_lashes_are_the_same_on_both_sides(closed):
    p = with_actions(**dict.fromkeys(LIDS, closed))
    (mesh,) = build_lashes(p, load_head_model().pose(p))
    left, right = np.split(np.stack(tips_and_roots(p)), 2, axis=1)
    np.testing.assert_allclose(left * [-1, 1, 1], right, atol=1.5e-3)
    assert (mesh.material == Material.SKIN).all() and np.isfinite(mesh.position).all()


def tips_and_roots(p):
    lashes = build_lashes(p, load_head_model().pose(p))[0].position.reshape(-1, 4, 3, 3).mean(2)
    return lashes[:, -1], lashes[:, 0]


def test_lashes_point_down_with_the_lid_and_are_longer_outside():
    (open_tip, open_root), (shut_tip, shut_root) = (
        tips_and_roots(p) for p in (with_actions(), with_actions(**dict.fromkeys(LIDS, 1.0)))
    )
    assert (open_tip - open_root).reshape(2, -1, 3)[:, 2:-3, 1].min() > 0 and (shut_tip - shut_root)[:, 1].max() < 0
    assert (shut_root[:, 1] < open_root[:, 1] + 1e-4).all()
    length = np.linalg.norm(shut_tip - shut_root, axis=1).reshape(2, -1)
    assert (length[:, 8:12].mean(1) > 1.3 * length[:, :4].mean(1)).all() and length.max() < 0.012


def test_lashes_follow_the_lid_without_a_jump():
    tips = [tips_and_roots(p)[0] for p in (with_actions(**dict.fromkeys(LIDS, v)) for v in (0.5, 0.51))]
    assert 0 < np.abs(tips[1] - tips[0]).max() < 1e-3


def test_lashes_darken_closed_lids_and_are_labelled_skin():
    open_view, shut = (
        render_view(build_scene(with_actions(**dict.fromkeys(LIDS, v))), 0.0, 0.0, 256) for v in (0.0, 1.0)
    )
    eyes = open_view.labels == EYES
    for shift in range(1, 5):  # and a little below
        eyes |= np.roll(open_view.labels == EYES, shift, 0)
    assert eyes.sum() > 200 and (shut.labels == EYES).sum() < 0.03 * eyes.sum()
    lashes = eyes & (shut.labels == SKIN) & (shut.image.max(2) < 0.55 * np.median(shut.image[eyes].max(1)))
    assert lashes.sum() > 15
