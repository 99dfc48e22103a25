"""Populations: balance, round trips, rotation, independent draws."""

import dataclasses
import hashlib

import numpy as np
import pytest

from sat3d.errors import ConfigError, ShapeError
from training.synth.categorical import calibrated_offsets, circle_choice, simplex_choice, win_probabilities
from training.synth.distributions import (
    Bell,
    Mixture,
    OftenZero,
    Signed,
    Triangular,
    TruncatedNormal,
    Uniform,
    draw_value,
    latent_number,
)
from training.synth.rules import ChoiceRule, ColourRule
from training.synthheads.actions import ACTION_NAMES, actions_of, expression_of
from training.synthheads.attributes import HAIR_STYLES, SHAPE_NAMES
from training.synthheads.cameras import PITCH_LIMIT_RAD, YAW_LIMIT_RAD
from training.synthheads.parameter_spec import FIELDS, change, parse_settings
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import FIRST, INDEPENDENT, PHOTOGRAPHS, POPULATIONS, find_population

PRIORS = {
    "hair_style": {"bald": 0.045, "balding": 0.045},
    "beard": {"none": 0.35},
    "glasses": {"none": 0.34},
    "neckline": {},
    "backdrop": {"plain": 0.3},
}
EVERYONE = pytest.mark.parametrize("population", list(POPULATIONS.values()), ids=list(POPULATIONS))


@pytest.fixture(scope="module")
def people():
    return [INDEPENDENT.draw(11, index) for index in range(4000)]


@pytest.mark.parametrize("population", [INDEPENDENT, PHOTOGRAPHS])
def test_every_parameter_has_exactly_one_block(population):
    assert sorted(block.name for block in population.blocks) == sorted(FIELDS)
    assert population.z_dim == 189


def test_the_first_edition_is_drawn_as_it_was():
    """What the shipped generator was trained on: the very heads, by their z."""
    assert FIRST.z_dim == 152
    p = FIRST.draw(3, 11)
    assert (p.hair_style, p.beard, p.glasses, p.backdrop, p.light_yaw_deg) == (
        "balding",
        "moustache",
        "none",
        "plain",
        -32.9,
    )
    assert p.age == 0.268657 and p.actions == actions_of("angry", 0.96)


def test_unknown_populations_are_refused():
    with pytest.raises(ConfigError, match="photographs"):
        find_population("paintings")


@pytest.mark.parametrize(
    ("population", "wanted"),
    [(FIRST, "27b6a578d8f30e9a"), (INDEPENDENT, "9006734a5f49012f"), (PHOTOGRAPHS, "f26f1af81b58d5b5")],
)
def test_the_rotation_is_orthogonal_fixed_and_mixes_every_axis(population, wanted):
    matrix = population.rotation
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(population.z_dim), atol=1e-9)
    assert np.abs(matrix).max() < 0.5
    # Eight decimals: what any linear algebra library agrees on.
    digest = hashlib.sha256((np.round(matrix, 8) + 0.0).tobytes()).hexdigest()
    assert digest[:16] == wanted


@pytest.mark.slow
@EVERYONE
def test_people_come_back_from_their_latents_exactly(population):
    for index in range(400):
        p = population.draw(11, index)
        assert population.parameters(population.latent(p)) == p


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
    odd = change(HeadParameters(), hair_colour=(0.9, 0.1, 0.9), light_strength=0.1, shape={"head-fat-incr": 1.0})
    back = INDEPENDENT.parameters(INDEPENDENT.latent(odd))
    assert back.light_strength == pytest.approx(0.2, abs=1e-4) and max(back.shape) == pytest.approx(0.9, abs=1e-4)
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


def test_faces_are_named_expressions_in_six_of_ten_and_mixtures_in_four(people):
    named = [expression_of(p.actions) for p in people]
    pure = [name is not None and np.allclose(p.actions, actions_of(name, s), atol=2e-3)
            for p, (name, s) in zip(people, named, strict=True)]  # fmt: skip
    assert abs(np.mean(pure) - 0.6) < 0.04
    mixtures = np.array([p.actions for p, is_pure in zip(people, pure, strict=True) if not is_pure])
    assert (np.count_nonzero(mixtures > 0.5, axis=0) > 20).all()  # every action is seen, strongly
    assert (mixtures.min(0) >= 0).all() and (mixtures.max(0) <= 1).all()
    for up, down in (
        ("smile_left", "frown_left"),
        ("lid_closed_right", "lid_wide_right"),
        ("mouth_left", "mouth_right"),
    ):
        both = mixtures[:, [ACTION_NAMES.index(up), ACTION_NAMES.index(down)]].min(1)
        assert (both == 0).all()


def test_photographs_follow_their_laws():
    crowd = [PHOTOGRAPHS.draw(5, index) for index in range(2500)]
    men, women = ([p for p in crowd if (p.sex >= 0.5) == masculine] for masculine in (True, False))

    def share(people, holds):
        return np.mean([holds(p) for p in people])

    grown = [p for p in men if p.age >= 0.32]
    assert share(grown, lambda p: p.beard != "none") > 0.4 and share(women, lambda p: p.beard != "none") < 0.02
    assert share(women, lambda p: p.lipstick > 0) > 0.4 and share(men, lambda p: p.lipstick > 0) < 0.04
    old, young = ([p for p in crowd if holds(p.age)] for holds in (lambda a: a > 0.76, lambda a: a < 0.5))
    assert share(old, lambda p: p.hair_colour[2] > 0.4) > 3 * share(young, lambda p: p.hair_colour[2] > 0.4)
    assert share(old, lambda p: p.glasses != "none") > share(young, lambda p: p.glasses != "none") + 0.2
    smiles = [p.actions[ACTION_NAMES.index("smile_left")] for p in crowd]
    assert 0.35 < np.mean(np.array(smiles) > 0.3) < 0.7
    tone, african = np.array([p.skin_tone for p in crowd]), np.array([p.ancestry[0] for p in crowd])
    assert np.corrcoef(tone, african)[0, 1] > 0.7


