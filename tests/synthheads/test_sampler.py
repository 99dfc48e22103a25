"""The latent: balance, round trips, rotation, independent draws."""

import dataclasses
import hashlib

import numpy as np
import pytest

from sat3d.errors import ConfigError, ShapeError
from training.synthheads import sampler
from training.synthheads.attributes import HAIR_STYLES, SHAPE_NAMES
from training.synthheads.cameras import PITCH_LIMIT_RAD, YAW_LIMIT_RAD
from training.synthheads.categorical import calibrated_offsets, circle_choice, simplex_choice, win_probabilities
from training.synthheads.distributions import OftenZero, Triangular, TruncatedNormal, Uniform, draw_value, latent_number
from training.synthheads.parameter_spec import FIELDS, ChoiceRule, ColourRule, change, parse_settings
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import INDEPENDENT

PRIORS = {
    "hair_style": {"bald": 0.045, "balding": 0.045},
    "expression": {"neutral": 0.16},
    "beard": {"none": 0.35},
    "glasses": {"none": 0.34},
    "neckline": {},
}


@pytest.fixture(scope="module")
def people():
    return [INDEPENDENT.draw(11, index) for index in range(4000)]


def test_every_parameter_has_exactly_one_block():
    assert sorted(block.name for block in INDEPENDENT.blocks) == sorted(FIELDS)
    assert 128 <= INDEPENDENT.z_dim <= 160


def test_the_rotation_is_orthogonal_fixed_and_mixes_every_axis():
    matrix = INDEPENDENT.rotation
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(INDEPENDENT.z_dim), atol=1e-9)
    assert np.abs(matrix).max() < 0.5
    # Eight decimals: what any linear algebra library agrees on.
    digest = hashlib.sha256((np.round(matrix, 8) + 0.0).tobytes()).hexdigest()
    assert digest[:16] == "27b6a578d8f30e9a"


def test_people_come_back_from_their_latents_exactly(people):
    for p in people[:500]:
        assert INDEPENDENT.parameters(INDEPENDENT.latent(p)) == p


def test_a_stored_latent_gives_the_same_person():
    z = INDEPENDENT.draw_latent(5, 6)
    assert z.dtype == np.float32
    assert INDEPENDENT.parameters([float(f"{number:.9g}") for number in z.tolist()]) == INDEPENDENT.parameters(z)


@pytest.mark.parametrize("name", [name for name, rule in FIELDS.items() if isinstance(rule, ChoiceRule)])
def test_each_category_has_a_latent(name):
    for value in FIELDS[name].values:
        z = INDEPENDENT.latent(change(HeadParameters(), **{name: value}))
        assert getattr(INDEPENDENT.parameters(z), name) == value
        assert np.abs(z).max() < 6


@pytest.mark.parametrize(
    "name", [name for name, rule in FIELDS.items() if isinstance(rule, ColourRule) and name != "beard_colour"]
)
def test_each_colour_keeps_its_name_under_jitter(name):
    block = next(block for block in INDEPENDENT.blocks if block.name == name)
    for anchor in block.anchors:
        for light in (-1, 1):
            for warm in (-1, 1):
                colour = anchor + light * block.lightness + warm * block.warmth * np.array([1, 0, -1])
                assert colour.min() >= 0 and colour.max() <= 1
                distances = np.linalg.norm(block.anchors - colour, axis=1)
                assert np.argmin(distances) == np.argmin(np.linalg.norm(block.anchors - anchor, axis=1))
                assert np.sort(distances)[0] < 0.7 * np.sort(distances)[1]


def test_what_the_domain_never_draws_becomes_the_nearest_it_does():
    odd = change(HeadParameters(), hair_colour=(0.9, 0.1, 0.9), expression_strength=0.1, shape={"head-fat-incr": 1.0})
    back = INDEPENDENT.parameters(INDEPENDENT.latent(odd))
    assert back.expression_strength == 0.8 and max(back.shape) == pytest.approx(0.9, abs=1e-4)
    assert back.hair_colour[0] > 0.8


@pytest.mark.parametrize("name", sorted(PRIORS))
def test_categories_are_as_frequent_as_wanted(people, name):
    values = FIELDS[name].values
    rest = (1 - sum(PRIORS[name].values())) / (len(values) - len(PRIORS[name]))
    for value in values:
        wanted = PRIORS[name].get(value, rest)
        share = np.mean([getattr(p, name) == value for p in people])
        assert abs(share - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / len(people))


