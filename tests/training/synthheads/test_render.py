"""Pictures of a head, and that their labels, depth and normals say the same as the geometry."""

from dataclasses import replace

import numpy as np
import pytest

from sat3d.camera import split_label
from sat3d.parsing.labels import BACKGROUND, EYES, GLASSES, HAIR, LABEL_NAMES, MOUTH, NOSE, SKIN
from training.synth.lighting import sky_axes
from training.synth.render import render_view
from training.synthheads.attributes import HAIR_COLOURS
from training.synthheads.cameras import RIG
from training.synthheads.head import WORLD_PER_METRE, load_head_model
from training.synthheads.parameters import HeadParameters
from training.synthheads.scene import build_scene

SIZE = 64
BALD = HeadParameters(hair_style="bald")


def view_of(p: HeadParameters, yaw_rad=0.0, pitch_rad=0.0, size=SIZE, samples=2):
    return render_view(build_scene(p), yaw_rad, pitch_rad, size, samples)


@pytest.fixture(scope="module")
def front():
    return view_of(BALD)


def world_points(view) -> np.ndarray:
    """[H, W, 3] where each pixel's ray ends, from the depth and the camera label alone."""
    pose, intrinsic = (matrix[0].numpy() for matrix in split_label(view.label_25))
    size = view.image.shape[0]
    place = (np.arange(size) + 0.5) / size - 0.5
    x, y = np.meshgrid(place, place)
    ray = np.stack([x / intrinsic[0, 0], y / intrinsic[1, 1], np.ones_like(x)], -1)
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    return pose[:3, 3] + view.depth[..., None] * (ray @ pose[:3, :3].T)


def test_arrays_have_the_promised_shapes_and_kinds(front):
    assert front.image.shape == (SIZE, SIZE, 3) and front.image.dtype == np.uint8
    assert front.labels.shape == front.labels_behind.shape == (SIZE, SIZE) and front.labels.dtype == np.uint8
    assert front.depth.shape == (SIZE, SIZE) and front.depth.dtype == np.float32
    assert front.normal.shape == (SIZE, SIZE, 3) and front.label_25.shape == (1, 25)
    assert front.labels.max() < len(LABEL_NAMES)


def test_the_same_parameters_give_the_same_bytes(front):
    again = view_of(BALD)
    for name in ("image", "labels", "labels_behind", "depth", "normal"):
        assert getattr(front, name).tobytes() == getattr(again, name).tobytes()


def test_a_view_is_not_changed_by_the_next_one(front):
    before = front.image.copy()
    view_of(replace(BALD, skin_tone=1.0))
    assert np.array_equal(before, front.image)


def test_depth_ends_on_the_head(front):
    points = world_points(front)
    seen = front.labels != BACKGROUND
    assert (front.depth[~seen] == 0).all() and not front.normal[~seen].any()
    head = load_head_model().pose(BALD).position * WORLD_PER_METRE
    for label in (NOSE, EYES, SKIN):
        chosen = points[front.labels == label]
        nearest = np.linalg.norm(chosen[:, None] - head[None], axis=-1).min(1)
        assert np.median(nearest) < 0.010  # the mesh's own spacing


def test_eyes_and_mouth_are_where_the_camera_says(front):
    eyes = np.argwhere(front.labels == EYES).mean(0)
    mouth = np.argwhere(front.labels == MOUTH).mean(0)
    assert abs(eyes[1] - (SIZE - 1) / 2) < 1.5 and abs(mouth[1] - (SIZE - 1) / 2) < 1.5
    assert mouth[0] > eyes[0] + 3  # row 0 is the top


@pytest.mark.parametrize("yaw_rad", [-0.6, 0.6])
def test_positive_yaw_moves_the_camera_to_positive_x(yaw_rad):
    view = view_of(BALD, yaw_rad)
    position = split_label(view.label_25)[0][0, :3, 3]
    assert np.sign(float(position[0])) == np.sign(yaw_rad)
    assert (view.label_25 == RIG.label(yaw_rad, 0.0)).all()
    nose = np.argwhere(view.labels == NOSE).mean(0)[1] - (SIZE - 1) / 2
    assert np.sign(nose) == -np.sign(yaw_rad)  # seen from the right, the nose points left


def test_normals_face_the_camera(front):
    position = split_label(front.label_25)[0][0, :3, 3].numpy()
    seen = front.labels != BACKGROUND
    towards = position - world_points(front)[seen]
    facing = (front.normal[seen] * towards).sum(-1) / np.linalg.norm(towards, axis=-1)
    assert np.allclose(np.linalg.norm(front.normal[seen], axis=-1), 1, atol=1e-4) and np.mean(facing > 0) > 0.97


def test_clear_lenses_show_the_eyes_and_dark_ones_hide_them():
    clear = view_of(replace(BALD, glasses="round"))
    dark = view_of(replace(BALD, glasses="sunglasses", lens_darkness=0.95))
    assert (clear.labels == EYES).any() and (clear.labels == GLASSES).any()
    assert not (dark.labels == EYES).any() and (dark.labels_behind == EYES).any()
    lens = (dark.labels == GLASSES) & (dark.labels_behind == EYES)
    assert (dark.depth[lens] < view_of(BALD).depth[lens] - 0.005).all()


@pytest.mark.parametrize("name", ["black", "ginger", "blond", "platinum", "grey", "blue", "pink", "green"])
def test_hair_looks_its_colour(name):
    colour = np.array(HAIR_COLOURS[name])
    view = view_of(HeadParameters(hair_style="short crop", hair_colour=HAIR_COLOURS[name]))
    seen = view.image[view.labels == HAIR].mean(0) / 255
    distances = {other: np.abs(np.array(value) - seen).sum() for other, value in HAIR_COLOURS.items()}
    assert np.abs(seen - colour).max() < 0.22 and sorted(distances, key=distances.get).index(name) < 2


def test_fair_skin_does_not_burn_out_and_deep_skin_shows_form():
    fair = view_of(replace(BALD, skin_tone=0.0))
    deep = view_of(replace(BALD, skin_tone=1.0))
    fair_skin, deep_skin = (view.image[view.labels == SKIN].max(-1) for view in (fair, deep))
    assert np.mean(fair_skin > 250) < 0.02
    assert np.percentile(deep_skin, 95) > 1.8 * np.percentile(deep_skin, 5)


@pytest.mark.parametrize("name", ["skin_tone", "age", "freckles", "lipstick", "eye_shadow", "skin_redness"])
def test_small_changes_move_the_picture_a_little(name):
    first, second = (view_of(replace(BALD, **{name: value}), samples=1) for value in (0.60, 0.605))
    difference = np.abs(first.image.astype(int) - second.image)
    assert 0 < difference.mean() < 1.0


def test_more_samples_change_little(front):
    finer = view_of(BALD, samples=4)
    assert np.abs(finer.image.astype(int) - front.image).mean() < 1.0
    assert np.mean(finer.labels != front.labels) < 0.03


def test_sky_axes_are_spread_evenly():
    axes = sky_axes(9)
    assert np.allclose(np.linalg.norm(axes, axis=1), 1) and (axes[:, 1] > 0).all()
    assert np.abs(axes[:, [0, 2]].mean(0)).max() < 0.15
