"""Paths that users give for reading: whatever is there, or is not, is said in words."""

import os

import pytest

from sat3d.clip import load_clip
from sat3d.domains import load_domain
from sat3d.errors import FileError, Sat3dError
from sat3d.files.reading import check_file, read_bytes, read_text
from sat3d.generators import load_generator
from sat3d.generators.official import read_network
from sat3d.inversion import load_encoder
from sat3d.latent import load_latent
from sat3d.masks import load_masks
from sat3d.networks.reader import load_reader
from sat3d.parsing.bisenet import load_face_parser
from sat3d.parsing.deeplab import load_voc_parser
from sat3d.parsing.parser import load_parser
from sat3d.parsing.state_file import open_state_file
from training.synth.dataset import ShardFolder
from training.synth.describe_command import read_documents
from training.tools.parity_probes import ParityCase

READERS = {
    "generator": load_generator,
    "pickle": read_network,
    "latent": load_latent,
    "masks": load_masks,
    "reader": load_reader,
    "parser": load_parser,
    "encoder": load_encoder,
    "clip": lambda path: load_clip(weights=path),
    "domain": load_domain,
    "state file": open_state_file,
    "face parser": load_face_parser,
    "cat parser": load_voc_parser,
    "parity case": ParityCase.load,
    "data set": ShardFolder,
    "described": lambda path: read_documents(path, 1, "synthheads"),
}


def folder(tmp_path, name):
    (tmp_path / name).mkdir()


def below_a_file(tmp_path, name):
    (tmp_path / "file").write_text("mine")


def not_readable(tmp_path, name):
    (tmp_path / name).write_text("secret")
    (tmp_path / name).chmod(0)


PLACES = {
    "missing": ("missing{}", None),
    "folder": ("folder{}", folder),
    "below a file": ("file/below{}", below_a_file),
    "too long": ("x" * 300 + "{}", None),
    "with a NUL": ("a\0b{}", None),
    "half a character": ("\ud800{}", None),
    "not readable": ("secret{}", not_readable),
}


@pytest.mark.parametrize("suffix", [".safetensors", ".pkl", ".pth", ".json", ".tar", ".png"])
@pytest.mark.parametrize("place", PLACES)
def test_no_reader_fails_without_words(tmp_path, place, suffix):
    name, make = PLACES[place]
    if make:
        make(tmp_path, name.format(suffix))
    for kind, read in READERS.items():
        with pytest.raises(Sat3dError) as caught:
            read(tmp_path / name.format(suffix))
        assert caught.value.what and caught.value.got, kind


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_no_reader_waits_for_a_pipe(tmp_path):
    for suffix in (".safetensors", ".pkl", ".json", ".tar"):
        os.mkfifo(tmp_path / f"pipe{suffix}")
        for kind, read in READERS.items():
            if kind not in ("log", "parity case", "data set"):  # which read no file of that name, or any text
                with pytest.raises(Sat3dError):
                    read(tmp_path / f"pipe{suffix}")


def test_a_file_is_told_from_what_is_none(tmp_path):
    (tmp_path / "file").write_text("x")
    assert check_file(str(tmp_path / "file"), "a file") == tmp_path / "file"
    with pytest.raises(FileError, match=r"Nobody.*missing.*Wanted: a masks file.*Next step: make one"):
        check_file(tmp_path / "missing", "a masks file", "make one", "Nobody")
    with pytest.raises(FileError, match=r"Not a file.*a folder"):
        check_file(tmp_path, "a file")
    with pytest.raises(FileError, match="a part of its path is a file"):
        check_file(tmp_path / "file" / "below", "a file")


def test_text_is_utf_8_and_not_too_large(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbfcaf\xc3\xa9\r\nx\n")
    assert read_text(path, "text") == "café\nx\n"
    assert read_bytes(path, "text", 12) == path.read_bytes()
    with pytest.raises(FileError, match=r"too large.*at most 11 bytes"):
        read_bytes(path, "text", 11)
    path.write_bytes(b"caf\xe9")
    with pytest.raises(FileError, match="not text in UTF-8"):
        read_text(path, "text")
