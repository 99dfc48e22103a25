"""One training at a time for one output, and no lock to remove by hand after a kill."""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sat3d.errors import FileError
from training import train_generator, train_reader
from training.common.run_lock import run_lock
from training.generator import command as generator_command
from training.generator.settings import GeneratorSettings

ROOT = Path(__file__).resolve().parents[3]
HOLDER = """
import sys, time
from pathlib import Path
from training.common.run_lock import run_lock
try:
    with run_lock(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(100)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock of ``masks.safetensors``."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "masks.safetensors")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_run_is_told_who_holds_the_output(tmp_path, holder):
    with pytest.raises(FileError) as caught, run_lock(tmp_path / "masks.safetensors"):
        raise AssertionError
    error = caught.value
    assert "masks.safetensors" in error.got and f"process {holder.pid} on {socket.gethostname()}" in error.got
    assert error.what and error.wanted and "--out" in error.next_step
    with run_lock(tmp_path / "other.safetensors"):  # another output in the folder is free
        pass


def test_a_refused_run_leaves_the_lock_to_its_holder(tmp_path, holder):
    for _ in range(3):
        with pytest.raises(FileError, match=str(holder.pid)), run_lock(tmp_path / "masks.safetensors"):
            raise AssertionError


def test_a_killed_run_leaves_nothing_in_the_way(tmp_path, holder):
    out = tmp_path / "masks.safetensors"
    holder.kill()
    holder.wait()
    assert list(tmp_path.iterdir())  # what a kill leaves
    deadline = time.monotonic() + 10  # Windows gives locks back some moments after the end
    while True:
        try:
            with run_lock(out):
                assert str(os.getpid()) in (tmp_path / "masks.safetensors.owner").read_text()
            break
        except FileError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert not list(tmp_path.iterdir())


def test_ctrl_c_removes_the_lock(tmp_path):
    with pytest.raises(KeyboardInterrupt), run_lock(tmp_path / "masks.safetensors"):
        assert (tmp_path / "masks.safetensors.lock").exists()
        signal.raise_signal(signal.SIGINT)
    assert not list(tmp_path.iterdir())


def test_the_lock_of_a_folder_lies_in_it_and_is_held_once(tmp_path):
    for _ in range(2):
        with run_lock(tmp_path):
            assert (tmp_path / "training.lock").exists()
            with pytest.raises(FileError, match=str(os.getpid())), run_lock(tmp_path):
                raise AssertionError
        assert not list(tmp_path.iterdir())


def test_files_of_an_old_run_are_no_lock(tmp_path):
    for name in ("training.lock", "training.owner"):
        (tmp_path / name).write_bytes(b"\xff process 1 on elsewhere")
    with run_lock(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_other_processes_of_the_same_job_take_no_lock(tmp_path, monkeypatch):
    with run_lock(tmp_path):
        monkeypatch.setenv("RANK", "1")
        with run_lock(tmp_path):
            pass
        monkeypatch.setenv("RANK", "0")
        with pytest.raises(FileError), run_lock(tmp_path):
            raise AssertionError


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileError, match="missing"), run_lock(tmp_path / "missing" / "masks.safetensors"):
        raise AssertionError
    assert not list(tmp_path.iterdir())


def test_small_networks_are_not_trained_twice_into_one_file(tmp_path, capsys):
    out = tmp_path / "reader.safetensors"
    (tmp_path / "reader.training.safetensors").write_text("of the first run")
    with run_lock(out):
        assert train_reader.main(["--out", str(out), "--steps", "1", "--restart"]) == 2
    assert "Another training writes there" in capsys.readouterr().err
    assert (tmp_path / "reader.training.safetensors").exists()  # --restart would have removed it


def test_a_generator_is_not_trained_twice_into_one_folder(tmp_path):
    settings = GeneratorSettings(preset="tiny", steps=1, out=tmp_path / "run", device="cpu", data=(tmp_path,))
    (tmp_path / "run").mkdir()
    with run_lock(tmp_path / "run"), pytest.raises(FileError, match="Another training writes there"):
        generator_command.run(settings)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be made"):
        generator_command.run(replace(settings, out=tmp_path / "file" / "run"))


def test_wrong_arguments_leave_no_lock(tmp_path, capsys):
    arguments = ["--preset", "tiny", "--data", tmp_path, "--out", tmp_path / "run", "--steps", "-1"]
    assert train_generator.main([str(argument) for argument in arguments]) == 2
    assert "--steps" in capsys.readouterr().err and not list(tmp_path.iterdir())
