"""Training of semantic fields: rays and their labels, a small training from the command line, and its resumption."""

import json

import pytest
import torch

from sat3d.generators.checkpoint import save_checkpoint
from sat3d.parts.field import FieldConfig, PartField, load_parts
from tests.conftest import seeded, tiny_config
from tests.parts.setup import face_of
from training.parts.rays import BENEATH, SAMPLES, LabelledRays, choose_pixels, keep_most, labelled_rays
from training.parts.task import composited_shares, field_losses
from training.train_parts import main


@pytest.fixture
def checkpoint(tmp_path):
    network = seeded(tiny_config())
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_checkpoint(tmp_path / "official.safetensors", network.config, tensors, {"licence": "test"})
    return tmp_path / "official.safetensors"


def small(checkpoint, out, *more):
    sizes = ["--heads", "0", "--generated", "3", "--views", "2", "--rays", "32", "--batch", "16", "--threads", "1"]
    return main(["--generator", str(checkpoint), "--out", str(out), *sizes, *more])


def test_an_official_layout_learns_from_a_parser_alone_and_goes_on(tmp_path, checkpoint, capsys):
    out = tmp_path / "parts.safetensors"
    assert small(checkpoint, out, "--steps", "4") == 0
    parts = load_parts(out)
    network = seeded(tiny_config())
    parts.check(network)
    assert parts.generator_fingerprint == network.fingerprint() and parts.layout == network.layout.fingerprint
    assert parts.metadata["labels_from"] == "a parser" and parts.metadata["steps"] == "4"
    assert small(checkpoint, out, "--steps", "4") == 2  # a training is there already
    assert "--resume" in capsys.readouterr().err
    assert small(checkpoint, out, "--steps", "6", "--resume") == 0
    assert load_parts(out).metadata["steps"] == "6"
    assert (tmp_path / "parts.progress.jsonl").read_text().count("\n")


def test_what_nothing_can_be_learned_from_is_refused(tmp_path, checkpoint, capsys):
    assert main(["--generator", str(checkpoint), "--out", str(tmp_path / "x.safetensors"), "--generated", "0"]) == 2
    assert "nothing to learn from" in capsys.readouterr().err


def test_rays_see_what_the_renderer_sees():
    network = seeded(tiny_config())
    face, camera = face_of(network, 1), network.rig.label()
    labels = torch.zeros(1, 8, 8, dtype=torch.uint8)
    draws = torch.Generator().manual_seed(0)
    rays = labelled_rays(network, network.planes(face.styles), camera, labels, 64, draws, balanced=False)
    with torch.no_grad():
        from sat3d.generators import RenderOptions

        opacity = network.render_features(network.planes(face.styles), camera, RenderOptions(8)).opacity.flatten()
    seen = rays.weights[:, :-BENEATH].float().sum(1)
    assert torch.allclose(seen.sort().values, opacity.sort().values, atol=5e-3)  # every pixel once, in another order
    assert rays.hidden.shape == (64, SAMPLES + BENEATH, 64) and rays.pixels.unique().tolist() == [1.0]


def test_rare_labels_are_drawn_often_and_count_little():
    labels = torch.zeros(1000, dtype=torch.uint8)
    labels[:10] = 3
    chosen, worth = choose_pixels(labels, 400, torch.Generator().manual_seed(0), True)
    rare = chosen < 10
    # A rare pixel is drawn as often as (1 / 1000 + 1 / 20) / 2 says, and each ray counts as its chance demands.
    assert 60 < int(rare.sum()) < 150
    assert worth[rare].unique().tolist() == [pytest.approx(1 / 25.5, rel=1e-4)]
    assert abs(float(worth.mean()) - 1) < 0.15


def test_the_samples_that_show_most_keep_the_opacity():
    coefficients = torch.tensor([[0.1, 0.5, 0.2, 0.0]])
    hidden = torch.arange(4.0)[None, :, None]
    kept, weights = keep_most(hidden, coefficients, 2)
    assert kept[0, :, 0].tolist() == [1.0, 2.0] and torch.allclose(weights.sum(), torch.tensor(0.8))


def rays_of(labels, opacity):
    number = len(labels)
    hidden = torch.randn(number, SAMPLES + BENEATH, 5, generator=torch.Generator().manual_seed(0))
    weights = torch.full((number, SAMPLES + BENEATH), opacity / SAMPLES)
    return LabelledRays(hidden, weights, torch.tensor(labels, dtype=torch.uint8), torch.ones(number))


def test_what_is_clear_is_background_and_shares_add_up():
    field = PartField(FieldConfig(5, 4, ("background", "skin", "hair")))
    shares, beneath = composited_shares(field, rays_of([0, 1], 0.0))
    assert torch.allclose(shares, torch.tensor([[1.0, 0, 0]]).expand(2, 3))
    shares, _ = composited_shares(field, rays_of([0, 1], 0.7))
    assert torch.allclose(shares.sum(1), torch.ones(2), atol=1e-5) and beneath.shape == (2, BENEATH, 3)


def test_a_right_field_costs_less_than_a_wrong_one():
    field = PartField(FieldConfig(5, 4, ("background", "skin", "hair")))
    costs = []
    for sure in (1, 2):
        with torch.no_grad():
            field.second.weight.zero_()
            field.second.bias.copy_(torch.eye(3)[sure] * 20)
        costs.append(sum(field_losses(field, rays_of([1, 1, 1], 1.0)).values()).item())
    assert costs[0] < 0.05 < 1 < costs[1]


def test_progress_is_json(tmp_path, checkpoint):
    assert small(checkpoint, tmp_path / "p.safetensors", "--steps", "1") == 0
    lines = (tmp_path / "p.progress.jsonl").read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
