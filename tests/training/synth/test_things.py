"""What every domain of rendered things has to keep, whatever it shows."""

import math
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from sat3d.domains import load_domain
from sat3d.errors import ConfigError, FileError
from tests.training.synthheads.fakes import fake_render_head
from training.synth import shards
from training.synth.blocks import NumberBlock
from training.synth.cameras import Pose
from training.synth.dataset import ShardFolder
from training.synth.distributions import Uniform
from training.synth.domain import domain_names, find_domain
from training.synth.edits import true_edit
from training.synth.render_command import prepare_folder, render_missing
from training.synth.shards import DatasetPlan
from training.synthcars.populations import INDEPENDENT, TRAFFIC, USUAL_PAINT

THINGS = ("synthcars", "synthcats")


@pytest.fixture(params=THINGS)
def domain(request):
    return find_domain(request.param)


def drawn(domain, count=300):
    for population in domain.populations.values():
        for index in range(count):
            yield population, population.draw(7, index)


def test_domains_are_found_by_name_and_by_what_data_sets_say():
    assert {"synthheads", *THINGS} <= set(domain_names()) and "synth" not in domain_names()
    for name in domain_names():
        domain = find_domain(name)
        assert domain.name == name and find_domain(domain.id) is domain and find_domain(f"{name}.99") is domain
    for wrong in ("no_such_things", "", "../synthcars", "os.path", None, 5):
        with pytest.raises(ConfigError, match="synthcars"):
            find_domain(wrong)


def test_a_latent_gives_the_thing_and_the_thing_a_latent(domain):
    for population, p in drawn(domain, 60):
        again = population.parameters(population.latent(p))
        for name in domain.table.fields:
            first, second = getattr(p, name), getattr(again, name)
            assert first == second if isinstance(first, str) else np.allclose(first, second, atol=2e-3), name


def test_every_value_is_drawn_and_allowed(domain):
    seen = {name: set() for name, rule in domain.table.fields.items() if hasattr(rule, "values")}
    for _, p in drawn(domain):
        assert domain.table.from_dict(vars(p)) == p
        for name, values in seen.items():
            values.add(getattr(p, name))
    assert {name: set(domain.table.fields[name].values) for name in seen} == seen


def test_blocks_that_draw_no_parameter_are_refused():
    with pytest.raises(ConfigError, match=r"'independent' draw no parameter.*lenght.*parameters of a car.*length"):
        replace(INDEPENDENT, blocks=(*INDEPENDENT.blocks, NumberBlock("lenght", Uniform())))


def test_truths_are_of_the_known_values_and_all_of_them_occur(domain):
    seen = {name: set() for name in domain.attribute_values}
    for _, p in drawn(domain):
        truths = domain.attributes_of(p)
        assert list(truths) == list(domain.attribute_values)
        for name, value in truths.items():
            seen[name].add(value)
    for name, values in domain.attribute_values.items():
        assert seen[name] <= set(values) and set(values) - seen[name] <= {"other", "hidden", "none"}, name


def test_phrases_speak_of_truths_and_in_the_words_of_captions(domain):
    file, rng, heard = load_domain(domain.name), np.random.default_rng(3), set()
    for _, p in drawn(domain):
        heard |= set(re.findall(r"[\w-]+", domain.caption(p, rng).lower()))
    for group in file:
        assert {value for values in group.values for value in values} <= set(domain.attribute_values[group.truth])
    said = {word for group in file for phrase in group.phrases for word in re.findall(r"[\w-]+", phrase.lower())}
    assert not (unheard := sorted(said - heard)), f"{unheard} are in {file.name}.json, but in no caption"


def test_captions_are_sentences(domain):
    rng = np.random.default_rng(4)
    for _, p in drawn(domain, 100):
        text = domain.caption(p, rng)
        assert re.fullmatch(r"[A-Z][^@{}]*\.", text) and "  " not in text and " ," not in text
        assert not re.search(r"\b[Aa] [aeio]|\b[Aa]n [^aeioSU]", text), text


