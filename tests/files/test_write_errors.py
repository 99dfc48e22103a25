"""What the system refuses is said in words, wherever a result is written; links, long and impossible names."""

import contextlib
import errno
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import SafetensorError

from sat3d.camera import CameraRig
from sat3d.errors import ConfigError, FileError
from sat3d.files import safetensors_io
from sat3d.files import writing as files
from sat3d.files.errors import check_name, write_error
from sat3d.files.safetensors_io import write_tensors
from sat3d.files.writing import append_text, atomic_path, make_folder, unfinished, write_bytes, write_text
from sat3d.latent import Latent
from sat3d.mesh.extraction import Mesh
from sat3d.mesh.files import save_mesh
from sat3d.pictures import save_animation, save_picture

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
MESH = Mesh(np.eye(3), np.array([[0, 1, 2]]), np.eye(3), np.full((3, 3), 0.5))
LATENT = Latent(torch.zeros(1, 4096), CameraRig().label(0.0, 0.0), "weights", "layout")
WRITERS = {
    "bytes.bin": lambda path: write_bytes(path, bytes(20_000)),
    "report.json": lambda path: write_text(path, "x" * 20_000),
    "sheet.png": lambda path: save_picture(NOISE, path),
    "photo.jpg": lambda path: save_picture(NOISE, path, quality=95),
    "turn.webp": lambda path: save_animation([NOISE, NOISE.rotate(90)], path),
    "head.glb": lambda path: save_mesh(MESH, path),
    "head.ply": lambda path: save_mesh(MESH, path),
    "face.safetensors": lambda path: LATENT.save(path),
    "weights.safetensors": lambda path: write_tensors(path, {"a": torch.zeros(5000)}, {}),
}


@pytest.fixture
def full_disk(monkeypatch):
    """Half of a file fits."""

    def write(path, content):
        with path.open("wb") as stream:
            stream.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def save(tensors, path, metadata):
        Path(path).write_text("half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(Path, "write_bytes", write)
    monkeypatch.setattr(safetensors_io, "save_file", save)


@pytest.mark.skipif(os.name == "nt", reason="the number in the library's text is that of POSIX")
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_said_and_the_old_file_kept(tmp_path, full_disk, name):
    path = tmp_path / name
    path.write_text("old")
    wanted = r"cannot be written: the disk is full\..*are free.*Wanted:.* of free space"
    with pytest.raises(FileError, match=wanted) as caught:
        WRITERS[name](path)
    assert str(path) in caught.value.got and "make room" in caught.value.next_step
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
@pytest.mark.parametrize("name", [name for name in WRITERS if not name.endswith(".safetensors")])
def test_a_truly_full_disk(tmp_path, monkeypatch, name):
    @contextlib.contextmanager
    def beside(place):
        temporary = tmp_path / f"full{place.suffix}"
        temporary.symlink_to("/dev/full")
        yield temporary

    monkeypatch.setattr(files, "_beside", beside)
    with pytest.raises(FileError, match="the disk is full"):
        WRITERS[name](tmp_path / name)
    with pytest.raises(FileError, match="the disk is full"):
        append_text("/dev/full", "a line of a log\n")
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("Error while serializing: I/O error: No space left on device (os error 28)", errno.ENOSPC),
        ('Error while serializing: IoError(Os { code: 28, kind: StorageFull, message: "full" })', errno.ENOSPC),
        ("Error while serializing: InvalidTensorView", None),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="numbers of POSIX")
def test_what_safetensors_says_of_the_system_is_understood(said, number):
    assert safetensors_io._as_os_error(SafetensorError(said)).errno == number


REASONS = {
    errno.ENOSPC: "disk is full",
    errno.EDQUOT: "quota",
    errno.EACCES: "permission",
    errno.EROFS: "read-only",
    errno.ENAMETOOLONG: "name is too long",
    errno.EIO: "disk fails",
    errno.EFBIG: "too large",
    errno.EBADF: os.strerror(errno.EBADF),  # whatever else there is
}


@pytest.mark.parametrize("number", REASONS, ids=errno.errorcode.get)
def test_every_refusal_has_a_sentence_the_file_and_a_next_step(tmp_path, number):
    with pytest.raises(FileError) as caught, atomic_path(tmp_path / "out.bin"):
        raise OSError(number, os.strerror(number))
    error = caught.value
    assert REASONS[number] in error.what and str(tmp_path / "out.bin") in error.got and error.next_step
    assert "--" not in str(error) and not list(tmp_path.iterdir())


def test_another_file_that_is_at_fault_is_named(tmp_path):
    error = write_error(tmp_path / "out.bin", OSError(errno.ENOSPC, "full", "/elsewhere/cache.bin"))
    assert "out.bin" in error.got and "cache.bin" in error.got
    inside = write_error(tmp_path / "out.bin", OSError(errno.ENOSPC, "full", str(tmp_path / ".temporary.bin")))
    assert "temporary" not in str(inside)


def test_errors_that_are_not_of_the_file_pass(tmp_path):
    for error in (BrokenPipeError(errno.EPIPE, "pipe"), ValueError("mine"), KeyboardInterrupt()):
        with pytest.raises(type(error)), atomic_path(tmp_path / "out.bin"):
            raise error
    assert not list(tmp_path.iterdir())


