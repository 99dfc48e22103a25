"""Training of the encoder where the generator has learned from codes of the data's heads."""

import pytest
import torch

from sat3d.errors import ConfigError
from sat3d.files.network_files import save_network
from sat3d.generators.checkpoint import save_checkpoint
from sat3d.inversion import EncoderConfig, PortraitEncoder, load_encoder
from sat3d.inversion.encoder import KIND
from sat3d.networks.loading import resize
from sat3d.networks.seen_faces import TOLD, SeenFaces
from tests.training.ball_heads import write_balls
from tests.training.tiny_generators import random_network, unlabelled_config
from tests.training.tiny_networks import lit
from training import train_encoder
from training.common.random_numbers import Draws
from training.data import seen_faces as looking
from training.data.seen_faces import faces_of_data
from training.data.views import load_views
from training.generator.codes import FirstCodes, save_codes
from training.networks.encoder import EncoderTask, coded_truth

W_DIM, HEADS = 16, 34
SMALL = {"widths": (4, 8, 8, 8, 8), "squeezed": 8, "hidden": 16}


@pytest.fixture(scope="module")
def network():
    return random_network(unlabelled_config())


def codes(heads: int = HEADS) -> torch.Tensor:
    return torch.randn(heads, W_DIM, generator=torch.Generator().manual_seed(3))


def test_the_truth_is_the_code_of_whom_a_view_shows(network):
    views = lit(64, 4)
    truth = coded_truth(codes(4), network, views)
    assert torch.equal(truth[5, :-2], codes(4)[2]) and truth[5, -2:].tolist() == [0.5, 0.0]


@pytest.mark.parametrize("wrong", [codes(3), codes(4)[:, :8]])
def test_codes_of_others_are_refused(network, wrong):
    with pytest.raises(ConfigError, match=r"codes do not belong.*4 heads"):
        coded_truth(wrong, network, lit(64, 4))


def test_what_is_known_of_faces_is_not_looked_at_again(network, monkeypatch):
    views = lit(64, HEADS)
    views.faces = torch.randn(len(views), TOLD).half()
    task = EncoderTask(views, network=network, codes=codes())
    task.module = PortraitEncoder(EncoderConfig(W_DIM, **SMALL, face_points=2, face_features=3)).eval()
    for name in ("points_map", "features_map"):
        torch.nn.init.normal_(task.module.look.get_buffer(name), std=0.05)
    monkeypatch.setattr("sat3d.inversion.face_look.see_faces", None)
    index = torch.arange(6)
    with torch.no_grad():
        told = task.module.look.summary(SeenFaces.parted(task.views.faces[:6]))
        raw = task.raw(task.module, task.views.inputs(index), task.views.told(index))
        torch.testing.assert_close(raw, task.module.raw(resize(task.views.inputs(index), 128, 128), told))
    assert set(task.loss(index, Draws(0, 0))) == {"styles", "w", "camera"}
    assert task.evaluate(task.module)["styles_explained"] < 1


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Balls of 18 people, in three views each."""
    return write_balls(tmp_path / "balls", monkeypatch, heads=18, size=128)


def test_faces_of_a_data_set_belong_to_its_views(data, tmp_path, monkeypatch):
    """Views of people who are held out come last; each keeps its own."""
    monkeypatch.setattr(looking, "see_faces", in_the_middle)
    faces = faces_of_data([data], tmp_path / "faces")
    views = load_views([data], 128)
    shown = in_the_middle(views.inputs(torch.arange(len(views)))).joined()
    assert views.numbers.tolist() != sorted(views.numbers.tolist())
    torch.testing.assert_close(faces[views.numbers].float(), shown, atol=2e-3, rtol=1e-3)
    monkeypatch.setattr(looking, "see_faces", None)
    assert torch.equal(faces_of_data([data], tmp_path / "faces"), faces), "looked at once"


def in_the_middle(images: torch.Tensor) -> SeenFaces:
    """For a look at faces: the picture's middle and its left half, over and over."""
    numbers = torch.cat([images[:, :, 64, 64], images[:, :, :, :64].mean((2, 3))], 1)
    return SeenFaces.parted(numbers.repeat(1, -(-TOLD // 6))[:, :TOLD])


def test_numbers_go_on_through_several_data_sets(data, tmp_path, monkeypatch):
    second = write_balls(tmp_path / "second", monkeypatch, heads=3, size=128)
    views = load_views([data, second], 128)
    assert sorted(views.numbers.tolist()) == list(range(63))
    assert views.heads[(views.numbers == 54).nonzero()[0]].item() == 18


def test_the_command_learns_codes(network, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(looking, "see_faces", in_the_middle)
    encoder = PortraitEncoder(EncoderConfig(W_DIM, **SMALL, face_points=2, face_features=3)).eval()
    for name in ("points_map", "features_map"):
        torch.nn.init.normal_(encoder.look.get_buffer(name), std=0.05)
    save_network(tmp_path / "start.safetensors", KIND, encoder)
    save_checkpoint(tmp_path / "generator.safetensors", network.config, dict(network.state_dict()), {"licence": "test"})
    save_codes(tmp_path / "codes.safetensors", FirstCodes(codes(18), 0.5))
    files = [f"--{name}={tmp_path / name}.safetensors" for name in ("generator", "start", "codes", "out")]
    told = ["--faces", str(tmp_path / "faces"), "--data", str(data), "--batch", "4"]
    assert train_encoder.main([*files, *told, "--steps", "2"]) == 0
    assert "styles_explained" in capsys.readouterr().out
    assert load_encoder(tmp_path / "out.safetensors").config == encoder.config
    assert (tmp_path / "faces" / "faces.json").exists()
    save_codes(tmp_path / "codes.safetensors", FirstCodes(codes(4), 0.5))
    assert train_encoder.main([*files, *told, "--steps", "2", "--restart"]) == 2
    assert "codes do not belong" in capsys.readouterr().err
