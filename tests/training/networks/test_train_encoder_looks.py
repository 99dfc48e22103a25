"""Training of the encoder on other looks: what is changed in pictures, whose w is to be found, which data fit."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.files.network_files import save_network
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.inversion import load_encoder
from sat3d.inversion.encoder import KIND
from tests.training.ball_heads import write_balls
from tests.training.tiny_generators import random_encoder, random_network, unlabelled_config
from tests.training.tiny_networks import lit
from training import train_encoder
from training.common.random_numbers import Draws
from training.data import randomisation
from training.data.randomisation import camera_colours, other_backdrops, randomise, uneven_light
from training.data.views import stacked
from training.generator.codes import FirstCodes, save_codes
from training.networks.encoder_looks import RandomisedTask, find_codes_of, frontal_views, load_looks

W_DIM, HEADS = 16, 34


@pytest.fixture(scope="module")
def network():
    return random_network(unlabelled_config())


def codes(heads: int = HEADS) -> torch.Tensor:
    return torch.randn(heads, W_DIM, generator=torch.Generator().manual_seed(3))


def pictures(count: int = 4, size: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """A grey square in the middle, before black."""
    labels = torch.zeros(count, size, size, dtype=torch.uint8)
    labels[:, 16:48, 16:48] = 1
    return torch.where(labels[:, None] == 1, 0.0, -1.0).expand(-1, 3, -1, -1), labels


def test_another_backdrop_leaves_the_head():
    images, labels = pictures()
    changed = torch.stack([other_backdrops(images, labels, Draws(1, seed)) for seed in range(5)])
    assert (changed - images)[..., 20:44, 20:44].abs().max() < 1e-3 and changed.abs().max() <= 1
    assert (changed - images)[..., :12, :].abs().mean() > 0.1 and changed[..., 0, 0].std() > 0.1


def test_uneven_light_changes_slowly_and_never_below_black():
    images, _ = pictures()
    lit_up = uneven_light(images, Draws(2, 0))
    assert lit_up[:, :, :12].max() == -1, "black stays black"
    inside = lit_up[:, :, 18:46, 18:46]
    assert inside.std() > 0.02 and inside.diff(dim=2).abs().max() < 0.06


def test_camera_colours_keep_the_order_of_brightness():
    """Hair that is darker than skin stays so, and each picture has colours of its own."""
    ramp = torch.linspace(-0.9, 0.9, 32).expand(6, 3, 8, 32)
    changed = camera_colours(ramp, Draws(3, 0))
    assert (changed.mean(1).diff(dim=2) > 0).all()
    assert changed[:, :, 0, 16].std(0).min() > 0.02


def test_groups_are_changed_each_in_its_way_and_alike_every_time(monkeypatch):
    monkeypatch.setattr(randomisation, "degrade", lambda images, draws, group: images)
    images, labels = pictures(64, 32)
    first, second = (randomise(images, labels, Draws(4, 0), group=2) for _ in range(2))
    assert torch.equal(first, second) and first.abs().max() <= 1
    untouched = (first == images).flatten(1).all(1).float().mean()
    assert 0.15 < untouched < 0.75


def test_stacked_views_keep_their_people():
    views = lit(32, 4)
    both = stacked([views, views.select(torch.tensor([5, 2]))])
    assert both.heads.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 2, 1] and both.parameters[8] == views.parameters[5]
    assert both.yaw_rad.dtype == np.float32 and both.latents.shape == (10, views.latents.shape[1])
    assert stacked([views, replace(views, labels=None)]).labels is None


def test_another_look_has_the_w_of_the_plain_head(network):
    views, looks = lit(64, HEADS), lit(64, 18).select(torch.arange(4, 36))
    task = RandomisedTask(views, looks, network=network, codes=codes())
    task.module = random_encoder(W_DIM).requires_grad_(True)
    assert task.views.heads[-len(looks.split()[0]) :].tolist() == looks.split()[0].heads.tolist()
    assert torch.equal(task.truth[-1, :-2], codes()[task.views.heads[-1]])
    assert task.unseen_looks.heads.unique().tolist() == [16], "whom nobody learns from"
    assert set(task.loss(torch.arange(6), Draws(0, 0))) == {"styles", "w", "camera"}
    assert {"styles_explained", "looks_explained"} <= set(task.evaluate(task.module.eval()))
    assert task.facts()["taught"] == "looks"


def test_what_is_written_lies_between_start_and_end(network, tmp_path):
    start = random_encoder(W_DIM)
    save_network(tmp_path / "start.safetensors", KIND, start)
    task = RandomisedTask(lit(64, HEADS), lit(64, 18).select(torch.arange(4, 36)), network=network, codes=codes())
    task.start_from(tmp_path / "start.safetensors")
    first, learned = load_encoder(tmp_path / "start.safetensors"), random_encoder(W_DIM)
    for parameter in learned.parameters():
        parameter.add_(1.0)
    task.save(learned, tmp_path / "out.safetensors", {})
    written = load_encoder(tmp_path / "out.safetensors")
    got, near, far = (each.values.weight for each in (written, first, learned))
    torch.testing.assert_close(got, 0.7 * near + 0.3 * far, atol=1e-3, rtol=1e-2)
    torch.testing.assert_close(written.mean, first.mean, atol=1e-3, rtol=1e-3)


def test_plain_views_are_thinned_evenly(network):
    task = RandomisedTask(lit(32, 60), lit(32, 17).select(torch.arange(30, 34)), network=network, codes=codes(60))
    learned = len(lit(32, 60).split()[0])
    assert task.total < 0.2 * learned and task.views.heads[:-2].max() > 40, "from all people"


def test_codes_are_found_in_the_most_frontal_views():
    views = lit(64, 3)
    views.yaw_rad = np.float32([0.5, -0.1, 0.2, 0.3, 0.0, 0.4])
    assert frontal_views(views).tolist() == [1, 2, 4]
    encoder = random_encoder(W_DIM)
    found = find_codes_of(encoder, views)
    with torch.no_grad():
        torch.testing.assert_close(found, encoder(views.inputs(torch.tensor([1, 2, 4]))).w, atol=1e-4, rtol=1e-4)


def test_looks_of_other_heads_are_refused(tmp_path, monkeypatch):
    balls = [write_balls(tmp_path / name, monkeypatch, heads=2, size=128) for name in ("plain", "clay")]
    assert len(load_looks(balls[1:], balls[:1], False)) == 6
    plan = balls[1] / "dataset.json"
    plan.write_text(plan.read_text(encoding="utf-8").replace('"seed": 3', '"seed": 4'), encoding="utf-8")
    with pytest.raises(ConfigError, match="not of the same heads"):
        load_looks(balls[1:], balls[:1], False)
    with pytest.raises(ConfigError, match="not of the same heads"):
        load_looks(balls[:1], balls[:1] * 2, False)


@pytest.mark.parametrize("table", [True, False])
def test_the_command_learns_looks(network, tmp_path, monkeypatch, capsys, table):
    plain, clay = (write_balls(tmp_path / name, monkeypatch, heads=18, size=128) for name in ("plain", "clay"))
    save_network(tmp_path / "start.safetensors", KIND, random_encoder(W_DIM))
    save_checkpoint(tmp_path / "generator.safetensors", network.config, dict(network.state_dict()), {"licence": "test"})
    save_codes(tmp_path / "codes.safetensors", FirstCodes(codes(18), 0.5))
    names = ("generator", "start", "out", *(("codes",) if table else ()))
    files = [f"--{name}={tmp_path / name}.safetensors" for name in names]
    given = [*files, "--data", str(plain), "--looks", str(clay), "--batch", "4", "--steps", "2"]
    assert train_encoder.main(given) == 0
    assert "looks_explained" in capsys.readouterr().out
    assert load_encoder(tmp_path / "out.safetensors").config.w_dim == W_DIM
    assert train_encoder.main([*given, "--generated", "4", "--restart"]) == 2
    assert "Other looks are learned from renders alone" in capsys.readouterr().err