def test_folders_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("mine")
    assert make_folder(tmp_path / "a" / "b").is_dir() and make_folder(tmp_path / "a").is_dir()
    for path in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300), tmp_path / "a\0b"):
        with pytest.raises(FileError, match=r"folder cannot be made: .*Next step"):
            make_folder(path)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_log_grows_and_its_folder_must_be_there(tmp_path):
    for line in ("one\n", "zwei ü\n"):
        append_text(tmp_path / "log.jsonl", line)
    assert (tmp_path / "log.jsonl").read_bytes() == "one\nzwei ü\n".encode()
    with pytest.raises(FileError, match="no such folder"):
        append_text(tmp_path / "missing" / "log.jsonl", "one\n")


def test_pictures_of_no_kind(tmp_path):
    for name in ("sheet.xyz", "sheet", "sheet.pdf.txt"):
        with pytest.raises(ConfigError, match=r"suffix.*\.png"):
            save_picture(NOISE, tmp_path / name)
    with pytest.raises(ConfigError, match=r"RGBA.*JPEG"):
        save_picture(NOISE.convert("RGBA"), tmp_path / "see_through.jpg")
    assert not list(tmp_path.iterdir())


def link(path: Path, to: Path | str) -> None:
    try:
        path.symlink_to(to)
    except OSError as error:
        pytest.skip(f"links need rights here ({error})")


def test_what_a_link_points_to_is_written_and_the_link_stays(tmp_path):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    target, alias = tmp_path / "there" / "masks.bin", tmp_path / "here" / "alias.bin"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link(alias, "../there/masks.bin")
    write_bytes(alias, b"new")
    assert alias.is_symlink() and target.read_bytes() == b"new" and not target.is_symlink()
    assert os.name == "nt" or target.stat().st_mode & 0o777 == 0o640
    assert list((tmp_path / "here").iterdir()) == [alias] and list((tmp_path / "there").iterdir()) == [target]
    with pytest.raises(FileError, match="exists already"):
        write_bytes(alias, b"newer", overwrite=False)


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_link_to_nothing_gets_its_file(tmp_path, overwrite):
    link(tmp_path / "alias.bin", "later.bin")
    write_bytes(tmp_path / "alias.bin", b"new", overwrite)
    assert (tmp_path / "alias.bin").is_symlink() and (tmp_path / "later.bin").read_bytes() == b"new"
    assert not (tmp_path / "later.bin").is_symlink() and len(list(tmp_path.iterdir())) == 2


def test_links_that_lead_nowhere_are_refused(tmp_path):
    link(tmp_path / "a", "b")
    link(tmp_path / "b", "a")
    link(tmp_path / "lost", "missing/x")
    link(tmp_path / "folder", ".")
    for name, why in (("a", "links point at each other"), ("lost", "no such folder"), ("folder", "a folder")):
        with pytest.raises(FileError, match=why):
            write_bytes(tmp_path / name, b"new")
    assert all(path.is_symlink() for path in tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="a path of Windows has 259 characters")
@pytest.mark.parametrize("stem", ["x" * 222, "ж" * 111, "x" * 243])
def test_the_longest_names_are_written(tmp_path, stem):
    path = tmp_path / f"{stem}.safetensors"[-255:]
    for overwrite in (False, True):
        write_tensors(path, {"a": torch.ones(1)}, {}, overwrite)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="a path of Windows has 259 characters")
def test_a_name_that_is_all_suffix(tmp_path):
    write_bytes(tmp_path / ("a." + "b" * 250), b"x")
    assert [len(path.name) for path in tmp_path.iterdir()] == [252]


def test_what_a_killed_program_left_is_found_and_nothing_else(tmp_path):
    with contextlib.suppress(SystemExit), atomic_path(tmp_path / "shard.tar") as temporary:
        assert unfinished(tmp_path, ".tar") == [temporary] and not unfinished(tmp_path, ".json")
        raise SystemExit
    (tmp_path / ".mine.part.tar").write_text("of another program")
    assert not unfinished(tmp_path, ".tar")


@pytest.mark.parametrize("name", ["x" * 256, "ж" * 128, "a\0b", "\ud800"])
def test_names_that_no_file_can_have(tmp_path, name):
    if os.name == "nt" and name == "ж" * 128:
        pytest.skip("Windows counts characters")
    with pytest.raises(FileError, match=r"Next step: choose a(nother| shorter) name") as caught:
        write_bytes(tmp_path / name, b"x")
    assert "\0" not in str(caught.value) and str(caught.value).encode("utf-8")
    assert not list(tmp_path.iterdir())


BAD_ON_WINDOWS = ("a:b.glb", "what?.glb", 'a "b".glb', "tab\t.glb", "dot.", "space ", "CON", "con.glb", "Lpt1.tar.gz")


@pytest.mark.parametrize("name", [*BAD_ON_WINDOWS, "a\0b"])
def test_names_that_windows_cannot_have(name):
    with pytest.raises(FileError, match="No file can have this name"):
        check_name(Path("folder") / name, windows=True)
    if "\0" not in name:
        check_name(Path("folder") / name, windows=False)


def test_usual_names_are_names_everywhere():
    for name in ("face_00001_.safetensors", "console.glb", "com10.ply", ".hidden", "ひげ ü.png", "a.b.c"):
        check_name(name, windows=True)
