"""Training of the reader and the parser: targets, augmentation, learning, and going on after a kill."""

import dataclasses
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sat3d.errors import ConfigError, FileError
from sat3d.files.network_files import save_network
from sat3d.networks.reader import KIND, AttributeReader, RawOutput, load_reader
from sat3d.networks.reader_config import TWO_LOOKS
from sat3d.networks.seen_faces import TOLD
from sat3d.parsing.parser import load_parser
from tests.training.tiny_networks import SMALL_PARSER, SMALL_READER, SMALL_SECOND, engine_of, striped
from training import train_reader
from training.common.checkpoint import state_path
from training.common.random_numbers import Draws, EpochOrder
from training.data.degradations import DEGRADATIONS, blur, degrade
from training.data.geometric import _draw_moves, mirror, move
from training.data.views import even_shares, load_views, render_views
from training.networks import command
from training.networks.generated_views import joined
from training.networks.metrics import confusion, explained, overlaps, pick_rates
from training.networks.mirroring import mirrored_targets
from training.networks.parser import ParserTask
from training.networks.reader import ReaderTask, best_temperature, column_weights, number_losses
from training.networks.targets import (
    ACTIONS,
    CATEGORIES,
    NUMBER_SIZES,
    NUMBER_WEIGHTS,
    NUMBERS,
    READERS,
    UNKNOWN,
    number_columns,
    reader_config,
    shared_categories,
    targets_of,
)
from training.networks.task import Recipe
from training.synth import dataset
from training.synth.dataset import ShardFolder
from training.synth.render_command import prepare_folder, render_missing
from training.synth.shards import DatasetPlan
from training.synthheads.actions import ACTION_NAMES
from training.synthheads.parameter_spec import change
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import INDEPENDENT, PHOTOGRAPHS


def reader_task(config=SMALL_READER, **options) -> ReaderTask:
    return ReaderTask(striped(128), config=config, **options)


def truth_of(p: HeadParameters, name: str):
    targets = targets_of([p], np.zeros(1), np.zeros(1))
    if name in CATEGORIES:
        index = int(targets.classes[0, list(CATEGORIES).index(name)])
        return None if index == UNKNOWN else CATEGORIES[name][index]
    return targets.numbers[0, number_columns()[name]]


def with_actions(**strengths: float) -> HeadParameters:
    return change(HeadParameters(), actions=tuple(strengths.get(name, 0.0) for name in ACTION_NAMES))


def test_what_is_hidden_is_not_learned():
    dark = HeadParameters(glasses="sunglasses", hair_style="bald", lens_darkness=0.95)
    assert truth_of(dark, "glasses") == "sunglasses" and truth_of(dark, "hair_colour") == "none"
    assert truth_of(dark, "iris_colour") is None
    assert np.isnan(truth_of(dark, "iris_rgb")).all() and np.isnan(truth_of(dark, "hair_volume")).all()
    assert truth_of(HeadParameters(), "iris_colour") == "brown"
    np.testing.assert_allclose(truth_of(HeadParameters(), "cloth_rgb"), (0.15, 0.28, 0.62), rtol=1e-6)


def test_every_action_is_a_number_of_its_own():
    assert [name.removeprefix("action_") for name in ACTIONS] == list(ACTION_NAMES)
    p = with_actions(jaw_open=0.4, smile_left=0.7)
    found = {name: float(truth_of(p, name)[0]) for name in ACTIONS}
    assert found.pop("action_jaw_open") == pytest.approx(0.4) and found.pop("action_smile_left") == pytest.approx(0.7)
    assert set(found.values()) == {0.0}


