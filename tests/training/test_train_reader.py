"""Training of the reader and the parser: targets, augmentation, learning, and going on after a kill."""

import dataclasses
from functools import partial

import numpy as np
import pytest
import torch

from sat3d.errors import ConfigError, FileError
from sat3d.parsing.parser import ParserConfig, load_parser
from sat3d.reader import RawOutput, load_reader
from training import train_reader
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import INDEPENDENT
from training.vision import options as command_line
from training.vision.checkpoint import state_path
from training.vision.data import Views, batch_of
from training.vision.degrade import DEGRADATIONS, blur, degrade
from training.vision.dice import Dice
from training.vision.loop import Plan, Trainer
from training.vision.parser_task import ParserTask
from training.vision.place import mirror, move
from training.vision.reader_task import ReaderTask, best_temperature, column_weights, number_losses
from training.vision.scores import confusion, explained, overlaps, pick_rates
from training.vision.targets import (
    CATEGORIES,
    NUMBER_WEIGHTS,
    NUMBERS,
    UNKNOWN,
    mirrored_targets,
    reader_config,
    targets_of,
)

SMALL_READER = dataclasses.replace(reader_config(), widths=(8, 8, 16, 16, 16), squeezed=8, hidden=32)
SMALL_PARSER = ParserConfig(input_px=64, widths=(8, 16, 16, 16), depths=(0, 0, 0, 1))


