"""Videos piece by piece, by a stand-in for PyAV: what goes through it, and what is said where it fails."""

import io
import sys

import numpy as np
import pytest
import torch

from sat3d.errors import ConfigError, FileError, NameTakenError, ShapeError
from sat3d.files.videos import Sound, VideoFile, is_available, write_video
from tests.animation.fake_av import MODULE

FRAMES = torch.linspace(-1, 1, 10)[:, None, None, None].expand(10, 3, 6, 8)
SOUND = Sound(torch.linspace(-1, 1, 2000).expand(1, 2, -1), 100)


@pytest.fixture
def av(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", MODULE)


@pytest.fixture
def film(av, tmp_path):
    with write_video(tmp_path / "film.mp4", 25, SOUND) as writer:
        for piece in FRAMES.split(3):
            writer.add(piece)
    return tmp_path / "film.mp4"


def test_frames_and_sound_come_back(film):
    file = VideoFile.open(film)
    assert (file.fps, file.frames) == (25.0, 10)
    pieces = list(file.pieces(4))
    assert [len(piece) for piece in pieces] == [4, 4, 2]
    torch.testing.assert_close(torch.cat(pieces), FRAMES, atol=1 / 127, rtol=0)
    sound = file.sound()
    assert sound.sample_rate == 100 and sound.waveform.shape == (1, 2, 40)  # as long as ten frames, not twenty seconds
    assert torch.equal(sound.waveform, SOUND.waveform[..., :40])


def test_bytes_are_read_as_files_are(film):
    data = io.BytesIO(film.read_bytes())
    data.seek(100)
    assert len(torch.cat(list(VideoFile.open(data).pieces()))) == 10


def test_a_turned_film_is_upright(film):
    arrays = dict(np.load(film))
    np.savez(film.with_suffix(".npz"), **arrays, turn=np.int64(90))
    (piece,) = VideoFile.open(film.with_suffix(".npz")).pieces(20)
    assert piece.shape == (10, 3, 8, 6)


def test_a_film_without_sound_has_none(av, tmp_path):
    with write_video(tmp_path / "mute.mp4", 29.97) as writer:
        writer.add(FRAMES[:1, :, :5, :7])  # odd sides
    file = VideoFile.open(tmp_path / "mute.mp4")
    assert file.sound() is None and file.fps == pytest.approx(29.97)
    assert next(file.pieces()).shape == (1, 3, 4, 6)


def test_frames_of_two_sizes_are_refused_and_nothing_is_left(av, tmp_path):
    with pytest.raises(ShapeError, match="one size"), write_video(tmp_path / "two.mp4", 25) as writer:
        writer.add(FRAMES)
        writer.add(FRAMES[..., :4])
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(film):
    with pytest.raises(NameTakenError), write_video(film, 25, overwrite=False):
        pass


@pytest.mark.parametrize("content", [b"", b"no film at all", b"PK\x03\x04"])
def test_what_is_no_video_is_said(av, tmp_path, content):
    (tmp_path / "bad.mp4").write_bytes(content)
    with pytest.raises(FileError, match="no video") as caught:
        VideoFile.open(tmp_path / "bad.mp4")
    assert caught.value.next_step
    with pytest.raises(FileError, match="not found"):
        VideoFile.open(tmp_path / "nothing.mp4")


def test_without_pyav_the_words_help(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "av", None)
    assert not is_available()
    (tmp_path / "film.mp4").write_bytes(b"x")
    with pytest.raises(ConfigError, match="Python package av"):
        VideoFile.open(tmp_path / "film.mp4")
    with pytest.raises(ConfigError, match="install av"), write_video(tmp_path / "new.mp4", 25):
        pass
    assert not (tmp_path / "new.mp4").exists()
