"""Hair: every style over its whole range stays closed, on the head, and moves smoothly with its parameters."""

import dataclasses

import numpy as np
import pytest

from training.synth.mesh import grid_triangles, make_mesh
from training.synthheads.attributes import HAIR_STYLES
from training.synthheads.hair import STYLES, build_hair
from training.synthheads.hair.cap import strands
from training.synthheads.hair.hairline import hairline_rad
from training.synthheads.hair.locks import away_from, jitter, radial, spread
from training.synthheads.hair.part import comb, place_at
from training.synthheads.hair.wisps import RINGS, Wisps, fray
from training.synthheads.head import load_head_model
from training.synthheads.materials import Material
from training.synthheads.parameters import HeadParameters


def hair_of(p: HeadParameters):
    return build_hair(p, load_head_model().pose(p))[0]


def test_every_style_has_a_function():
    assert tuple(STYLES) == HAIR_STYLES


@pytest.mark.parametrize("style", HAIR_STYLES)
@pytest.mark.parametrize("amount", [0.0, 1.0])
def test_surfaces_are_sound(style, amount):
    p = HeadParameters(hair_style=style, hair_volume=amount, hair_length=amount, parting=2 * amount - 1)
    parts = hair_of(p)
    assert bool(parts) == (style != "bald")
    for part in parts:
        assert np.isfinite(part.position).all() and np.isfinite(part.tangent).all()
        assert part.triangles.min() >= 0 and part.triangles.max() < len(part.position)
        assert (part.material == Material.HAIR).all()
        np.testing.assert_allclose(np.linalg.norm(part.normal, axis=1), 1, atol=1e-3)
        assert np.abs(part.position).max() < 0.45


@pytest.mark.parametrize("style", HAIR_STYLES)
@pytest.mark.parametrize("field", ["hair_volume", "hair_length", "parting"])
def test_a_small_change_moves_hair_a_little(style, field):
    base = HeadParameters(hair_style=style, hair_volume=0.4, hair_length=0.4, parting=0.31)
    near = dataclasses.replace(base, **{field: getattr(base, field) + 1e-3})
    for before, after in zip(hair_of(base), hair_of(near), strict=True):
        assert before.position.shape == after.position.shape
        assert np.linalg.norm(after.position - before.position, axis=1).max() < 2e-3


@pytest.mark.parametrize("style", [style for style in HAIR_STYLES if style != "bald"])
def test_the_face_stays_free(style):
    """No hair in front of the eyes, the nose and the mouth, seen from the front."""
    for part in hair_of(HeadParameters(hair_style=style, hair_volume=1.0, hair_length=1.0)):
        x, y, z = part.position.T
        assert not ((np.abs(x) < 0.035) & (y < 0.0) & (y > -0.11) & (z > 0.06)).any()


def test_strands_end_at_the_hairline_and_their_ring_is_closed():
    where = strands((0.0, 1.0, -0.3), hairline_rad, 72, 12)
    limit = hairline_rad(where.azimuth_rad[:, -1])
    assert np.abs(np.rad2deg(where.polar_rad[:, -1] - limit)).mean() < 3
    np.testing.assert_allclose(where.direction[0], where.direction[-1], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(where.direction, axis=-1), 1, atol=1e-6)


def test_places_are_spread_evenly_and_are_always_the_same():
    azimuth, polar = spread(1000, np.pi)
    assert abs((polar < np.pi / 2).mean() - 0.5) < 0.01 and abs((azimuth > 0).mean() - 0.5) < 0.02
    values = jitter(1000, 3)
    assert -1 <= values.min() < -0.9 and 0.9 < values.max() <= 1 and abs(values.mean()) < 0.06
    np.testing.assert_array_equal(values, jitter(1000, 3))


def test_away_from_a_whorl_lies_in_the_surface():
    normal = np.array([[1.0, 0.0, 0.0], [0.0, 0.6, 0.8]])
    flow = away_from(np.array([0.0, 2.0, 0.0]), normal)
    np.testing.assert_allclose((flow * normal).sum(1), 0, atol=1e-9)
    np.testing.assert_allclose(flow, [[0, -1, 0], [0, -0.8, 0.6]], atol=1e-9)


