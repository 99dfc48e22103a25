"""Training of sliders: values of all sources, where groups act, first maps, losses, the command line and resumption."""

import json
from dataclasses import replace

import pytest
import torch

from sat3d.errors import ConfigError, FileError
from sat3d.faces.networks import load_face_networks
from sat3d.files.network_files import save_network
from sat3d.generators import BackboneConfig, StyleGAN2Config
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.networks.reader import KIND, AttributeReader, load_reader
from sat3d.sliders import Sliders, load_sliders
from tests.conftest import seeded, tiny_config
from tests.training.tiny_networks import SMALL_READER, engine_of
from training.common.device import Machine
from training.common.random_numbers import Draws
from training.networks.task import Recipe as StepRecipe
from training.sliders.changes import draw_wanted, membership, own_share
from training.sliders.heads import HeadPlan, Pictures, ReadHeads, draw_styles, group_gradients, read_heads
from training.sliders.source_settings import read_phrases
from training.sliders.sources import FaceSource, PhraseSource, ReaderSource, Readings, Sources, Value, ratios
from training.sliders.subspaces import Recipe, find_subspaces, first_sliders, least_leaking, reached, ridge, span
from training.sliders.tables import FACE_RATIOS, Phrases, names_of_number
from training.sliders.task import SlidersOf, SliderTask
from training.train_sliders import main


class ColourSource:
    """Mean colours of a picture: red and green of its upper half one group, blue another; how much brighter the left
    side is than the right one is watched."""

    values = (Value("red", "hair"), Value("green", "hair"), Value("blue", "skin"), Value("lit", ""))

    def read(self, images):
        upper = images[:, :, : images.shape[2] // 2].mean((2, 3))
        left, right = (half.mean((1, 2, 3))[:, None] for half in images.chunk(2, 3))
        values = torch.cat([upper[:, :2], images[:, 2:].mean((2, 3)), left - right], 1)
        return Readings(values, torch.ones_like(values.detach()), values.new_zeros(len(values), 0))

    def fingerprint(self):
        return "colours"


@pytest.fixture(scope="module")
def pictures():
    return Pictures(seeded(StyleGAN2Config(BackboneConfig(16, 0, 24, 2, 32, 3, 256, 16, conv_clamp=256))))


@pytest.fixture(scope="module")
def sources():
    return Sources([ColourSource()])


@pytest.fixture(scope="module")
def heads(pictures, sources):
    plan = HeadPlan(3, truncation=0.5, mixed=0.0)
    return read_heads(pictures, sources, (draw_styles(pictures.network, plan, i) for i in range(160)), 160)


@pytest.fixture(scope="module")
def gradients(pictures, sources, heads):
    return group_gradients(pictures, sources, heads.select(torch.arange(6)), heads.values.std(0), 0)


def test_heads_depend_on_their_number_alone(pictures):
    plan = HeadPlan(3, mixed=1.0)
    first, again, other = (draw_styles(pictures.network, plan, i) for i in (5, 5, 6))
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0]) and not torch.equal(first[1], other[1])
    psi = draw_styles(pictures.network, HeadPlan(3, truncation=0.0), 5)[0]
    assert torch.allclose(psi, draw_styles(pictures.network, HeadPlan(3, truncation=0.0), 6)[0], atol=1e-5)


def test_gradients_are_those_of_each_group(pictures, sources, heads, gradients):
    """Blue is alone in its group: a random sign is all there is between its gradient and a difference."""
    gradient, channel = gradients[0, 1], int(gradients[0, 1].abs().argmax())
    step = torch.zeros_like(heads.styles[:1])
    step[0, channel] = 1e-2
    up, down = (sources.read(pictures(heads.styles[:1] + d, heads.cameras[:1])).values[0, 2] for d in (step, -step))
    slope = float((up - down) / 2e-2 / heads.values[:, 2].std())
    assert abs(slope) == pytest.approx(float(gradient.abs().max()), rel=0.05)


def test_channels_hold_their_share_of_the_gradient():
    gradient, spread = torch.tensor([[3.0, 0.1, 0.0, 4.0, 9.0, 1.0]]), torch.tensor([1.0, 1, 1, 1, 1, 0.0])
    recipe = Recipe(rank=1, energy=0.8, reach=10)
    editable = torch.tensor([0, 1, 2, 3, 5])  # 4 may not be edited, 5 does not vary; 9 + 16 of 25.01
    assert reached(gradient, spread, editable, recipe).tolist() == [0, 3]
    assert reached(gradient, spread, editable, replace(recipe, energy=0.5)).tolist() == [
        0,
        3,
    ]  # twice the rank at least
    assert reached(torch.zeros(0, 6), spread, editable, recipe).tolist() == [0, 1, 2, 3]


