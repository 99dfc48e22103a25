"""Scripts on a full disk: one line that says so, the exit code of a refusal, and what was there is kept."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sat3d.errors import FileError
from sat3d.learning.face_cache import PairFolder
from sat3d.pictures import contact_sheet
from tests.training.synthheads.fakes import fake_render_views
from training import benchmark, demo, evaluate
from training.common.clock import Clock
from training.common.report import Report
from training.common.run_lock import run_lock
from training.generator import task as generator_task
from training.masks import task as masks_task
from training.synth import render_command, shards, sheet_command, sheet_rows
from training.synthheads import __main__ as synthheads


@pytest.fixture
def full_disk(monkeypatch):
    """Files can be opened, and nothing written into them."""

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(os, "fsync", full)


@pytest.fixture
def out(tmp_path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def quick(monkeypatch):
    """Scripts whose work is done at once."""
    judging, _ = evaluate.SUITES["readers"]
    monkeypatch.setitem(evaluate.SUITES, "readers", (judging, lambda settings: {"score": 1}))
    monkeypatch.setattr(benchmark, "SUITES", {"generator": lambda repeats, device: {"stage": {}}})
    for module in (shards, sheet_rows):
        monkeypatch.setattr(module, "render_views", fake_render_views)
    for module in (render_command, sheet_command):
        monkeypatch.setattr(module, "check_device", lambda device: None)


SCRIPTS = {
    "scores.json": lambda path: evaluate.main(["readers", "--json", str(path)]),
    "times.json": lambda path: benchmark.main(["--json", str(path), "--device", "cpu"]),
    "sheet.jpg": lambda path: synthheads.main(["sheet", "--out", str(path), "--size", "16"]),
    "dataset.json": lambda path: synthheads.main(["render", "--out", str(path.parent), "--count", "4", "--size", "16"]),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_says_that_the_disk_is_full(quick, full_disk, out, capsys, name):
    assert SCRIPTS[name](out / name) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(lines) == 1 and lines[0].startswith("error: ")
    assert "the disk is full" in lines[0] and name in lines[0] and "make room" in lines[0]
    assert not list(out.iterdir())


@pytest.mark.parametrize("name", SCRIPTS)
def test_and_without_that_it_writes(quick, out, name):
    assert SCRIPTS[name](out / name) == 0 and (out / name).stat().st_size


def test_a_shard_says_what_to_do_then(quick, out, capsys, monkeypatch):
    def full(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert SCRIPTS["dataset.json"](out / "dataset.json") == 2
    said = capsys.readouterr().err
    assert "shard-000000.tar" in said and "run the same command again; finished shards are kept" in said
    assert [path.name for path in out.iterdir()] == ["dataset.json"]


def test_the_demo_and_the_trainings_say_it(full_disk, out, monkeypatch):
    pictures = torch.zeros(3, 3, 16, 16)
    turned = SimpleNamespace(image=pictures, depth=pictures[:, :1], opacity=pictures[:, :1] + 1)
    writers = [
        lambda: demo.save(out, pictures, turned, "beard"),
        lambda: generator_task.save_picture(contact_sheet([demo.to_pil(pictures)]), out / "sheet_0000001.png"),
        lambda: masks_task.save_picture(contact_sheet([demo.to_pil(pictures)]), out / "masks.sheet-0000001.png"),
        lambda: PairFolder(out / "masks.pairs", {"seed": 1}).open(),
        lambda: run_lock(out).__enter__(),
    ]
    monkeypatch.delenv("RANK", raising=False)
    for write in writers:
        with pytest.raises(FileError, match="the disk is full"):
            write()
    assert not [path for path in out.rglob("*") if path.is_file()]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
def test_logs_say_it(out):
    (out / "progress.jsonl").symlink_to("/dev/full")
    with pytest.raises(FileError, match=r"the disk is full.*progress\.jsonl"):
        Report(out / "progress.jsonl").note(Clock("points", steps=1), {})