def test_offsets_reach_their_priors_and_are_zero_for_equal_ones():
    priors = (0.5, 0.3, 0.15, 0.05)
    np.testing.assert_allclose(win_probabilities(calibrated_offsets(priors)), priors, atol=2e-4)
    assert not calibrated_offsets((0.25,) * 4).any()


@pytest.mark.parametrize(
    "choice", [simplex_choice((0.7, 0.2, 0.05, 0.05)), circle_choice(8), simplex_choice((1,) * 14)]
)
def test_representatives_lie_inside_their_category(choice):
    for category in range(len(choice.offsets)):
        scores = choice.directions @ choice.representative(category) + choice.offsets
        second = np.sort(scores)[-2]
        assert np.argmax(scores) == category and scores[category] - second > 0.3


def test_the_balance_of_people(people):
    tone, sex, age = (np.array([getattr(p, name) for p in people]) for name in ("skin_tone", "sex", "age"))
    for values in (tone, sex, age):
        np.testing.assert_allclose(np.histogram(values, 10, (0, 1))[0] / len(people), 0.1, atol=0.02)
    ancestry = np.array([p.ancestry for p in people])
    np.testing.assert_allclose(ancestry.mean(0), 1 / 3, atol=0.02)
    np.testing.assert_allclose(ancestry.sum(1), 1, atol=1e-9)
    beard = np.array([p.beard != "none" for p in people])
    lipstick = np.array([p.lipstick > 0 for p in people])
    assert abs(lipstick.mean() - 0.5) < 0.03
    for first in (tone, sex, age):
        for second in (*ancestry.T, beard, lipstick):
            assert abs(np.corrcoef(first, second)[0, 1]) < 0.06


def test_values_stay_in_their_ranges(people):
    for p in people[:500]:
        assert change(p, **vars(p)) == p
        assert max(map(abs, p.shape)) <= 0.9 and 0.85 <= p.lens_darkness <= 1


@pytest.mark.parametrize("law", [Uniform(), Uniform(-1, 1), Triangular(), TruncatedNormal(0.3, 0.9)])
def test_laws_go_back_and_forth_and_move_steadily(law):
    z = np.linspace(-4, 4, 801)
    values = np.array([draw_value(law, number) for number in z])
    assert (np.diff(values) >= 0).all() and np.diff(values).max() < 0.02
    for value in values[::50]:
        assert draw_value(law, latent_number(law, value)) == value
    for end in (-9, 9):
        assert draw_value(law, latent_number(law, draw_value(law, end))) == pytest.approx(
            draw_value(law, end), abs=1e-3
        )


def test_often_zero_is_exactly_zero_that_often():
    law = OftenZero(0.5, Uniform(0.4, 1.0))
    assert draw_value(law, -0.01) == 0 and draw_value(law, 0.01) >= 0.4
    assert draw_value(law, latent_number(law, 0.0)) == 0 and draw_value(law, latent_number(law, 0.7)) == 0.7


def test_editing_a_latent_changes_only_what_was_named():
    for index in range(20):
        z = INDEPENDENT.draw_latent(3, index)
        before = INDEPENDENT.parameters(z)
        after = INDEPENDENT.parameters(INDEPENDENT.edit(z, glasses="round", age=0.25))
        assert after == dataclasses.replace(before, glasses="round", age=0.25)
    np.testing.assert_allclose(INDEPENDENT.edit(z), z, atol=1e-9)


def test_a_beard_stays_near_its_colour_when_the_hair_is_dyed():
    z = INDEPENDENT.edit(INDEPENDENT.draw_latent(3, 1), hair_colour="brown", beard_colour=(0.2635, 0.1615, 0.09775))
    after = INDEPENDENT.parameters(INDEPENDENT.edit(z, hair_colour="blue"))
    assert after.hair_colour == (0.13, 0.29, 0.76)
    np.testing.assert_allclose(after.beard_colour, (0.2635, 0.1615, 0.09775), atol=0.06)


def test_heads_are_independent_of_each_other_and_repeatable():
    assert (INDEPENDENT.draw_latent(1, 2) == INDEPENDENT.draw_latent(1, 2)).all()
    for other in (INDEPENDENT.draw_latent(1, 3), INDEPENDENT.draw_latent(2, 2), INDEPENDENT.draw_latent(2, 1)):
        assert abs(np.corrcoef(INDEPENDENT.draw_latent(1, 2), other)[0, 1]) < 0.4
    many = np.stack([INDEPENDENT.draw_latent(0, index) for index in range(2000)])
    assert abs(many.mean()) < 0.01 and abs(many.std() - 1) < 0.01