def test_a_ridge_finds_a_line_and_a_span_holds_it():
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(200, 12, generator=draws)
    truth = torch.randn(12, 2, generator=draws)
    y = x @ truth + 0.01 * torch.randn(200, 2, generator=draws)
    found = ridge(x, y, torch.arange(200))
    assert torch.allclose(found, truth, atol=0.05)
    basis = span([found], torch.zeros(0, 12), 5)
    assert basis.shape == (12, 2) and torch.allclose(basis.T @ basis, torch.eye(2), atol=1e-5)
    assert torch.allclose(basis @ (basis.T @ found), found, atol=1e-4)
    wide = span([found], torch.randn(8, 12, generator=draws), 5)
    assert wide.shape == (12, 5)


def test_of_all_moves_that_arrive_the_one_that_leaks_least():
    reading = torch.tensor([[1.0, 1.0, 0.0]])  # two coordinates would do, but the first leaks
    nothing = torch.zeros(3, 3)
    moves = least_leaking(reading, torch.diag(torch.tensor([100.0, 0.0, 0.0])), nothing)
    assert torch.allclose(reading @ moves, torch.eye(1), atol=1e-5)
    assert moves[:, 0].tolist() == pytest.approx([0.2, 0.8, 0.0], abs=1e-5)  # costs of 4, 1 and 1
    gaining = least_leaking(reading, nothing, torch.diag(torch.tensor([100.0, 0.0, 0.0])))
    assert gaining[:, 0].tolist() == pytest.approx([0.8, 0.2, 0.0], abs=1e-5)
    both = least_leaking(torch.eye(3)[:2], torch.eye(3), torch.eye(3))
    assert torch.allclose(both, torch.eye(3)[:, :2], atol=1e-5)


def first_of(heads, gradients, sources, pictures, recipe):
    editable = pictures.network.layout.editable_index
    subspaces = find_subspaces(heads, gradients, sources.values, editable, recipe)
    return subspaces, first_sliders(subspaces, heads, sources.values, recipe)


def test_first_maps_read_and_undo_each_other(heads, gradients, sources, pictures):
    recipe = Recipe(rank=8, hidden=4, least_read=0.3)
    subspaces, network = first_of(heads, gradients, sources, pictures, recipe)
    assert [each.group for each in subspaces] == ["hair", "skin"] and network.config.names == ("red", "green", "blue")
    allowed = set(pictures.network.layout.editable_index.tolist())
    assert all(set(each.channels.tolist()) <= allowed for each in subspaces)
    values = network.values(heads.styles)
    apart = torch.arange(0, len(heads), 8)
    for i in range(3):
        assert torch.corrcoef(torch.stack([values[apart, i], heads.values[apart, i]]))[0, 1] > 0.55
    changes = torch.zeros(len(heads), 3)
    changes[:, 2] = network.config.sliders[2].spread
    moved = network.values(heads.styles + network.change(heads.styles, changes))
    assert torch.allclose((moved - values)[:, 2], changes[:, 2], rtol=1e-3, atol=1e-4)
    slider = network.config.sliders[0]
    assert slider.low < slider.mean < slider.high and slider.spread == pytest.approx(
        float(heads.values[:, 0].std()), rel=0.2
    )


def test_values_that_styles_do_not_tell_get_no_slider(heads, gradients, sources, pictures):
    noise = torch.randn(len(heads), generator=torch.Generator().manual_seed(1))
    values = heads.values.clone()
    values[:, 1], values[:, 2] = noise, 4.0
    subspaces, network = first_of(replace(heads, values=values), gradients, sources, pictures, Recipe(8))
    assert network.config.names == ("red",) and [each.columns for each in subspaces] == [[0]]


def task_of(heads, gradients, sources, pictures, hidden=4):
    subspaces, network = first_of(heads, gradients, sources, pictures, Recipe(rank=8, hidden=hidden))
    layout = pictures.network.layout
    empty = Sliders(network, pictures.network.fingerprint(), layout.fingerprint, layout.to_json())
    columns = [i for each in subspaces for i in each.columns]
    return SliderTask(SlidersOf(empty, columns), heads, sources, pictures, Machine())