def test_dark_lenses_hide_brows_lids_and_gaze_and_a_beard_hides_no_mouth():
    dark = change(with_actions(smile_left=0.6, brow_down_left=0.5), glasses="sunglasses", lens_darkness=0.9)
    hidden = {name for name in NUMBERS if np.isnan(truth_of(dark, name)).all()}
    sides = {f"action_{name}_{side}" for name in ("brow_outer_up", "brow_down", "lid_closed", "lid_wide", "cheek_up")
             for side in ("left", "right")}  # fmt: skip
    assert {name for name in hidden if name.startswith("action_")} == sides | {"action_brows_inner_up"}
    assert {"gaze_yaw", "gaze_pitch", "lid_openness"} < hidden and truth_of(dark, "gaze") is None
    assert truth_of(dark, "lens_darkness") == pytest.approx(0.9) and "frame_thickness" not in hidden
    bearded = change(with_actions(jaw_open=0.4), beard="full beard", beard_length=1.0)
    assert not any(np.isnan(truth_of(bearded, name)).any() for name in ACTIONS)
    assert np.isnan(truth_of(bearded, "lens_darkness")).all()


def test_closed_eyes_look_nowhere_and_one_open_eye_does():
    closed, wink = (with_actions(lid_closed_left=left, lid_closed_right=1.0) for left in (0.9, 0.1))
    assert np.isnan(truth_of(closed, "gaze_yaw")).all() and truth_of(closed, "gaze") is None
    aside = change(wink, gaze_yaw=-0.6)
    assert truth_of(aside, "gaze_yaw") == pytest.approx(-0.6) and truth_of(aside, "gaze") == "left"


def test_backdrops_have_the_colours_that_can_be_told_apart():
    plain, gradient, horizon = (HeadParameters(backdrop=name) for name in ("plain", "gradient", "horizon"))
    assert [np.isnan(truth_of(p, "background_rgb")).all() for p in (plain, gradient, horizon)] == [False, True, False]
    shown = [np.isnan(truth_of(p, "background_second_rgb")).all() for p in (plain, gradient, horizon)]
    assert shown == [True, True, False]
    assert np.isnan(truth_of(plain, "horizon_height")).all() and truth_of(horizon, "horizon_height") == 0


def test_the_second_reader_says_what_the_first_says_with_another_network():
    first, second = (reader_config(name) for name in READERS)
    assert (first.categories, first.numbers) == (second.categories, second.numbers)
    assert first.architecture != second.architecture == TWO_LOOKS
    assert shared_categories(first) == CATEGORIES
    older = dataclasses.replace(first, categories=(*list(CATEGORIES.items())[:3], ("glasses", ("no", "yes"))))
    assert list(shared_categories(older)) == list(CATEGORIES)[:3]


def mirrored(p: HeadParameters) -> dict[str, object]:
    """Every category and number of the mirrored picture, seen from 0.3 yaw and 0.1 pitch."""
    plain = targets_of([p], np.array([0.3]), np.array([0.1]))
    classes, numbers = mirrored_targets(plain.classes, plain.numbers)
    names = {name: CATEGORIES[name][classes[0, column]] for column, name in enumerate(CATEGORIES)}
    return names | {name: numbers[0, columns] for name, columns in number_columns().items()}


def test_a_mirrored_picture_shows_the_other_side_of_everything():
    p = change(
        with_actions(smile_left=0.8, smile_right=0.5, mouth_left=0.4, lid_closed_right=1.0),
        hair_style="side part", parting=-0.8, gaze_yaw=0.7, gaze_pitch=0.3, light_yaw_deg=-40.0,
    )  # fmt: skip
    found = mirrored(p)
    assert (found["parting"], found["gaze"], found["light"]) == ("right", "left", "right")
    wanted = {
        "action_smile_left": 0.5, "action_smile_right": 0.8, "action_mouth_right": 0.4, "action_mouth_left": 0.0,
        "action_lid_closed_left": 1.0, "gaze_yaw": -0.7, "gaze_pitch": 0.3, "light_yaw_deg": 40.0,
        "parting_place": 0.8, "yaw_rad": -0.3, "pitch_rad": 0.1,
    }  # fmt: skip
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=1e-6, err_msg=name)


