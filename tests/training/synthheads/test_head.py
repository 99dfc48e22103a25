"""The bare head: registration, expressions, the scalp map, patches of skin."""

import dataclasses

import numpy as np
import pytest

from sat3d.errors import FileError
from training.synthheads.actions import ACTION_NAMES, FACE_UNITS, actions_of, unit_weights
from training.synthheads.attributes import EXPRESSIONS, SHAPE_NAMES
from training.synthheads.head import EYE_MIDPOINT_M, load_head_model
from training.synthheads.parameters import HeadParameters
from training.synthheads.scalp_map import CENTRE_M, direction


@pytest.fixture(scope="module")
def model():
    return load_head_model()


def odd_heads():
    generator = np.random.default_rng(5)
    for sex, age in ((0.0, 0.0), (1.0, 1.0), (0.5, 0.4)):
        shape = tuple(generator.uniform(-0.9, 0.9, len(SHAPE_NAMES)))
        yield HeadParameters(shape=shape, sex=sex, age=age, ancestry=(0.7, 0.2, 0.1))


@pytest.mark.parametrize("p", list(odd_heads()))
def test_every_head_has_its_eyes_in_the_same_place(model, p):
    centres = model.pose(p).eye_centres
    np.testing.assert_allclose(centres.mean(0), EYE_MIDPOINT_M, atol=1e-5)
    template = [model.rest[index].mean(0)[0] for index in model.eyes]
    np.testing.assert_allclose(centres[1, 0] - centres[0, 0], template[1] - template[0], rtol=1e-4)


def test_corners_are_met_exactly_and_blend_linearly(model):
    base = HeadParameters()
    low, high = (model._identity(dataclasses.replace(base, sex=sex)) for sex in (0.0, 1.0))
    middle = model._identity(dataclasses.replace(base, sex=0.5))
    np.testing.assert_allclose(middle, (low + high) / 2, atol=1e-6)
    assert np.abs(high - low).max() > 0.005


def test_shape_moves_one_way_for_plus_and_another_for_minus(model):
    wide = tuple(float(name == "nose-scale-horiz-incr") for name in SHAPE_NAMES)
    narrow = tuple(-value for value in wide)

    def nose_width(shape):
        near = (np.abs(model.rest[:, 1] + 0.045) < 0.008) & (np.abs(model.rest[:, 0]) < 0.022) & model.is_skin
        return 2 * np.abs(model.pose(HeadParameters(shape=shape)).relaxed[near, 0]).mean()

    assert nose_width(wide) - 0.0005 > nose_width((0.0,) * len(SHAPE_NAMES)) > nose_width(narrow) + 0.0005


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_strength_scales_an_expression_from_the_relaxed_face(model, expression):
    none, half, full = (
        model.pose(HeadParameters(actions=actions_of(expression, strength))) for strength in (0.0, 0.5, 1.0)
    )
    np.testing.assert_allclose(none.position, none.relaxed, atol=1e-6)
    np.testing.assert_allclose(half.position - half.relaxed, (full.position - full.relaxed) / 2, atol=1e-5)
    moved_m = np.linalg.norm(full.position - full.relaxed, axis=1).max()
    assert moved_m == 0 if expression == "neutral" else moved_m > 0.004


@pytest.mark.parametrize("name", ACTION_NAMES)
def test_each_action_moves_the_face_steadily_and_nothing_far_away(model, name):
    faces = [model.pose(_acting(**{name: strength})).position for strength in (0.0, 0.25, 0.5, 0.75, 1.0)]
    moved = [np.linalg.norm(face - faces[0], axis=1).max() for face in faces]
    assert moved[-1] > 0.004 and (np.diff(moved) > 0).all()
    np.testing.assert_allclose(np.diff(moved), moved[-1] / 4, rtol=0.02)
    behind = model.rest[:, 2] < -0.05
    np.testing.assert_allclose(faces[-1][behind], faces[0][behind], atol=2e-4)


