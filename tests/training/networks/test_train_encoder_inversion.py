"""Training of the encoder of a generator that nobody labelled: what is drawn again, going on, cameras."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.files.network_files import save_network
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.inversion import EncoderConfig, PortraitEncoder, load_encoder
from sat3d.inversion.encoder import KIND
from tests.training.tiny_generators import labelled_config, random_encoder, random_network, unlabelled_config
from tests.training.tiny_networks import engine_of
from training import train_encoder
from training.common.engine import Engine
from training.common.random_numbers import Draws
from training.data.views import Views
from training.networks import command
from training.networks import encoder_inversion as module
from training.networks.coded_heads import styles_of
from training.networks.encoder import EncoderTask
from training.networks.encoder_inversion import InversionTask, fresh_encoder
from training.networks.task import Recipe
from training.synthheads.parameters import HeadParameters

PEOPLE, ANGLES = 18, ((-0.3, 0.1), (0.0, 0.0), (0.35, -0.1))


@pytest.fixture(scope="module")
def network():
    return random_network(unlabelled_config())


def codes(people: int = PEOPLE) -> torch.Tensor:
    return torch.randn(people, 16, generator=torch.Generator().manual_seed(2))


@torch.no_grad()
def drawn_views(network, people: int = PEOPLE) -> Views:
    """Three views of each of the network's own heads: which can be drawn again exactly."""
    yaw, pitch = (torch.tensor(part).repeat(people) for part in zip(*ANGLES, strict=True))
    styles = styles_of(network, codes(people)).repeat_interleave(3, 0)
    images = network.synthesize(styles, network.rig.label(yaw, pitch)).image.clamp(-1, 1)
    pixels = ((images + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
    heads, plain = torch.arange(people).repeat_interleave(3), [HeadParameters()] * (3 * people)
    return Views(pixels, None, heads, plain, yaw.numpy().astype(np.float32), pitch.numpy().astype(np.float32))


@pytest.fixture(scope="module")
def views(network):
    return drawn_views(network)


@pytest.fixture
def task(network, views):
    made = InversionTask(views, network=network)
    made.module = random_encoder(16).requires_grad_(True)
    return made


def test_the_true_w_draws_the_picture_again(task, views):
    """What the network drew at full resolution, drawn smaller, is what the picture is when made as small."""
    index = torch.tensor([4, 9])
    heads = task.views.heads[index]
    picture, wanted = task.drawn(codes()[heads], task.angles[index], task.views.inputs(index))
    other, _ = task.drawn(codes()[heads.flip(0)], task.angles[index], task.views.inputs(index))
    assert picture.shape == wanted.shape == (2, 3, 64, 64)
    off, far_off = ((some.clamp(-1, 1) - wanted).abs().mean() for some in (picture, other))
    assert off < 0.01 < 0.3 * far_off


def test_a_head_is_compared_in_any_of_its_views(task):
    index = torch.arange(0, 24)
    shown = torch.stack([task.any_views(index, Draws(0, step)) for step in range(40)])
    assert (task.views.heads[shown] == task.views.heads[index]).all()
    assert all(set(column.tolist()) == set(task.views_of[int(task.views.heads[i])].tolist())
               for i, column in zip(index, shown.T, strict=True))  # fmt: skip


def test_losses_teach_the_encoder_alone(task, network, monkeypatch):
    monkeypatch.setattr(module, "_DRAWN", 3)
    losses = task.loss(torch.arange(6), Draws(0, 0))
    assert set(losses) == {"pixels", "features", "camera"}
    for name, loss in losses.items():
        task.module.zero_grad(set_to_none=True)
        loss.backward(retain_graph=True)
        rows = task.module.values.weight.grad.abs().sum(1)
        of_w, of_camera = rows[:-2].any(), rows[-2:].any()
        assert (bool(of_w), bool(of_camera)) == ((False, True) if name == "camera" else (True, False)), name
    assert all(parameter.grad is None for parameter in network.parameters())


def test_it_learns_and_goes_on_exactly(network, views, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_DRAWN", 3)
    monkeypatch.setattr(module, "_SCORED", 3)
    recipe = Recipe(batch=6, rate=5e-3)

    def training(name: str) -> Engine:
        task = InversionTask(views, network=network)
        task.module = random_encoder(16).requires_grad_(True)
        return engine_of(task, tmp_path / name, 8, recipe)

    whole = training("whole.safetensors")
    before = training("first.safetensors").task.network.loss(torch.arange(12), Draws(1, 1))
    assert whole.run()
    after = whole.task.network.loss(torch.arange(12), Draws(1, 1))
    assert set(whole.scores) == {"psnr", "yaw_deg", "pitch_deg"} and 0 < whole.scores["psnr"] < 60
    assert after["pixels"] < 0.9 * before["pixels"]
    broken = training("broken.safetensors")
    broken.plan = replace(broken.plan, stop_after_steps=3)
    assert not broken.run()
    resumed = training("broken.safetensors")
    resumed.resume()
    assert resumed.run()
    expected = whole.task.average.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in resumed.task.average.state_dict().items())


def test_an_encoder_that_knows_nothing_says_what_heads_there_are(network):
    encoder = fresh_encoder(network).eval()
    with torch.no_grad():
        encoder.values.weight.zero_()
        encoder.values.bias.zero_()
        found = encoder(torch.zeros(1, 3, 128, 128))
    w = network.map(torch.randn(4096, 16, generator=torch.Generator().manual_seed(5)))[:, 0]
    torch.testing.assert_close(found.w[0], w.mean(0), atol=0.1, rtol=0)
    assert (found.yaw_rad, found.pitch_rad) == (0, 0)


@pytest.mark.parametrize("kind", [EncoderTask, InversionTask])
def test_a_start_may_have_other_sizes_but_no_other_w(kind, network, views, tmp_path):
    if kind is EncoderTask:
        views.latents = torch.randn(len(views), 16)
    task, start = kind(views, network=network), random_encoder(16)
    save_network(tmp_path / "start.safetensors", KIND, start)
    task.start_from(tmp_path / "start.safetensors")
    views.latents = None
    assert task.module.config == start.config != PortraitEncoder(EncoderConfig(16)).config
    assert task.facts()["encoder"]["input_px"] == 64
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    torch.testing.assert_close(task.module.eval().raw(images), load_encoder(tmp_path / "start.safetensors").raw(images))
    assert all(parameter.requires_grad for parameter in task.module.parameters())
    save_network(tmp_path / "other.safetensors", KIND, random_encoder(24))
    with pytest.raises(ConfigError, match=r"another generator.*w of 24 numbers.*w of 16 numbers"):
        task.start_from(tmp_path / "other.safetensors")


@pytest.fixture
def files(network, tmp_path):
    generator, start = tmp_path / "generator.safetensors", tmp_path / "start.safetensors"
    save_checkpoint(generator, network.config, dict(network.state_dict()), {"licence": "test"})
    save_network(start, KIND, random_encoder(16))
    return ["--generator", str(generator), "--start", str(start), "--batch", "4"]


def test_the_command_goes_on_from_the_encoder_of_the_generators_training(files, views, tmp_path, monkeypatch, capsys):
    asked = []

    def rendered(seed, size, count):
        asked.append(size)
        return views

    monkeypatch.setattr(command, "render_views", rendered)
    out = str(tmp_path / "out.safetensors")
    assert train_encoder.main([*files, "--out", out, "--steps", "1"]) == 0
    said = capsys.readouterr().out
    assert "psnr" in said and "yaw_deg" in said and asked == [128]
    start, made = load_encoder(tmp_path / "start.safetensors"), load_encoder(out)
    assert made.config == start.config
    assert 0 < (made.values.weight - start.values.weight).abs().max() < 0.01, "a small step away from it"
    assert train_encoder.main([*files, "--out", out, "--steps", "2", "--resume"]) == 0
    assert train_encoder.main([*files[:2], "--batch", "4", "--out", out, "--steps", "3", "--resume"]) == 2
    assert "another training" in capsys.readouterr().err


def test_a_labelled_generator_is_taught_by_its_latents_or_on_demand_by_inversion(views, tmp_path, monkeypatch):
    taught = []

    class Asked(Exception):
        pass

    def ask(name):
        def make(views, *_, **__):
            taught.append(name)
            raise Asked

        return make

    labelled = random_network(labelled_config())
    path = tmp_path / "labelled.safetensors"
    save_checkpoint(path, labelled.config, dict(labelled.state_dict()), {"licence": "test"})
    monkeypatch.setattr(command, "render_views", lambda *_: views)
    for name in ("EncoderTask", "InversionTask"):
        monkeypatch.setattr(train_encoder, name, ask(name))
    for more in ([], ["--population", "photographs"]):
        with pytest.raises(Asked):
            train_encoder.main(["--generator", str(path), "--out", str(tmp_path / "out.safetensors"), *more])
    assert taught == ["EncoderTask", "InversionTask"]


def test_going_on_is_slower_than_beginning(monkeypatch):
    given = []
    monkeypatch.setattr(train_encoder, "run", lambda settings, presets, *_: given.append(presets) or 0)
    for more in ([], ["--start", "encoder.safetensors"]):
        train_encoder.main(["--out", "out.safetensors", *more])
    begun, going_on = given
    assert {name: plan.rate / begun[name].rate for name, plan in going_on.items()} == {"cpu": 0.25, "gpu": 0.25}
    assert begun == train_encoder.PRESETS