def test_what_has_no_side_stays_and_twice_mirrored_is_unchanged():
    people = [INDEPENDENT.draw(8, head) for head in range(40)]
    plain = targets_of(people, np.linspace(-0.5, 0.5, 40), np.zeros(40))
    once = mirrored_targets(plain.classes, plain.numbers)
    again = mirrored_targets(*once)
    assert np.array_equal(again[0], plain.classes) and np.array_equal(again[1], plain.numbers, equal_nan=True)
    sided = {"yaw_rad", "gaze_yaw", "light_yaw_deg", "parting_place"}
    for name, columns in number_columns().items():
        if name not in sided and not name.endswith(("_left", "_right")):
            assert np.array_equal(once[1][:, columns], plain.numbers[:, columns], equal_nan=True), name
    assert not np.array_equal(once[0], plain.classes)


def test_people_are_not_on_both_sides():
    seen, held_out = striped(8).split()
    assert not set(seen.heads.tolist()) & set(held_out.heads.tolist()) and len(seen) + len(held_out) == 68
    with pytest.raises(ConfigError):
        striped(8, people=1).split()


def test_an_epoch_has_each_view_once():
    steps = [EpochOrder(20, seed=3).take(4 * step, 4) for step in range(10)]
    assert sorted(torch.cat(steps[:5]).tolist()) == list(range(20)) == sorted(torch.cat(steps[5:]).tolist())
    assert torch.equal(EpochOrder(20, seed=3).take(26, 4), torch.cat([steps[6][2:], steps[7][:2]]))
    assert not torch.equal(steps[0], steps[5])


@pytest.mark.parametrize("change", [change for _, change in DEGRADATIONS])
@pytest.mark.parametrize("size", [64, 128])
def test_each_degradation_keeps_shape_and_mean(change, size):
    images = striped(size, 4).inputs(torch.arange(8)) * torch.linspace(0.7, 1, size)
    changed = change(images, Draws(0, 3))
    assert changed.shape == images.shape and torch.isfinite(changed).all() and not torch.equal(changed, images)
    assert (changed.mean((2, 3)) - images.mean((2, 3))).abs().max() < 0.25