def test_cameras_cover_the_range_and_begin_near_the_front():
    poses = [INDEPENDENT.draw_poses(4, head, 4) for head in range(1500)]
    yaw = np.array([[pose.yaw_rad for pose in row] for row in poses]) / YAW_LIMIT_RAD
    pitch = np.array([[pose.pitch_rad for pose in row] for row in poses]) / PITCH_LIMIT_RAD
    assert (np.abs(yaw) <= 1).all() and (np.abs(pitch) <= 1).all()
    assert (np.abs(yaw[:, 0]) <= np.abs(yaw).min(1)).all()
    for angles in (yaw, pitch):
        assert (np.sort(np.floor((angles + 1) * 2 - 1e-9), axis=1) == [0, 1, 2, 3]).all()
        np.testing.assert_allclose(np.histogram(angles, 10, (-1, 1))[0] / angles.size, 0.1, atol=0.015)
    assert sampler.draw_camera(4, 7, 2) == poses[7][2]


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_out_of_range_are_refused(seed):
    with pytest.raises(ConfigError, match="Seed out of range"):
        INDEPENDENT.draw_latent(seed, 0)


@pytest.mark.parametrize("z", [np.zeros(3), np.full(INDEPENDENT.z_dim, np.nan), np.zeros((1, INDEPENDENT.z_dim))])
def test_wrong_latents_are_refused(z):
    with pytest.raises(ShapeError):
        INDEPENDENT.parameters(z)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"hair_stile": "afro"}, "hair_style"),
        ({"hair_style": "perm"}, "mohawk"),
        ({"age": 1.5}, "from 0 to 1"),
        ({"age": "old"}, "from 0 to 1"),
        ({"age": float("nan")}, "from 0 to 1"),
        ({"age": True}, "from 0 to 1"),
        ({"iris_colour": "purple"}, "amber"),
        ({"iris_colour": (0, 1, 2)}, "three numbers"),
        ({"ancestry": (0, 0, 0)}, "three shares"),
        ({"ancestry": (1, -1, 1)}, "three shares"),
        ({"shape": {"nose-hump": 1}}, "nose-hump-incr"),
        ({"shape": [0.0]}, str(len(SHAPE_NAMES))),
        ({"shape": {"nose-hump-incr": 3}}, "-1 to 1"),
    ],
)
def test_change_says_what_is_allowed(values, wanted):
    with pytest.raises(ConfigError, match="(?s)Wanted.*" + wanted):
        change(HeadParameters(), **values)


def test_change_takes_names_arrays_and_parts_of_a_shape():
    p = change(HeadParameters(), hair_colour="pink", iris_colour=np.array([0.1, 0.2, 0.3]), ancestry=(2, 1, 1))
    assert p.hair_colour == (0.92, 0.38, 0.62) and p.iris_colour == (0.1, 0.2, 0.3) and p.ancestry[0] == 0.5
    p = change(p, shape={"nose-hump-incr": 0.5})
    p = change(p, shape={"head-fat-incr": -1})
    assert p.shape[SHAPE_NAMES.index("nose-hump-incr")] == 0.5 and p.shape[SHAPE_NAMES.index("head-fat-incr")] == -1


def test_settings_of_a_command_line():
    values = parse_settings(["hair_style=afro", "skin-tone = 0.5", "nose-hump-incr=-1", "iris_colour=0.1,0.2,0.3"])
    assert values == {
        "hair_style": "afro",
        "skin_tone": 0.5,
        "shape": {"nose-hump-incr": -1.0},
        "iris_colour": (0.1, 0.2, 0.3),
    }
    for wrong in ("age", "age=", "age=1,1", "hair_style=", "wings=1", "iris_colour=1,2", "nose-hump-incr=2"):
        with pytest.raises(ConfigError):
            parse_settings([wrong])


def test_the_tables_are_what_the_latent_was_made_for():
    """A value added to a table moves every latent after it: then the domain's version has to change as well."""
    assert (len(HAIR_STYLES), len(SHAPE_NAMES), INDEPENDENT.z_dim) == (14, 65, 152)