def striped(size: int, people: int = 34) -> Views:
    """Two equal views of each person: stripes in the colours of background, hair and clothes."""
    parameters = [INDEPENDENT.draw(5, head) for head in range(people) for _ in range(2)]
    images = torch.zeros(len(parameters), size, size, 3)
    labels = torch.zeros(len(parameters), size, size, dtype=torch.uint8)
    third = -(-size // 3)
    for i, p in enumerate(parameters):
        for row, (colour, label) in enumerate(((p.background, 0), (p.hair_colour, 2), (p.cloth_colour, 11))):
            images[i, row * third : (row + 1) * third] = torch.tensor(colour)
            labels[i, row * third : (row + 1) * third] = label
    heads = torch.arange(people).repeat_interleave(2)
    angles = np.zeros(len(parameters), np.float32)
    return Views((images * 255).round().byte(), labels, heads, parameters, angles, angles)


def reader_task(**options) -> ReaderTask:
    return ReaderTask(striped(128), config=SMALL_READER, **options)


def truth_of(p: HeadParameters, name: str):
    targets = targets_of([p], np.zeros(1), np.zeros(1))
    if name in CATEGORIES:
        index = int(targets.classes[0, list(CATEGORIES).index(name)])
        return None if index == UNKNOWN else CATEGORIES[name][index]
    start = sum(number.size for number in list(NUMBERS.values())[: list(NUMBERS).index(name)])
    return targets.numbers[0, start : start + NUMBERS[name].size]


def test_what_is_hidden_is_not_learned():
    dark = HeadParameters(glasses="sunglasses", hair_style="bald", lens_darkness=0.95)
    assert truth_of(dark, "glasses") == "sunglasses" and truth_of(dark, "hair_colour") == "none"
    assert truth_of(dark, "iris_colour") is None
    assert np.isnan(truth_of(dark, "iris_rgb")).all() and np.isnan(truth_of(dark, "hair_volume")).all()
    assert truth_of(HeadParameters(), "iris_colour") == "brown"
    np.testing.assert_allclose(truth_of(HeadParameters(), "cloth_rgb"), (0.15, 0.28, 0.62), rtol=1e-6)


def test_a_mirrored_head_parts_its_hair_on_the_other_side():
    p = HeadParameters(hair_style="side part", parting=-0.8)
    plain = targets_of([p], np.array([0.3]), np.array([0.1]))
    classes, numbers = mirrored_targets(plain.classes, plain.numbers)
    column, values = list(CATEGORIES).index("parting"), CATEGORIES["parting"]
    assert (values[plain.classes[0, column]], values[classes[0, column]]) == ("left", "right")
    np.testing.assert_allclose(numbers[0, -2:], (-0.3, 0.1), atol=1e-6)
    again = mirrored_targets(classes, numbers)
    assert np.array_equal(again[0], plain.classes) and np.array_equal(again[1], plain.numbers, equal_nan=True)


def test_people_are_not_on_both_sides():
    seen, held_out = striped(8).split()
    assert not set(seen.heads.tolist()) & set(held_out.heads.tolist()) and len(seen) + len(held_out) == 68
    with pytest.raises(ConfigError):
        striped(8, people=1).split()


def test_an_epoch_has_each_view_once():
    steps = [batch_of(step, 4, 20, seed=3) for step in range(10)]
    assert sorted(torch.cat(steps[:5]).tolist()) == list(range(20)) == sorted(torch.cat(steps[5:]).tolist())
    assert torch.equal(batch_of(7, 4, 20, seed=3), steps[7]) and not torch.equal(steps[0], steps[5])


@pytest.mark.parametrize("change", [change for _, change in DEGRADATIONS])
@pytest.mark.parametrize("size", [64, 128])
def test_each_degradation_keeps_shape_and_mean(change, size):
    images = striped(size, 4).inputs(torch.arange(8)) * torch.linspace(0.7, 1, size)
    changed = change(images, Dice(0, 3))
    assert changed.shape == images.shape and torch.isfinite(changed).all() and not torch.equal(changed, images)
    assert (changed.mean((2, 3)) - images.mean((2, 3))).abs().max() < 0.25


def test_the_same_step_degrades_alike_and_another_does_not():
    images = striped(64, 16).inputs(torch.arange(32))
    first, again, other = degrade(images, Dice(0, 1)), degrade(images, Dice(0, 1)), degrade(images, Dice(0, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert float(first.min()) >= -1 and float(first.max()) <= 1


def test_blur_leaves_flat_pictures_flat():
    flat = torch.full((1, 3, 40, 40), 0.3)
    torch.testing.assert_close(blur(flat, 2.0), flat)


def test_labels_move_with_the_picture():
    labels = torch.zeros(4, 64, 64, dtype=torch.uint8)
    labels[:, 20:40, 10:30] = 7
    images = (labels / 7.0)[:, None].expand(4, 3, 64, 64).contiguous()
    flags = torch.tensor([True, False, True, False])
    moved, moved_labels = move(mirror(images, flags, 3), mirror(labels, flags, 2), Dice(0, 0))
    assert ((moved[:, 0] > 0.5) == (moved_labels == 7)).float().mean() > 0.99
    assert not torch.equal(moved_labels, labels)


def test_the_reader_learns_and_tells_how_sure_it_is(tmp_path):
    plan = Plan(batch=16, steps=130, rate=1e-2)
    trainer = Trainer(reader_task(), plan, tmp_path / "reader.safetensors")
    index = torch.arange(16)
    before = sum(trainer.task.loss(index, Dice(1, 1)).values()).item()
    trainer.run()
    after = sum(trainer.task.loss(index, Dice(1, 1)).values()).item()
    assert after < 0.7 * before
    reader = load_reader(tmp_path / "reader.safetensors")
    views = trainer.task.views
    truth = targets_of(views.parameters, views.yaw_rad, views.pitch_rad).classes[
        :, list(CATEGORIES).index("background")
    ]
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


def test_unseen_numbers_cost_nothing():
    truth = torch.tensor([[0.0, float("nan")]])
    raw = RawOutput(torch.zeros(1, 1), torch.tensor([[0.0, 9.0]]), torch.zeros(1, 2), torch.zeros(1, 1))
    assert number_losses(raw, truth, torch.ones(2))["numbers"] == 0


def test_the_parser_learns(tmp_path):
    task = ParserTask(striped(64), config=SMALL_PARSER)
    scores = Trainer(task, Plan(batch=8, steps=100, rate=2e-2), tmp_path / "parser.safetensors").run()
    assert scores["background"] > 0.6 and scores["cloth"] > 0.6
    assert load_parser(tmp_path / "parser.safetensors").config == SMALL_PARSER


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {**trainer.module.state_dict(), **{f"a/{k}": v for k, v in trainer.average.state_dict().items()}}


def test_a_killed_training_goes_on_exactly(tmp_path):
    plan = Plan(batch=4, steps=6)
    whole = Trainer(reader_task(), plan, tmp_path / "whole.safetensors")
    whole.run()
    broken = Trainer(reader_task(), plan, tmp_path / "broken.safetensors")
    for _ in range(3):
        broken._step(plan.share(broken.progress))
    broken.checkpoint()
    broken._step(plan.share(broken.progress))  # lost with the process
    resumed = Trainer(reader_task(), plan, tmp_path / "broken.safetensors")
    resumed.resume()
    assert resumed.progress.step == 3
    resumed.run()
    expected = weights(whole)
    assert all(torch.equal(value, expected[name]) for name, value in weights(resumed).items())


def test_ctrl_c_leaves_a_checkpoint(tmp_path, monkeypatch):
    trainer = Trainer(reader_task(), Plan(batch=4, steps=9), tmp_path / "r.safetensors")
    step = trainer._step

    def interrupted(share):
        if trainer.progress.step == 2:
            raise KeyboardInterrupt
        return step(share)

    monkeypatch.setattr(trainer, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    resumed = Trainer(reader_task(), Plan(batch=4, steps=9), tmp_path / "r.safetensors")
    resumed.resume()
    assert resumed.progress.step == 2 and load_reader(tmp_path / "r.safetensors")


def test_the_state_of_another_training_is_refused(tmp_path):
    Trainer(reader_task(), Plan(batch=4, steps=1), tmp_path / "r.safetensors").checkpoint()
    with pytest.raises(FileError, match="batch"):
        Trainer(reader_task(), Plan(batch=8, steps=1), tmp_path / "r.safetensors").resume()
    state = state_path(tmp_path / "r.safetensors")
    state.write_bytes(state.read_bytes()[:-9])
    with pytest.raises(FileError):
        Trainer(reader_task(), Plan(batch=4, steps=1), tmp_path / "r.safetensors").resume()


def run(monkeypatch, *arguments) -> int:
    monkeypatch.setattr(command_line, "render_views", lambda seed, size, count: striped(size))
    monkeypatch.setattr(train_reader, "PRESETS", {"cpu": Plan(batch=4, minutes=1)})
    monkeypatch.setattr(train_reader, "ReaderTask", partial(ReaderTask, config=SMALL_READER))
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