def test_wanted_changes_are_of_one_group_each(heads, gradients, sources, pictures):
    task = task_of(heads, gradients, sources, pictures)
    config = task.module.config
    values = heads.values[:, task.made_for.columns]
    wanted = draw_wanted(config, values, values.flip(0), Draws(1, 2))
    table = membership(config)
    assert table.tolist() == [[True, True, False], [False, False, True]]
    assert torch.equal(wanted.own, table[wanted.group]) and set(wanted.group.tolist()) == {0, 1}
    assert not (wanted.changes[~wanted.own] != 0).any() and set(wanted.count.tolist()) == {1, 2}
    spread = torch.tensor([slider.spread for slider in config.sliders])
    assert bool((wanted.changes.abs() <= 3 * spread + 1e-6).all())
    others, own = own_share(wanted, wanted.changes * 2, spread)
    assert others.max() == 0 and own.min() > 0


def test_a_change_that_arrives_costs_less(heads, gradients, sources, pictures):
    """Losses of the pictures themselves: what is read already is free, a wrong value and a leak are not."""
    task = task_of(heads, gradients, sources, pictures)
    some = heads.select(torch.arange(8))
    values = some.values[:, task.made_for.columns]
    wanted = draw_wanted(task.module.config, values, values.flip(0), Draws(1, 2))
    goal = some.values.clone()
    goal[:, task.made_for.columns] += wanted.changes
    ones, nobody = torch.ones_like(goal), torch.zeros(8, 0)
    right = task._arrival(some, wanted, Readings(goal, ones, nobody))
    still = task._arrival(some, wanted, Readings(some.values, ones, nobody))
    leaking = task._arrival(some, wanted, Readings(goal + torch.tensor([0, 0, 0, 1.0]), ones, nobody))
    assert right["own"] < 1e-9 and right["others"] < 1e-9 and still["own"] > 0.1
    assert leaking["own"] < 1e-9 and leaking["others"] > 0.5


def test_a_few_steps_make_sliders_better(heads, gradients, sources, pictures, tmp_path):
    task = task_of(heads, gradients, sources, pictures)
    task.evaluated = 12
    before = task.evaluate(task.module)
    engine = engine_of(task, tmp_path / "s.safetensors", 40, StepRecipe(batch=6, rate=5e-3, decay=0.0))
    assert engine.run()
    after = task.evaluate(engine.task.average)
    assert after["r2"] > before["r2"] + 0.1 and after["leak"] < before["leak"] + 0.1, (before, after)
    sliders = load_sliders(tmp_path / "s.safetensors", pictures.network.layout)
    assert sliders.metadata["steps"] == "40" and "held_out_r2" in sliders.metadata


# -- sources


def test_a_reader_gives_numbers_and_contrasts():
    source = ReaderSource(load_reader())
    read = source.read(torch.zeros(2, 3, 128, 128))
    names = [value.name for value in source.values]
    groups = {value.name: value.group for value in source.values}
    assert read.values.shape == read.certainty.shape == (2, len(names)) and len(set(names)) == len(names)
    assert groups["chin_width"] == "shape" and groups["smile_left"] == "expression" and groups["glasses"] == "glasses"
    assert groups["hair_red"] == "hair" and groups["background_red"] == "" and "yaw_rad" not in groups
    dark = float(read.values[0, names.index("sunglasses")])
    scores = load_reader()(torch.zeros(1, 3, 128, 128)).scores["glasses"][0]
    assert dark == pytest.approx(float(((scores[3] - scores[0]) / 4).sigmoid()), abs=1e-4)  # sunglasses and none
    assert float(read.certainty.min()) > 0 and float(read.certainty.max()) <= 1
    assert torch.allclose(read.identity.norm(dim=1), torch.ones(2), atol=1e-5)


def test_a_reader_of_actions_gives_them_by_their_names():
    numbers = (("action_jaw_open", 1), ("gaze_yaw", 1), ("light_yaw_deg", 1), ("yaw_rad", 1), ("strange", 1))
    reader = AttributeReader(replace(SMALL_READER, numbers=numbers)).eval()
    told = {value.name: (value.group, value.unit) for value in ReaderSource(reader).values}
    assert told["jaw_open"] == ("expression", "") and told["gaze_yaw"] == ("gaze", "")
    assert told["light_yaw_deg"] == ("light", "°") and told["strange"][0] == "" and "smile" not in told
    assert names_of_number("skin_rgb", 3) == ["skin_red", "skin_green", "skin_blue"]


def test_ratios_by_hand():
    points = torch.zeros(1, 478, 3)
    points[0, 10, 1], points[0, 152, 1] = -1.0, 3.0  # 4 high
    points[0, 234, 0], points[0, 454, 0] = -1.0, 1.0  # 2 wide
    points[0, 0, 1], points[0, 13, 1], points[0, 14, 1], points[0, 17, 1] = 1.0, 1.2, 1.3, 1.5
    found = dict(zip(FACE_RATIOS, ratios(points)[0].tolist(), strict=True))
    assert found["face_width"] == pytest.approx(0.5) and found["lip_height"] == pytest.approx(0.1, abs=1e-6)
    assert found["chin_length"] == pytest.approx(1.5 / 4)