@pytest.mark.slow
def test_left_and_right_are_the_persons_own(model):
    """The person's left is at positive x, to the viewer's right."""
    for name in ACTION_NAMES:
        if name.endswith(("_left", "_right")) and not name.startswith("mouth"):
            moved = np.linalg.norm(model.pose(_acting(**{name: 1.0})).position - model.pose(_acting()).position, axis=1)
            side = np.average(model.rest[:, 0], weights=moved)
            assert side > 0.005 if name.endswith("_left") else side < -0.005, name


def test_lids_do_not_close_twice():
    blink, wide = FACE_UNITS.index("eyeBlinkLeft"), FACE_UNITS.index("eyeWideRight")
    closed = actions_of("eyes closed")
    assert unit_weights(closed, 0.0, 0.0)[blink] == unit_weights(closed, 0.5, 0.0)[blink]
    relaxed = actions_of("neutral")
    assert unit_weights(relaxed, 0.0, 0.0)[blink] > 0.2
    assert unit_weights(relaxed, 1.0, 0.0)[wide] > 0.2


def test_eyes_turn_as_rigid_balls_to_where_they_look(model):
    ahead = model.pose(HeadParameters())
    for yaw, pitch in ((1.0, 0.0), (-0.5, 0.0), (0.0, 1.0), (0.3, -0.7)):
        turned = model.pose(HeadParameters(gaze_yaw=yaw, gaze_pitch=pitch))
        for eye in model.eyes:
            before, after = (head.position[eye] - head.relaxed[eye].mean(0) for head in (ahead, turned))
            np.testing.assert_allclose(np.linalg.norm(after, axis=1), np.linalg.norm(before, axis=1), atol=1e-6)
            front = after[before[:, 2].argmax()] - before[before[:, 2].argmax()]
            assert np.sign(np.round(front[0], 4)) == np.sign(yaw) and np.sign(np.round(front[1], 4)) == np.sign(pitch)


def _acting(**strengths):
    return HeadParameters(actions=tuple(strengths.get(name, 0.0) for name in ACTION_NAMES))


def test_the_scalp_map_lies_on_the_head_in_the_asked_direction(model):
    scalp = model.pose(HeadParameters()).scalp
    azimuth, polar = np.meshgrid(np.linspace(-3, 3, 25), np.linspace(0.05, 1.1, 12))
    points, normals = scalp.sample(azimuth, polar)
    away = points - CENTRE_M
    cosine = (away * direction(azimuth, polar)).sum(-1) / np.linalg.norm(away, axis=-1)
    assert cosine.min() > 0.97  # the head is not the template, so directions shift a little
    assert (normals * direction(azimuth, polar)).sum(-1).min() > 0.5
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-5)


def test_the_scalp_map_has_no_seam_at_the_back(model):
    scalp = model.pose(HeadParameters()).scalp
    left, right = (scalp.sample(np.float32(side * (np.pi - 1e-4)), np.linspace(0, 2.5, 20))[0] for side in (-1, 1))
    np.testing.assert_allclose(left, right, atol=1e-4)


def test_a_patch_is_refined_on_the_skin(model):
    head = model.pose(HeadParameters())
    select = (model.rest[:, 1] < -0.06) & (model.rest[:, 1] > -0.12) & (model.rest[:, 2] > 0.03)
    coarse, fine = (head.patch("test chin", select, subdivisions) for subdivisions in (0, 1))
    assert len(fine.triangles) == 4 * len(coarse.triangles) > 100
    np.testing.assert_array_equal(fine.position[: len(coarse.position)], coarse.position)
    assert fine.triangles.max() == len(fine.position) - 1
    other = model.pose(HeadParameters(actions=actions_of("surprise"))).patch("test chin", select, 1)
    np.testing.assert_array_equal(other.triangles, fine.triangles)
    assert np.abs(other.position - fine.position).max() > 0.005


def test_a_missing_asset_says_what_to_do(tmp_path):
    with pytest.raises(FileError, match="File not found"):
        load_head_model(tmp_path / "heads.safetensors")
