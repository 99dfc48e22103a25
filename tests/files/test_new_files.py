"""Files that must be new: of two writers of one name one is refused, and nothing anybody wrote is lost."""

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sat3d.errors import FileError, NameTakenError
from sat3d.files.writing import atomic_path, check_target, write_text

ROOT = Path(__file__).resolve().parents[2]
TRIES = 100


def no_links(*_, **__):
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


@pytest.fixture(params=["links", "no links", "no os.link"])
def disk(request, monkeypatch):
    """A disk where a file can have two names, one where it cannot, and a Python without the function."""
    if request.param == "no links":
        monkeypatch.setattr(os, "link", no_links)
    elif request.param == "no os.link":
        monkeypatch.delattr(os, "link")


def write_at_once(target: Path, writers: int, overwrite: bool = False) -> list[str]:
    """Each writes its number, and ends when all have passed the look at what is there; who was told that it worked."""
    everybody, told = threading.Barrier(writers), []

    def write(number: int) -> None:
        try:
            with atomic_path(target, overwrite) as temporary:
                temporary.write_text(str(number))
                everybody.wait(10)
            told.append(str(number))
        except NameTakenError:
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def test_of_two_threads_one_is_told_success(tmp_path, disk):
    for attempt in range(TRIES):
        target = tmp_path / f"{attempt}.txt"
        told = write_at_once(target, 2)
        assert len(told) == 1 and target.read_text() == told[0]
    assert len(list(tmp_path.iterdir())) == TRIES


def test_who_may_overwrite_does(tmp_path, disk):
    for attempt in range(10):
        told = write_at_once(tmp_path / f"{attempt}.txt", 4, overwrite=True)
        assert len(told) == 4 and (tmp_path / f"{attempt}.txt").read_text() in told
    assert len(list(tmp_path.iterdir())) == 10


WRITER = """
import sys, time
from pathlib import Path
from sat3d.errors import NameTakenError
from sat3d.files.writing import write_text
folder, name, start, tries = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
for attempt in range(tries):
    while time.time() < start + attempt / 100:
        pass
    try:
        write_text(folder / f"{attempt}.txt", name * 1000, overwrite=False)
        print(attempt)
    except NameTakenError:
        pass
"""


@pytest.mark.slow
def test_of_two_processes_one_is_told_success(tmp_path):
    start = str(time.time() + 1)
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name, start, str(TRIES)], cwd=ROOT, text=True,
                         stdout=subprocess.PIPE)
        for name in "ab"
    ]  # fmt: skip
    told = [set(process.communicate(timeout=60)[0].split()) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert not told[0] & told[1] and told[0] | told[1] == {str(attempt) for attempt in range(TRIES)}
    for attempt in range(TRIES):
        assert (tmp_path / f"{attempt}.txt").read_text() == "ab"[str(attempt) in told[1]] * 1000
    assert len(list(tmp_path.iterdir())) == TRIES


def test_a_file_that_appears_meanwhile_is_kept(tmp_path, disk):
    target = tmp_path / "new.txt"
    with pytest.raises(NameTakenError, match=r"exists already.*new\.txt"), atomic_path(target, False) as temporary:
        temporary.write_text("mine")
        target.write_text("theirs")
    assert target.read_text() == "theirs" and list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(os.name == "nt", reason="Windows refuses by renaming")
def test_without_links_nothing_is_overwritten_and_nothing_empty_stays(tmp_path, monkeypatch):
    """Between the moment the name is taken and the renaming: somebody who may overwrite, a full disk, Ctrl-C."""
    target, real_open = tmp_path / "new.txt", os.open

    def open_and_lose(path, *more):
        number = real_open(path, *more)
        if Path(path) == target:
            target.write_text("theirs")
        return number

    monkeypatch.setattr(os, "link", no_links)
    with monkeypatch.context() as patch, pytest.raises(NameTakenError):
        patch.setattr(os, "open", open_and_lose)
        write_text(target, "mine", overwrite=False)
    assert target.read_text() == "theirs"
    target.unlink()
    for stop, wanted in ((OSError(errno.ENOSPC, "full"), FileError), (KeyboardInterrupt(), KeyboardInterrupt)):

        def fail(*_, stop=stop):
            raise stop

        with monkeypatch.context() as patch, pytest.raises(wanted):
            patch.setattr(Path, "replace", fail)
            write_text(target, "mine", overwrite=False)
        assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows refuses by renaming")
def test_a_real_fault_is_not_taken_for_a_disk_without_links(tmp_path, monkeypatch):
    target, real_open = tmp_path / "x", os.open

    def full(path, *more):
        if target in (Path(path), *map(Path, map(str, more))):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_open(path, *more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", full)
        patch.setattr(os, "open", full)
        with pytest.raises(FileError, match="disk is full"):
            write_text(target, "mine", overwrite=False)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "there").write_text("old")
    (tmp_path / "folder").mkdir()
    assert check_target(tmp_path / "there") == tmp_path / "there"
    with pytest.raises(NameTakenError):
        check_target(tmp_path / "there", overwrite=False)
    for name, why in (("folder", "a folder"), ("missing/x", "no such"), ("x" * 300, "name is too long.*300")):
        with pytest.raises(FileError, match=why):
            check_target(tmp_path / name)
    if os.name != "nt":
        with pytest.raises(FileError, match="a device"):
            check_target("/dev/null")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "there"]


def test_a_folder_without_the_right_to_write_is_refused_before_any_work(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: (Path(path), mode) != (tmp_path, os.W_OK))
    with pytest.raises(FileError, match=r"permission is denied.*new\.txt"), atomic_path(tmp_path / "new.txt"):
        raise AssertionError
