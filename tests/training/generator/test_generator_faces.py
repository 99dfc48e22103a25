"""What an encoder is told of faces: components of what the landmark network sees, kept and resumed exactly."""

from dataclasses import replace

import pytest
import torch

from sat3d.errors import FileError
from sat3d.files.safetensors_io import read_tensors
from sat3d.inversion.encoder import load_encoder
from sat3d.networks.seen_faces import SeenFaces, see_faces
from training.common.clock import Budget
from training.common.distributed import Processes
from training.data.seen_faces import seen_faces
from training.generator import command
from training.generator.codes import load_codes
from training.generator.components import find_components
from training.generator.faces import fit_look, load_look, told_of

from .runs import CPU, assert_same_files, options_of

POINTS, FEATURES = 2, 3


@pytest.fixture(scope="module")
def told_preset(tiny):
    return replace(tiny, encoder=replace(tiny.encoder, face_points=POINTS, face_features=FEATURES))


def look_at_all(pack, folder):
    """``[n, V, 1946]``."""
    found = seen_faces(lambda index: pack.pictures(index // 3, index % 3), 24, {"data": "balls"}, folder)
    return found.unflatten(0, (8, 3))


@pytest.fixture(scope="module")
def seen(pack):
    return look_at_all(pack, None)


def test_every_picture_is_looked_at(seen, pack):
    got, alone = SeenFaces.parted(seen[5, 2]), see_faces(pack.pictures(torch.tensor([5]), 2))
    torch.testing.assert_close(got.points, alone.points[0], atol=2e-3, rtol=2e-3)
    torch.testing.assert_close(got.features, alone.features[0], atol=2e-2, rtol=2e-3)


def test_they_are_looked_at_once(pack, seen, tmp_path, monkeypatch):
    assert torch.equal(look_at_all(pack, tmp_path / "seen"), seen)
    monkeypatch.setattr("training.data.seen_faces.see_faces", None)
    assert torch.equal(look_at_all(pack, tmp_path / "seen"), seen)


def test_what_is_told_are_components_of_first_views(seen, told_preset):
    look = fit_look(seen, 2, told_preset.encoder)
    told = told_of(look, seen)
    assert told.shape == (8, 3, POINTS + FEATURES)
    points = SeenFaces.parted(seen[:, 0]).points
    wanted = find_components(points[2:], POINTS)(points)
    torch.testing.assert_close(told[:, 0, :POINTS], wanted, atol=1e-4, rtol=1e-4)
    for part in (told[2:, 0, :POINTS], told[2:, 0, POINTS:]):
        assert part.mean(0).abs().max() < 1e-3 and float(part.square().mean()) == pytest.approx(1, abs=1e-3)
    covariance = told[2:, 0, POINTS:].T.cov()
    assert (covariance - covariance.diag().diag()).abs().max() < 0.02 * covariance.max(), "of no relation to each other"


def test_components_of_known_spread():
    """Spread in codes is the root of the spread in what is seen: 16 and 1 become 4 and 1."""
    x = torch.zeros(400, 5)
    x[:, 1], x[:, 3] = torch.tensor([16.0, -16.0]).repeat(200), torch.tensor([1.0, 1.0, -1.0, -1.0]).repeat(100)
    codes = find_components(x + 7, 4)(x + 7)
    spread = codes.square().mean(0).sqrt()
    assert float(spread[0] / spread[1]) == pytest.approx(4, rel=1e-3)
    assert (spread[2:] < 1e-4).all() and float(codes.square().mean()) == pytest.approx(1, abs=1e-3)


def train(told_preset, data, out, monkeypatch, *more):
    monkeypatch.setattr(command, "find_preset", lambda name: told_preset)
    return command.run(options_of(data, out, "--cache", str(out.parent / "cache"), *more))


def test_a_training_keeps_the_look_and_goes_on_with_it(told_preset, data, tmp_path, monkeypatch):
    train(told_preset, data, tmp_path / "whole", monkeypatch, "--steps", "6")
    train(told_preset, data, tmp_path / "parts", monkeypatch, "--steps", "6", "--stop-after-steps", "3")
    train(told_preset, data, tmp_path / "parts", monkeypatch, "--steps", "6", "--resume")
    for name in ("generator.safetensors", "encoder.safetensors", "codes.safetensors", "faces.safetensors"):
        assert_same_files(tmp_path / "whole" / name, tmp_path / "parts" / name)
    encoder = load_encoder(tmp_path / "whole" / "encoder.safetensors")
    assert encoder.look.size == POINTS + FEATURES
    kept = read_tensors(tmp_path / "whole" / "faces.safetensors")
    torch.testing.assert_close(encoder.look.get_buffer("features_map"), kept["features_map"], atol=1e-3, rtol=1e-3)


def test_codes_end_with_what_is_told(told_preset, data, tmp_path, monkeypatch):
    options = options_of(data, tmp_path, "--cache", str(tmp_path / "cache"), "--steps", "4")
    engine = command.make_engine(options, told_preset, Budget(steps=4), Processes(CPU))
    codes = load_codes(tmp_path / "codes.safetensors").codes
    assert torch.equal(codes[:, -POINTS - FEATURES :], engine.task.pack.faces[:, 0])
    assert codes.shape == (8, 16)


def test_a_look_of_another_size_is_refused(told_preset, data, tmp_path, monkeypatch):
    options = options_of(data, tmp_path, "--cache", str(tmp_path / "cache"), "--steps", "4")
    command.make_engine(options, told_preset, Budget(steps=4), Processes(CPU))
    with pytest.raises(FileError, match="look at faces"):
        load_look(tmp_path / "faces.safetensors", replace(told_preset.encoder, face_points=POINTS + 1))


def test_a_domain_without_faces_is_told_nothing(told_preset):
    from training.synthcars.domain import CARS

    encoder = told_preset.for_domain(CARS).encoder
    assert encoder.face_points == encoder.face_features == 0
