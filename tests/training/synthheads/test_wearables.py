"""Beards, brows, eyeglasses and clothes: they fit every head, and move continuously with their parameters."""

from dataclasses import replace

import numpy as np
import pytest

from training.synth.mesh import join
from training.synthheads.attributes import BEARDS, GLASSES, NECKLINES, SHAPE_NAMES
from training.synthheads.beard import build_beard, measure_mask
from training.synthheads.brows import build_brows
from training.synthheads.clothes import build_clothes, measure_edge
from training.synthheads.glasses import DESIGNS, build_glasses, fit_glasses
from training.synthheads.head import load_head_model
from training.synthheads.materials import Material
from training.synthheads.parameters import HeadParameters

WORN = {
    build_beard: [HeadParameters(beard=name) for name in BEARDS[2:]],
    build_brows: [HeadParameters()],
    build_glasses: [HeadParameters(glasses=name) for name in GLASSES[1:]],
    build_clothes: [HeadParameters(neckline=name) for name in NECKLINES],
}
CASES = [(build, p) for build, heads in WORN.items() for p in heads]
CONTINUOUS = [
    (build_beard, HeadParameters(beard="full beard"), "beard_length"),
    (build_beard, HeadParameters(beard="moustache"), "beard_length"),
    (build_brows, HeadParameters(), "brow_thickness"),
    (build_glasses, HeadParameters(glasses="round"), "frame_thickness"),
    (build_glasses, HeadParameters(glasses="sunglasses"), "glasses_size"),
]


def posed(p):
    return load_head_model().pose(p)


def odd_head(number):
    random = np.random.default_rng(number)
    shape = tuple(random.uniform(-0.9, 0.9, len(SHAPE_NAMES)))
    return HeadParameters(shape=shape, age=number / 7, sex=random.uniform(), weight=random.uniform())


@pytest.mark.parametrize(("build", "p"), CASES)
def test_meshes_are_sound_and_the_same_each_time(build, p):
    mesh, again = join(build(p, posed(p))), join(build(p, posed(p)))
    assert len(mesh.triangles) > 100
    assert 0 <= mesh.triangles.min() <= mesh.triangles.max() < len(mesh.position)
    for name in ("position", "normal", "tangent", "rest", "extra"):
        values = getattr(mesh, name)
        assert values.dtype == np.float32 and np.isfinite(values).all(), name
        assert values.tobytes() == getattr(again, name).tobytes(), name
    np.testing.assert_allclose(np.linalg.norm(mesh.normal, axis=1), 1.0, atol=1e-3)


@pytest.mark.parametrize(("build", "p", "name"), CONTINUOUS)
def test_a_small_change_moves_the_surface_a_little(build, p, name):
    for value in (0.0, 0.37, 0.9):
        near, far = (
            join(build(q, posed(q))) for q in (replace(p, **{name: value}), replace(p, **{name: value + 0.01}))
        )
        assert near.triangles.tobytes() == far.triangles.tobytes()
        move = np.linalg.norm(near.position - far.position, axis=1).max()
        assert 0.0 < move < 0.0015


def test_nothing_is_worn_where_nothing_is_asked_for():
    p = HeadParameters(beard="none", glasses="none")
    assert build_beard(p, posed(p)) == [] and build_glasses(p, posed(p)) == []
    stubble = replace(p, beard="stubble")
    assert build_beard(stubble, posed(stubble)) == []


@pytest.mark.parametrize("style", range(1, len(BEARDS)))
def test_beards_grow_alike_on_both_sides_and_not_on_lips(style):
    rest = np.random.default_rng(0).uniform((0.0, -0.13, -0.02), (0.075, 0.0, 0.12), (20_000, 3))
    left, right = (measure_mask(rest * [side, 1, 1], np.zeros(len(rest)), style) for side in (-1, 1))
    np.testing.assert_array_equal(left, right)
    assert measure_mask(rest, np.ones(len(rest)), style).max() == 0.0
    assert left.max() > 0.9