def test_the_same_step_degrades_alike_and_another_does_not():
    images = striped(64, 16).inputs(torch.arange(32))
    first, again, other = degrade(images, Draws(0, 1)), degrade(images, Draws(0, 1)), degrade(images, Draws(0, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert float(first.min()) >= -1 and float(first.max()) <= 1


def test_blur_leaves_flat_pictures_flat():
    flat = torch.full((1, 3, 40, 40), 0.3)
    torch.testing.assert_close(blur(flat, 2.0), flat)


@pytest.mark.parametrize("sigma_px", [0.8, 3.0, 9.0])
def test_blur_is_a_gaussian(sigma_px):
    """A bar in the middle of a picture becomes the sum of its lines' Gaussians, whichever way it is computed."""
    images = torch.zeros(1, 3, 200, 160)
    images[:, :, 100:104] = 1
    row = torch.arange(200.0)
    lines = torch.exp(-0.5 * ((row[:, None] - torch.arange(100.0, 104.0)) / sigma_px) ** 2)
    wanted = (lines / lines.sum(0)).sum(1)
    assert (blur(images, sigma_px)[0, 0, :, 80] - wanted).abs().max() < 0.02 * float(wanted.max())


def test_pictures_move_as_the_library_moves_them():
    images = striped(64, 4).inputs(torch.arange(8)) * torch.linspace(0.2, 1, 64)
    cos, sin, x, y = _draw_moves(8, Draws(0, 5))
    matrix = torch.stack([torch.cat([cos, -sin, x], 2), torch.cat([sin, cos, y], 2)], 2).reshape(8, 2, 3)
    grid = torch.nn.functional.affine_grid(matrix, [8, 3, 64, 64], align_corners=False)
    wanted = torch.nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    torch.testing.assert_close(move(images, None, Draws(0, 5))[0], wanted, atol=1e-4, rtol=0)


def test_labels_move_with_the_picture():
    labels = torch.zeros(4, 64, 64, dtype=torch.uint8)
    labels[:, 20:40, 10:30] = 7
    images = (labels / 7.0)[:, None].expand(4, 3, 64, 64).contiguous()
    flags = torch.tensor([True, False, True, False])
    moved, moved_labels = move(mirror(images, flags, 3), mirror(labels, flags, 2), Draws(0, 0))
    assert ((moved[:, 0] > 0.5) == (moved_labels == 7)).float().mean() > 0.99
    assert not torch.equal(moved_labels, labels)


@pytest.mark.slow
@pytest.mark.parametrize("config", [SMALL_READER, SMALL_SECOND])
def test_the_reader_learns_and_tells_how_sure_it_is(tmp_path, config):
    recipe, task = Recipe(batch=16, rate=1e-2 if config is SMALL_READER else 5e-3), reader_task(config)
    engine = engine_of(task, tmp_path / "reader.safetensors", 130, recipe)
    index = torch.arange(16)
    before = sum(task.loss(index, Draws(1, 1)).values()).item()
    engine.run()
    after = sum(task.loss(index, Draws(1, 1)).values()).item()
    assert after < 0.7 * before and {"actions", "least_action", "gaze", "light"} < engine.scores.keys()
    reader = load_reader(tmp_path / "reader.safetensors")
    assert reader.config == config
    views = task.views
    column = list(CATEGORIES).index("background")
    truth = targets_of(views.parameters, views.yaw_rad, views.pitch_rad).classes[:, column]
    found = [reading.names["background"] for reading in reader.read(views.inputs(torch.arange(len(views))))]
    right = [CATEGORIES["background"][t] == f for t, f in zip(truth, found, strict=True) if t != UNKNOWN]
    assert np.mean(right) > 0.5
    assert (reader.temperature > 0).all() and (reader.number_std > 0).all()


def test_a_name_with_many_numbers_counts_no_more_than_its_weight():
    config = reader_config()
    weights = column_weights(config).split(config.number_sizes)
    sums = {name: float(part.sum()) for (name, _), part in zip(config.numbers, weights, strict=True)}
    assert sums["age"] == sums["hair_rgb"] == pytest.approx(1) and sums["shape"] == pytest.approx(
        NUMBER_WEIGHTS["shape"]
    )
    assert sums == pytest.approx(NUMBER_WEIGHTS) and list(sums) == list(NUMBER_SIZES)


def test_unseen_numbers_cost_nothing():
    truth = torch.tensor([[0.0, float("nan")]])
    raw = RawOutput(torch.zeros(1, 1), torch.tensor([[0.0, 9.0]]), torch.zeros(1, 2), torch.zeros(1, 1))
    assert number_losses(raw, truth, torch.ones(2))["numbers"] == 0


def test_an_action_that_is_rare_is_learned_as_its_mean():
    """One face in ten shows it, 3 standard deviations from the mean: the best answer to doubt is the mean, not 0."""
    truth = torch.tensor([[3.0]] + [[-1 / 3]] * 9)
    value = torch.zeros(1, requires_grad=True)
    raw = RawOutput(torch.zeros(10, 1), value.expand(10, 1), torch.zeros(10, 1), torch.zeros(10, 1))
    number_losses(raw, truth, torch.ones(1))["numbers"].backward()
    assert abs(float(value.grad)) < 1e-6


def test_pictures_that_are_read_mirrored_are_mirrored():
    views = striped(8, 4)
    views.images[:, :, :4] = 0
    flags = torch.tensor([True, False])
    turned, plain = views.inputs(torch.arange(2), mirrored=flags)
    assert (turned[:, :, 4:] == -1).all() and (plain[:, :, :4] == -1).all() and not (plain[:, :, 4:] == -1).all()


def small_data_set(folder, population: str, size: int, count: int = 4):
    plan = DatasetPlan(3, size, count, 2, population=population)
    prepare_folder(folder, plan)
    render_missing(folder, plan, 1, "cpu")
    return folder


def test_data_sets_of_two_populations_and_sizes_go_together(tmp_path):
    folders = [small_data_set(tmp_path / "a", "independent", 64), small_data_set(tmp_path / "b", "photographs", 32)]
    with pytest.raises(ConfigError, match="32 pixels"):
        load_views(folders, 64)
    views = load_views(folders, 64, smallest=32, labels=False)
    assert views.images.shape == (8, 64, 64, 3) and views.labels is None and views.latents is None
    assert views.heads.tolist() == [1, 1, 2, 2, 3, 3, 0, 0]
    assert views.parameters[-1] == INDEPENDENT.draw(3, 0) and views.parameters[2] == PHOTOGRAPHS.draw(3, 0)
    assert [part.labels for part in views.split()] == [None, None]
    part = load_views(folders, 64, 5, smallest=32)
    assert part.heads.tolist() == [1, 1, 2, 0, 0] and part.parameters[2] == PHOTOGRAPHS.draw(3, 1)
    alone = load_views(folders[:1], 64)
    assert alone.labels.shape == (4, 64, 64) and torch.equal(alone.images, views.images[[0, 1, 6, 7]])
    np.testing.assert_array_equal(alone.latents[0], INDEPENDENT.draw_latent(3, 1))


@pytest.mark.parametrize(
    ("sizes", "count", "wanted"),
    [
        ([5, 9], None, [5, 9]),
        ([5, 9], 100, [5, 9]),
        ([5, 9], 6, [3, 3]),
        ([9, 2, 7], 12, [5, 2, 5]),
        ([4, 4], 7, [3, 4]),
        ([4, 4], 1, [0, 1]),
    ],
)
def test_pictures_come_evenly_from_all_data_sets(sizes, count, wanted):
    assert even_shares(sizes, count) == wanted


@pytest.mark.slow
def test_people_who_are_never_learned_from_come_last_and_cost_no_copy(tmp_path):
    folder = small_data_set(tmp_path / "a", "independent", 16, 2 * 18)
    views = load_views([folder], 16)
    assert views.heads.tolist() == [*np.repeat([*range(1, 16), 17], 2), 16, 16, 0, 0]
    seen, held_out = views.split()
    assert seen.images.data_ptr() == views.images.data_ptr() and held_out.heads.tolist() == [16, 16, 0, 0]
    whole = {(sample.head, sample.view): sample for sample in ShardFolder(folder)}
    for part in (seen, held_out):
        for i, (head, p) in enumerate(zip(part.heads.tolist(), part.parameters, strict=True)):
            sample = next(s for (h, _), s in whole.items() if h == head and s.yaw_rad == pytest.approx(part.yaw_rad[i]))
            assert (part.images[i].numpy() == sample.image).all() and (part.labels[i].numpy() == sample.labels).all()
            assert p == sample.parameters


@pytest.mark.slow
def test_trainings_share_decoded_pictures(tmp_path, monkeypatch):
    folder = small_data_set(tmp_path / "a", "independent", 32, 36)
    cache, plain = tmp_path / "cache", load_views([folder], 32)
    first = load_views([folder], 32, labels=False, cache=cache)
    decode = dataset._decode
    monkeypatch.setattr(dataset, "_decode", None)  # nothing is decoded again
    again = load_views([folder], 32, cache=cache)
    assert first.labels is None and torch.equal(again.labels, plain.labels)
    for views in (first, again):
        assert torch.equal(views.images, plain.images) and torch.equal(views.heads, plain.heads)
        assert views.parameters == plain.parameters
    monkeypatch.setattr(dataset, "_decode", decode)
    assert len(load_views([folder], 32, 6, cache=cache)) == 6  # other facts, other pictures
    (cache / "pictures.json").unlink()  # as a killed process leaves it
    assert torch.equal(load_views([folder], 32, cache=cache).images, plain.images)


def test_a_cache_without_room_is_refused_before_it_is_filled(tmp_path, monkeypatch):
    folder = small_data_set(tmp_path / "a", "independent", 32)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(FileError, match="the disk is full"):
        load_views([folder], 32, cache=tmp_path / "cache")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"a part of its path is a file|its name is taken"):
        load_views([folder], 32, cache=tmp_path / "file")


def test_people_of_a_population_are_rendered_on_the_spot():
    views = render_views(3, 32, 2, population=PHOTOGRAPHS)
    assert views.parameters == [PHOTOGRAPHS.draw(3, 0)] * 2
    both = joined(views, render_views(4, 32, 2))
    assert len(both) == 4 and both.parameters[2] == INDEPENDENT.draw(4, 0) and both.heads.tolist() == [0, 0, 1, 1]


@pytest.mark.slow
def test_the_parser_learns(tmp_path):
    task = ParserTask(striped(64), config=SMALL_PARSER)
    engine = engine_of(task, tmp_path / "parser.safetensors", 100, Recipe(batch=8, rate=2e-2))
    engine.run()
    assert engine.scores["background"] > 0.6 and engine.scores["cloth"] > 0.6
    assert load_parser(tmp_path / "parser.safetensors").config == SMALL_PARSER


def test_the_state_of_another_training_is_refused(tmp_path):
    out = tmp_path / "r.safetensors"
    engine_of(reader_task(), out, 1).run()
    with pytest.raises(FileError, match="batch"):
        engine_of(reader_task(), out, 1, Recipe(batch=8)).resume()
    state = state_path(out)
    state.write_bytes(state.read_bytes()[:-9])
    with pytest.raises(FileError):
        engine_of(reader_task(), out, 1).resume()


def run(monkeypatch, *arguments) -> int:
    monkeypatch.setattr(command, "render_views", lambda seed, size, count: striped(size))
    monkeypatch.setitem(train_reader.PRESETS["first"], "cpu", Recipe(batch=4, minutes=1))
    monkeypatch.setattr(train_reader, "reader_config", lambda architecture: SMALL_READER)
    return train_reader.main([str(argument) for argument in arguments])


def test_the_command_line_trains_resumes_and_refuses_to_lose_work(tmp_path, monkeypatch, capsys):
    out = tmp_path / "r.safetensors"
    assert run(monkeypatch, "--out", out, "--steps", 2) == 0
    assert "synthheads render" in capsys.readouterr().out and load_reader(out)
    assert run(monkeypatch, "--out", out, "--steps", 2) == 2
    assert "--resume" in capsys.readouterr().err
    assert run(monkeypatch, "--out", out, "--steps", 3, "--resume") == 0
    assert "step 2" in capsys.readouterr().out
    assert run(monkeypatch, "--out", out, "--steps", 1, "--restart") == 0


def test_a_training_starts_from_what_another_reader_sees(tmp_path):
    trained = reader_task(seed=3)
    trained.save(trained.module, tmp_path / "same.safetensors", {})
    older = dataclasses.replace(SMALL_READER, hidden=16, categories=SMALL_READER.categories[:4])
    torch.manual_seed(4)
    save_network(tmp_path / "older.safetensors", KIND, AttributeReader(older))
    for name, whole in (("same", True), ("older", False)):
        task, file = reader_task(seed=5), load_reader(tmp_path / f"{name}.safetensors")
        before = task.module.reader.hidden[0].weight.clone()
        task.start_from(tmp_path / f"{name}.safetensors")
        reader = task.module.reader
        assert torch.equal(reader.trunk[0][0].weight, file.trunk[0][0].weight)
        assert torch.equal(reader.squeeze[0][0].weight, file.squeeze[0][0].weight)
        assert torch.equal(reader.hidden[0].weight, file.hidden[0].weight if whole else before)
    save_network(tmp_path / "second.safetensors", KIND, AttributeReader(SMALL_SECOND))
    with pytest.raises(ConfigError, match="other layers"):
        reader_task().start_from(tmp_path / "second.safetensors")


def test_a_reader_that_is_told_of_faces_begins_as_one_that_is_not(tmp_path):
    trained = reader_task(seed=3)
    trained.save(trained.module, tmp_path / "blind.safetensors", {})
    task = reader_task(dataclasses.replace(SMALL_READER, told=5), seed=5)
    task.start_from(tmp_path / "blind.safetensors")
    blind, reader = load_reader(tmp_path / "blind.safetensors"), task.module.reader.eval()
    images = task.views.inputs(torch.arange(3))
    torch.testing.assert_close(reader(images).scores["glasses"], blind(images).scores["glasses"])


def test_a_reader_is_told_of_faces_that_are_not_mirrored(tmp_path):
    task = reader_task(dataclasses.replace(SMALL_READER, told=5))
    assert task.mirrored_share == 0 and reader_task().mirrored_share == 0.5
    index = torch.tensor([7, 2])
    torch.testing.assert_close(
        task.views.told(index), task.module.reader.faces(task.views.inputs(index)), atol=2e-2, rtol=2e-3
    )
    losses = task.loss(index, Draws(1, 1))
    sum(losses.values()).backward()
    assert task.module.reader.told[2].weight.grad.abs().max() > 0
    assert task.held_out.faces.shape == (len(task.held_out), TOLD)
    engine_of(task, tmp_path / "reader.safetensors", 2, Recipe(batch=4)).run()
    reader = load_reader(tmp_path / "reader.safetensors")
    assert reader.config.told == 5 and reader.read(task.views.inputs(index))[0].names.keys() == CATEGORIES.keys()


def test_the_command_makes_the_reader_that_is_asked_for(tmp_path, monkeypatch):
    sizes = {"first": SMALL_READER, "second": SMALL_SECOND}
    monkeypatch.setattr(train_reader, "reader_config", sizes.get)
    monkeypatch.setattr(command, "render_views", lambda seed, size, count: striped(size, 20))
    for name in READERS:
        out = tmp_path / f"{name}.safetensors"
        arguments = ["--architecture", name, "--out", str(out), "--steps", "1", "--batch", "2"]
        assert train_reader.main(arguments) == 0
        assert load_reader(out).config == sizes[name]
    other = ["--architecture", "first", "--out", str(out), "--steps", "2", "--batch", "2", "--resume"]
    assert train_reader.main(other) == 2  # the state is the second reader's


@pytest.mark.parametrize(
    "arguments",
    [
        ("--out", "r.bin"),
        ("--out", "missing/r.safetensors"),
        ("--out", "r.safetensors", "--data", "missing"),
        ("--out", "r.safetensors", "--steps", 0),
        ("--out", "r.safetensors", "--steps", 1, "--minutes", 1),
        ("--out", "r.safetensors", "--batch", 1),
    ],
)
def test_wrong_arguments_end_in_words(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 2
    assert "error: " in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_scores_of_known_tables():
    truth, found = torch.tensor([0, 0, 1, 1, UNKNOWN]), torch.tensor([0, 1, 1, 1, 0])
    table = confusion(truth, found, 2)
    assert table.tolist() == [[1, 1], [0, 2]] and overlaps(table) == pytest.approx([1 / 2, 2 / 3])
    numbers = torch.tensor([[1.0, float("nan")], [3.0, 1.0], [3.0, 5.0]])
    assert explained(numbers, torch.tensor([[1.0, 9.0], [3.0, 1.0], [3.0, 5.0]])).tolist() == [1.0, 1.0]


def test_the_right_person_is_picked_by_the_cosine():
    angle = torch.tensor([0.0, 0.1, 1.0, 1.1, 2.0, 2.1])
    vectors, heads = torch.stack([angle.cos(), angle.sin()], 1), torch.tensor([0, 0, 1, 1, 2, 2])
    assert pick_rates(vectors, vectors, heads, heads) == (1.0, 1.0)
    two, ten = pick_rates(vectors, vectors, heads, torch.tensor([0, 1, 0, 2, 1, 2]))
    assert ten <= two < 1


def test_a_temperature_makes_overconfident_scores_honest():
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(4000, 3, generator=generator)
    truth = torch.multinomial(scores.softmax(1), 1, generator=generator)[:, 0]
    assert best_temperature(scores * 2, truth) == pytest.approx(2.0, abs=0.15)
    assert best_temperature(scores, torch.full((4000,), UNKNOWN)) == 1.0
