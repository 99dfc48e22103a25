"""Training of the encoder: true latents, what an error costs, learning, starting points, judging."""

import pytest
import torch

from sat3d.camera import split_label
from sat3d.errors import ConfigError
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.inversion import load_encoder
from tests.training.tiny_generators import labelled_config, random_network
from tests.training.tiny_networks import engine_of, lit
from training import train_encoder
from training.common.random_numbers import Draws
from training.evaluation import encoder as suite
from training.networks import command
from training.networks.encoder import EncoderTask, style_gram, truth_of
from training.networks.task import Recipe
from training.synthheads.cameras import RIG
from training.synthheads.populations import FIRST


@pytest.fixture(scope="module")
def network():
    return random_network(labelled_config())


def test_the_truth_is_the_generators_own_w(network):
    views = lit(64, 2)
    truth = truth_of(network, views)
    torch.testing.assert_close(truth[3, :-2], network.map(views.latents[3:])[0, 0])
    assert truth[3, -2:].tolist() == [0.5, 0.0]


def test_angles_mean_the_same_to_renderer_and_generator(network):
    for rig in (RIG, network.rig):
        pose, intrinsic = split_label(rig.label(0.3, -0.2))
        wanted = split_label(RIG.label(0.3, -0.2))
        torch.testing.assert_close(pose, wanted[0])
        torch.testing.assert_close(intrinsic, wanted[1])


def test_an_error_costs_what_it_does_to_the_styles(network):
    off = torch.randn(1, network.config.backbone.w_dim)
    ws = network.map(torch.from_numpy(FIRST.draw_latent(1, 1))[None])
    change = network.styles(ws + off[:, None]) - network.styles(ws)
    torch.testing.assert_close((off @ style_gram(network) * off).sum(), change.square().mean(), rtol=1e-3, atol=1e-5)


def test_data_without_latents_are_refused(network):
    views = lit(64, 2)
    views.latents = None
    with pytest.raises(ConfigError, match="latents"):
        truth_of(network, views)


@pytest.mark.slow
def test_it_learns_where_the_camera_is(network, tmp_path):
    task = EncoderTask(lit(), network=network)
    task.start_from_reader()
    engine = engine_of(task, tmp_path / "encoder.safetensors", 16, Recipe(batch=8, rate=2e-3))
    before = task.loss(torch.arange(16), Draws(1, 1))
    engine.run()
    after = task.loss(torch.arange(16), Draws(1, 1))
    assert after["camera"] < 0.7 * before["camera"]
    assert set(engine.scores) == {"styles_explained", "yaw_deg", "pitch_deg"}


def test_starting_from_the_reader_takes_its_layers(network):
    from sat3d.networks.reader import load_reader

    task = EncoderTask(lit(people=4), network=network)
    task.start_from_reader()
    torch.testing.assert_close(task.module.trunk[0][0].weight, load_reader().trunk[0][0].weight)


def test_the_command_line_trains_and_is_judged(network, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "render_views", lambda seed, size, count: lit(size, 6))
    checkpoint, out = tmp_path / "generator.safetensors", tmp_path / "encoder.safetensors"
    save_checkpoint(checkpoint, network.config, dict(network.state_dict()), {"licence": "test"})
    arguments = ["--generator", str(checkpoint), "--out", str(out), "--steps", "1", "--batch", "4"]
    assert train_encoder.main(arguments) == 0 and "held out" in capsys.readouterr().out
    assert load_encoder(out).config.w_dim == network.config.backbone.w_dim
    monkeypatch.setattr(suite, "render_plain", lambda crowd: lit(64, 3))
    monkeypatch.setattr(suite, "Crowd", lambda *_: None)
    report = suite.run(suite.JudgeEncoder(checkpoint=checkpoint, encoder=out))
    assert report["count"] == 6 and report["seconds"] > 0 and 0 < report["psnr"] < 60 and report["camera_deg"] >= 0
