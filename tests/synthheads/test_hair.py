"""Hair: every style over its whole range stays closed, on the head, and moves smoothly with its parameters."""

import dataclasses

import numpy as np
import pytest

from training.synthheads.attributes import HAIR_STYLES
from training.synthheads.hair import STYLES, build_hair
from training.synthheads.hair.cap import strands
from training.synthheads.hair.hairline import hairline_rad
from training.synthheads.hair.locks import away_from, jitter, spread
from training.synthheads.head import load_head_model
from training.synthheads.mesh import Material
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