def test_photo_networks_need_a_face():
    with pytest.raises(ConfigError, match="no face"):
        FaceSource(load_face_networks(), torch.zeros(1, 3, 64, 64))


class Words:
    """An image-text model in a plane: pictures lie at their mean, "high" at one axis, "low" at the other."""

    device, logit_scale = torch.device("cpu"), 10.0

    def encode_text(self, texts):
        return torch.tensor([[1.0, 0.0] if "high" in text else [0.0, 1.0] for text in texts])

    def encode_image(self, images):
        mean = images.mean((1, 2, 3))
        return torch.stack([mean, 1 - mean], 1)


def test_phrases_are_both_ends_of_a_slider():
    source = PhraseSource(Words(), [Phrases("age", "age", "low", "high"), Phrases("x", "hair", "high", "low")])
    values = source.read(torch.full((1, 3, 4, 4), 0.75)).values
    assert torch.allclose(values, torch.tensor([[5.0, -5.0]]))


def test_of_one_name_the_first_source_counts():
    words = PhraseSource(Words(), [Phrases("red", "age", "low", "high"), Phrases("old", "age", "low", "high")])
    both = Sources([ColourSource(), words])
    assert [value.name for value in both.values] == ["red", "green", "blue", "lit", "old"]
    read = both.read(torch.full((1, 3, 4, 4), 0.75))
    assert torch.allclose(read.values[0], torch.tensor([0.75, 0.75, 0.75, 0.0, 5.0]))
    assert read.identity.shape == (1, 2) and both.groups == ["hair", "skin", "age"]


@pytest.mark.parametrize("text", ["", "[]", "{}", "3", '{"a": 3}', '{"a": {"group": "age", "low": "x"}}',
                                  '{"a": {"group": "age", "low": "x", "high": 3}}', "[" * 9999])  # fmt: skip
def test_phrases_that_are_none(tmp_path, text):
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(FileError, match="phrases"):
        read_phrases(tmp_path / "p.json")


def test_phrases_of_a_file(tmp_path):
    (tmp_path / "p.json").write_text('{"age": {"group": "age", "low": "young", "high": "old"}}')
    assert read_phrases(tmp_path / "p.json") == (Phrases("age", "age", "young", "old"),)


# -- the command line


@pytest.fixture
def files(tmp_path):
    network = seeded(tiny_config())
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_checkpoint(tmp_path / "g.safetensors", network.config, tensors, {"licence": "test"})
    torch.manual_seed(0)
    save_network(tmp_path / "r.safetensors", KIND, AttributeReader(SMALL_READER))
    return tmp_path


def small(folder, out, *more):
    sizes = ["--heads", "16", "--acting", "1", "--resolution", "8", "--batch", "2", "--threads", "1", "--rank", "4"]
    given = ["--generator", str(folder / "g.safetensors"), "--reader", str(folder / "r.safetensors")]
    return main([*given, "--out", str(out), *sizes, "--least-read", "-1", *more])


def test_the_command_trains_and_goes_on_exactly(files, capsys):
    out, whole = files / "s.safetensors", files / "whole.safetensors"
    assert small(files, out, "--steps", "2") == 0
    network = seeded(tiny_config())
    sliders = load_sliders(out, network.layout)
    assert len(sliders.names) >= 20 and sliders.generator_fingerprint == network.fingerprint()
    assert sliders.metadata["source"] == "reader" and sliders.metadata["steps"] == "2"
    assert "sliders" in capsys.readouterr().out and (files / "s.heads" / "styles.npy").is_file()
    assert small(files, out, "--steps", "4") == 2  # a training is there already
    assert small(files, out, "--steps", "4", "--resume") == 0
    assert load_sliders(out).metadata["steps"] == "4"
    lines = (files / "s.progress.jsonl").read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert small(files, whole, "--steps", "4", "--start", str(out)) == 0


def test_what_nothing_can_be_learned_from_is_refused(files, capsys):
    assert small(files, files / "x.safetensors", "--least-read", "1") == 2
    assert "tell nothing" in capsys.readouterr().err
    assert small(files, files / "y.safetensors", "--encoded", "3") == 2
    assert "built-in domain" in capsys.readouterr().err


def test_heads_are_plain_tensors(heads):
    assert isinstance(heads, ReadHeads) and len(heads.select(torch.tensor([3]))) == 1