def test_data_sets_are_written_and_read_back(domain, tmp_path, monkeypatch):
    def render(kind, p, poses, size, device="cpu", style="natural"):
        views = fake_render_head(find_domain("synthheads").default, poses, size)
        for view in views:
            view.labels, view.labels_behind = view.labels % len(kind.labels), view.labels_behind % len(kind.labels)
        return views

    monkeypatch.setattr(shards, "render_views", render)
    plan = DatasetPlan(seed=1, size=16, count=6, views=3, cameras="wide", domain=domain.id)
    prepare_folder(tmp_path, plan)
    render_missing(tmp_path, plan, 1, "cpu")
    folder = ShardFolder(tmp_path)
    assert folder.domain is domain and len(folder) == 6
    assert [sample.parameters for sample in folder][::3] == [folder.plan.people.draw(1, i) for i in range(2)]
    front = domain.views.front
    assert folder[0].yaw_rad == pytest.approx(front.yaw_rad) and folder[0].pitch_rad == pytest.approx(front.pitch_rad)
    (tmp_path / "dataset.json").write_text(
        (tmp_path / "dataset.json").read_text().replace(domain.id, f"{domain.name}.99"), encoding="utf-8"
    )
    with pytest.raises(FileError, match="another version of the domain"):
        ShardFolder(tmp_path)


def test_cameras_keep_to_the_domains_sides(domain):
    views, rng = domain.views, np.random.default_rng(0)
    poses = [pose for _ in range(40) for pose in views.draw_wide(rng, 5)]
    for angles, (low, high) in (
        ([pose.yaw_rad for pose in poses], views.yaw_rad),
        ([pose.pitch_rad for pose in poses], views.pitch_rad),
    ):
        assert low <= min(angles) < low + 0.1 * (high - low) and high - 0.1 * (high - low) < max(angles) <= high
    assert isinstance(views.front, Pose)


def test_a_domain_without_a_file_says_which_is_missing(domain):
    assert domain.described().name == domain.name
    with pytest.raises(FileError, match=r"no sat3d/domains/no_such_things\.json.*docs/new_domain\.md"):
        replace(domain, name="no_such_things").described()


def test_cars_are_seen_from_behind_and_heads_of_cats_are_not():
    assert find_domain("synthcars").views.all_round and not find_domain("synthcats").views.all_round


def test_in_traffic_shape_and_colour_go_together_and_else_they_do_not():
    def share(population):
        cars = [population.draw(1, i) for i in range(500)]
        paints = find_domain("synthcars").attributes_of
        return np.mean([paints(car)["paint"] == USUAL_PAINT[car.body] for car in cars])

    assert share(TRAFFIC) > 0.8 and share(INDEPENDENT) < 0.2
    kinds = Counter((car.body, car.sign) for car in (TRAFFIC.draw(2, i) for i in range(400)))
    assert kinds["sedan", "taxi"] > 0.5 * kinds["sedan", "none"] and kinds["van", "taxi"] < 10


def test_a_true_edit_takes_over_all_of_an_attribute_and_nothing_besides(domain):
    people = next(iter(domain.populations.values()))
    source, reference = people.draw(1, 0), people.draw(1, 1)
    assert list(domain.edits) == list(load_domain(domain.name).attributes)
    for attribute, names in domain.edits.items():
        edited = true_edit(domain.edits, source, reference, attribute)
        for name in domain.table.fields:
            assert getattr(edited, name) == getattr(reference if name in names else source, name)
    with pytest.raises(ConfigError, match="wings"):
        true_edit(domain.edits, source, reference, "wings")


@pytest.mark.slow
def test_things_are_rendered_inside_the_picture_and_the_box(domain):
    from training.synth.views import render_views

    size = 48
    view, other = render_views(domain, domain.default, [domain.views.front, Pose(0.4, -0.2)], size)
    assert view.image.shape == (size, size, 3) and set(np.unique(view.labels)) <= set(range(len(domain.labels)))
    assert len(np.unique(view.labels)) >= len(domain.labels) - 1, "most parts are seen"
    solid = view.depth > 0
    assert (solid == (view.labels > 0)).all() and 0.05 < solid.mean() < 0.7
    near, far = domain.learning.rays
    assert near < view.depth[solid].min() and view.depth[solid].max() < far
    assert not solid[0].any() and not np.array_equal(view.image, other.image)
    half = domain.learning.box / 2
    position = np.abs(domain.build(domain.default).mesh.position)
    assert (position[:, [0, 2]] < half).all()


@pytest.mark.parametrize("name", [*THINGS, "synthheads"])
def test_nodes_begin_with_the_view_that_the_domain_calls_its_front(name):
    views, told = find_domain(name).views, load_domain(name)
    assert [math.radians(angle) for angle in told.front_deg] == pytest.approx(
        [views.front.yaw_rad, views.front.pitch_rad]
    )
    for given, drawn_from in ((told.sampling.yaw_deg, views.yaw_rad), (told.sampling.pitch_deg, views.pitch_rad)):
        assert drawn_from[0] - 1e-6 <= math.radians(given[0]) < math.radians(given[1]) <= drawn_from[1] + 1e-6
    assert told.all_round == views.all_round