def test_hair_is_combed_away_from_the_parting():
    azimuth, polar = (grid.ravel() for grid in np.meshgrid(np.linspace(-3, 3, 31), np.linspace(0.05, 1.9, 20)))
    hairy = polar < hairline_rad(azimuth)
    direction, parting = radial(azimuth[hairy], polar[hairy]), radial(0.7, 0.7)
    combed = comb(direction, parting)
    np.testing.assert_allclose(comb(parting, parting).turn_rad, 0, atol=1e-9)
    assert np.abs((combed.flow * direction).sum(1)).max() < 2e-3
    later = comb(direction + 1e-3 * combed.flow, parting)
    assert (np.abs(later.turn_rad) > np.abs(combed.turn_rad)).all()
    np.testing.assert_allclose(later.across, combed.across, atol=1e-4)


@pytest.mark.parametrize("style", ["side part", "quiff"])
def test_the_parting_goes_through_the_middle_without_a_jump(style):
    left, middle, right = (hair_of(HeadParameters(hair_style=style, parting=at))[0] for at in (-5e-4, 0.0, 5e-4))
    for near in (left, right):
        assert np.linalg.norm(near.position - middle.position, axis=1).max() < 1e-3


def test_styles_have_their_shape():
    """Heights over the crown and half widths, in metres: what tells the styles apart."""
    top, width = {}, {}
    for style in ("buzz cut", "short crop", "quiff", "mohawk", "afro"):
        position = np.concatenate([part.position for part in hair_of(HeadParameters(hair_style=style))])
        top[style], width[style] = position[:, 1].max(), np.abs(position[:, 0]).max()
    assert top["buzz cut"] < top["short crop"] < top["quiff"] - 0.01
    assert width["mohawk"] < 0.03 < 0.1 < width["afro"] and top["mohawk"] > top["short crop"] + 0.03


def test_an_afro_is_a_ball():
    (afro,) = hair_of(HeadParameters(hair_style="afro"))
    upper = afro.position[afro.position[:, 1] > 0.06]
    middle = (upper.max(0) + upper.min(0)) / 2
    middle[1] = upper[:, 1].max() - (upper[:, 0].max() - upper[:, 0].min()) / 2
    distance = np.linalg.norm(upper - middle, axis=1)
    assert distance.std() < 0.08 * distance.mean()


def test_places_by_their_parting_are_what_combing_takes_apart():
    parting = radial(0.7, 0.7)
    turn, across = (grid.ravel() for grid in np.meshgrid(np.linspace(-1.5, 1.5, 7), np.linspace(0.2, 0.9, 5)))
    place = place_at(turn, across, parting)
    combed = comb(place, parting)
    np.testing.assert_allclose(np.linalg.norm(place, axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(combed.turn_rad, turn, atol=1e-6)
    np.testing.assert_allclose(combed.across, across, atol=1e-6)


def test_wisps_start_under_the_surface_and_leave_it():
    across, along = np.meshgrid(np.linspace(0, 0.1, 11), np.linspace(0, 0.2, 21), indexing="ij")
    sheet = make_mesh(
        np.stack([across, -along, 0 * along], -1), grid_triangles(11, 21)[:, ::-1], Material.HAIR,
        rest=np.stack([across, along / 0.2, 1 + 0 * along], -1),
    )  # fmt: skip
    wisps = Wisps(40, (0.2, 0.6), 0.3, rise_m=0.005, stray_m=0.003)
    (same, loose) = fray([sheet], 21, wisps)
    assert same is sheet
    place = loose.position.reshape(40, RINGS, 3, 3).mean(2)  # the middle of each ring of three
    assert (place[:, 0, 2] < -0.001).all() and (place[:, -1, 2] > 0.001).all() and place[..., 2].max() <= 0.005 + 1e-6
    assert np.abs(place[:, -1, 0] - place[:, 0, 0]).max() <= 0.003 + 1e-6
    assert (np.diff(place[..., 1], axis=1) < 0).all() and place[..., 1].min() > -0.2 * 1.03 - 1e-6
    width = np.linalg.norm(np.ptp(loose.position.reshape(40, RINGS, 3, 3), axis=2), axis=-1)
    assert width[:, 0].max() == width[:, -1].max() == 0 and width.max() > 0.0015


@pytest.mark.parametrize("style", ["side part", "quiff", "bob", "long straight", "long wavy", "bun", "ponytail"])
def test_outlines_are_frayed_by_strands_a_pixel_wide(style):
    *_, loose = hair_of(HeadParameters(hair_style=style))
    assert 500 < len(loose.triangles) < 8000
    thickest = np.linalg.norm(np.ptp(loose.position.reshape(-1, RINGS, 3, 3), axis=2), axis=-1).max(1)
    assert np.median(thickest) > 0.0013  # some are hidden where there is no hair for them