@pytest.mark.slow
def test_beards_tell_of_chins_in_photographs_and_not_in_the_independent_population():
    """A linear reader of chin shapes, tested on people it has not seen: how much better than the commoner answer."""
    chins = [SHAPE_NAMES.index(name) for name in SHAPE_NAMES if name.startswith("chin")]
    gains = {}
    for population in (INDEPENDENT, PHOTOGRAPHS):
        crowd = [population.draw(8, index) for index in range(2400)]
        x = np.array([[p.shape[i] for i in chins] + [1.0] for p in crowd])
        y = np.array([p.beard != "none" for p in crowd]) * 2.0 - 1.0
        weights = np.linalg.lstsq(x[:1600], y[:1600], rcond=None)[0]
        right, commoner = np.mean(np.sign(x[1600:] @ weights) == y[1600:]), max(np.mean(y > 0), np.mean(y < 0))
        corr = np.corrcoef(x[1600:] @ weights, y[1600:])[0, 1]
        gains[population.name] = right - commoner, corr
    assert abs(gains["independent"][1]) < 0.11 and gains["photographs"][1] > 0.25, gains


@pytest.mark.parametrize(
    "law",
    [Uniform(), Uniform(-1, 1), Triangular(), TruncatedNormal(0.3, 0.9), Bell(0.3, 0.2), Bell(-10, 35, -75, 75)],
)
def test_laws_go_back_and_forth_and_move_steadily(law):
    z = np.linspace(-4, 4, 801)
    values = np.array([draw_value(law, number) for number in z])
    assert (np.diff(values) >= 0).all() and np.diff(values).max() < 0.02 * (law.value(1.0) - law.value(0.0))
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


def test_signed_laws_are_zero_negative_and_positive_as_often_as_wanted():
    law = Signed(0.5, 0.4, 0.2)
    values = np.array([draw_value(law, z) for z in np.random.default_rng(0).standard_normal(20000)])
    assert abs(np.mean(values == 0) - 0.5) < 0.02 and abs(np.mean(values < 0) - 0.2) < 0.02
    assert np.abs(values[values != 0]).min() >= 0.2 and np.abs(values).max() <= 1
    for value in (-1.0, -0.3, 0.0, 0.2, 0.77, 1.0):
        assert draw_value(law, latent_number(law, value)) == pytest.approx(value, abs=1e-5)


def test_mixtures_of_laws_go_back_and_forth():
    law = Mixture(0.5, Bell(0.15, 0.12, 0.0, 0.45), Bell(0.85, 0.12, 0.55, 1.0))
    values = np.array([draw_value(law, z) for z in np.random.default_rng(0).standard_normal(4000)])
    assert abs(np.mean(values < 0.5) - 0.5) < 0.04 and not ((values > 0.45) & (values < 0.55)).any()
    for value in values[:50]:
        assert draw_value(law, latent_number(law, value)) == value


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


def test_photographs_are_taken_from_the_front_above_all_of_those_who_smile():
    heads = [PHOTOGRAPHS.draw(4, head) for head in range(1500)]
    yaw = np.array([[pose.yaw_rad for pose in PHOTOGRAPHS.draw_poses(4, head, 3)] for head in range(1500)])
    smile = np.array([p.actions[ACTION_NAMES.index("smile_left")] for p in heads])
    broad, none = np.abs(yaw[smile > 0.7]).mean(), np.abs(yaw[smile == 0]).mean()
    assert np.degrees(yaw.std()) < 20 and broad < 0.8 * none
    wide = PHOTOGRAPHS.draw_poses(4, 7, 4, wide=True)
    assert wide == INDEPENDENT.draw_poses(4, 7, 4)


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
        ({"actions": {"jaw_opened": 1}}, "jaw_open"),
        ({"actions": {"jaw_open": -0.1}}, "0 to 1"),
        ({"expression": "bored"}, "neutral"),
        ({"jaw_open": 0.5}, "actions"),
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


def test_an_expression_replaces_all_actions_and_named_actions_come_on_top():
    p = change(HeadParameters(), expression="smile", actions={"jaw_open": 0.4})
    wanted = dict(zip(ACTION_NAMES, actions_of("smile"), strict=True)) | {"jaw_open": 0.4}
    assert p.actions == tuple(wanted.values())
    assert change(p, expression="neutral").actions == (0.0,) * len(ACTION_NAMES)


def test_settings_of_a_command_line():
    assert parse_settings(["expression=smile", "jaw_open=0.3"]) == {"expression": "smile", "actions": {"jaw_open": 0.3}}
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
    assert (len(HAIR_STYLES), len(SHAPE_NAMES), len(ACTION_NAMES), INDEPENDENT.z_dim) == (14, 65, 27, 189)