def test_beards_are_where_their_names_say():
    places = {
        "moustache": (0.012, -0.0610, 0.105), "chin": (0.0, -0.106, 0.099), "jaw": (0.050, -0.082, 0.050),
        "corner": (0.032, -0.080, 0.088), "cheek": (0.050, -0.035, 0.080), "neck": (0.040, -0.125, 0.0),
    }  # fmt: skip
    expected = {
        "moustache": {"moustache"}, "goatee": {"moustache", "chin", "corner"}, "chin beard": {"chin"},
        "full beard": {"moustache", "chin", "jaw", "corner"},
    }  # fmt: skip
    for name, grown in expected.items():
        mask = measure_mask(np.array(list(places.values())), np.zeros(len(places)), BEARDS.index(name))
        assert {place for place, share in zip(places, mask, strict=True) if share > 0.5} == grown, name


@pytest.mark.parametrize("beard", BEARDS[2:])
def test_longer_beards_reach_lower(beard):
    lowest = []
    for length in (0.0, 0.5, 1.0):
        p = HeadParameters(beard=beard, beard_length=length)
        lowest.append(join(build_beard(p, posed(p))).position[:, 1].min())
    assert lowest[0] > lowest[1] > lowest[2]


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("glasses", GLASSES[1:])
def test_no_face_pokes_through_lenses(number, glasses):
    p = replace(odd_head(number), glasses=glasses, glasses_size=number / 6)
    head = posed(p)
    fit = fit_glasses(p, head, DESIGNS[glasses])
    skin = head.relaxed[head.model.is_skin]
    place = (np.column_stack([np.abs(skin[:, 0]), skin[:, 1]]) - fit.centre[:2]) / fit.half
    behind = skin[(np.linalg.norm(place, axis=1) < 0.75) & (skin[:, 2] > 0.04)]
    assert len(behind) > 20
    assert (fit.surface(behind[:, :2]) - behind[:, 2]).min() > 0.002
    assert fit.centre[2] - head.eye_centres[1, 2] < 0.060


@pytest.mark.parametrize("number", range(7))
def test_temples_run_along_the_head_to_the_ears(number):
    p = replace(odd_head(number), glasses="rectangular")
    head = posed(p)
    frame = join([part for part in build_glasses(p, head) if (part.material == Material.FRAME).all()])
    half_width = np.abs(frame.position[:, 0]).max()
    skull = head.relaxed[head.model.is_skin & (head.model.extra[:, 2] < 0.1) & (head.model.rest[:, 1] > -0.05)]
    assert half_width < np.abs(skull[:, 0]).max() + 0.014
    for root in head.ear_roots:
        assert np.linalg.norm(frame.position - root, axis=1).min() < 0.009
    assert frame.position[:, 2].min() < head.ear_roots[:, 2].min() - 0.012


def test_the_thinnest_frame_is_still_visible():
    p = HeadParameters(glasses="round", frame_thickness=0.0)
    assert fit_glasses(p, posed(p), DESIGNS["round"]).radius >= 0.0013


@pytest.mark.parametrize("neckline", NECKLINES)
def test_the_collar_lies_inside_the_cut_out(neckline):
    p = HeadParameters(neckline=neckline)
    cloth, collar = build_clothes(p, posed(p))
    inside = measure_edge(collar.rest, NECKLINES.index(neckline))
    assert inside.min() > 0.0005 and inside.max() < 0.009
    assert (measure_edge(cloth.rest, NECKLINES.index(neckline)) > 0).mean() > 0.5


def test_necklines_differ_in_front():
    front = np.array([[0.0, y, 0.025] for y in np.linspace(-0.12, -0.20, 81)])
    bare = [(measure_edge(front, index) < 0).sum() for index in range(len(NECKLINES))]
    crew, v_neck, turtleneck = bare
    assert v_neck > crew + 12 and crew > turtleneck + 12
