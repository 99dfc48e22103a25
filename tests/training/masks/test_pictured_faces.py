"""``--faces``: an encoder finds them in pictures, once, and they take the place of drawn ones."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from sat3d.errors import ConfigError, FileError
from sat3d.inversion.encoder import Found
from sat3d.learning import known_faces
from sat3d.learning.presampling import draw_candidates, draw_faces, sample_pairs
from training.common.distributed import Processes
from training.common.settings import parse
from training.masks import command, pictured_faces
from training.masks.settings import MaskSettings

from .setup import arguments

PICTURES = 16


class MeanColour:
    """Says that w is the picture's mean colour, again and again."""

    asked = 0

    def check(self, network):
        self.size = network.config.backbone.w_dim

    def find(self, images):
        self.asked += len(images)
        return Found(images.mean((2, 3)).repeat(1, self.size)[:, None, : self.size])


@pytest.fixture
def encoder(monkeypatch):
    monkeypatch.setattr(known_faces, "FEWEST", 4)
    found = MeanColour()
    monkeypatch.setattr(command, "find_encoder", lambda path: found)
    return found


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(PICTURES):
        Image.fromarray(np.full((64, 64, 3), 16 * number, np.uint8)).save(folder / f"{number:02d}.png")
    return folder


def studio_with(files, out, *more):
    settings = parse(MaskSettings, arguments(files, out, *more))
    loaded = command.load_generator(settings.generator)
    studio = command.make_studio(settings, loaded, torch.device("cpu"))
    return command.with_pictured_faces(settings, studio, Processes(torch.device("cpu")))


def test_faces_of_pictures_take_the_place_of_drawn_ones(files, tmp_path, pictures, encoder):
    studio = studio_with(files, tmp_path / "masks.safetensors", "--faces", str(pictures))
    network = studio.network
    levels = torch.arange(float(PICTURES))[:, None] * 16 / 127.5 - 1
    ws = levels.expand(-1, network.config.backbone.w_dim)
    torch.testing.assert_close(studio.faces.styles, network.styles(network.broadcast(ws)))
    styles, camera = draw_faces(studio, 3, 2, 5)
    assert torch.equal(styles, studio.faces.draw(3, 2, 5))
    assert torch.equal(camera, draw_candidates(network, studio.domain.sampling, 3, 2, 5)[1])
    pairs = sample_pairs(studio, tmp_path / "faces", 3, 6)
    assert torch.equal(pairs.styles[2:], styles[:4])
    with pytest.raises(FileError, match=r"other settings.*faces"):
        sample_pairs(replace(studio, faces=None), tmp_path / "faces", 3, 6)


def test_pictures_are_looked_at_once(files, tmp_path, pictures, encoder):
    first = studio_with(files, tmp_path / "masks.safetensors", "--faces", str(pictures))
    again = studio_with(files, tmp_path / "masks.safetensors", "--faces", str(pictures))
    assert encoder.asked == PICTURES and torch.equal(first.faces.styles, again.faces.styles)


def test_shards_give_one_face_a_person(files, tmp_path, encoder):
    from training.synthheads.__main__ import main

    assert main(["render", "--out", str(tmp_path / "heads"), "--count", "8", "--views", "2", "--size", "64"]) == 0
    studio = studio_with(files, tmp_path / "masks.safetensors", "--faces", str(tmp_path / "heads"))
    assert len(studio.faces.styles) == encoder.asked == 4


def test_no_pictures_and_too_few(files, tmp_path, pictures, encoder, monkeypatch):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="no pictures"):
        studio_with(files, tmp_path / "masks.safetensors", "--faces", str(tmp_path / "empty"))
    monkeypatch.setattr(known_faces, "FEWEST", PICTURES + 1)
    with pytest.raises(ConfigError, match="too few faces"):
        studio_with(files, tmp_path / "masks.safetensors", "--faces", str(pictures))


def test_foreign_encoders_are_told_by_their_suffix(monkeypatch, tmp_path):
    monkeypatch.setattr(pictured_faces, "load_foreign_encoder", lambda path: path.name)
    assert pictured_faces.find_encoder(tmp_path / "e4e.pt") == "e4e.pt"
    assert pictured_faces.find_encoder(None).config.w_dim
