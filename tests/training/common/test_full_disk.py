"""Scripts on a full disk: one line that says so, the exit code of a refusal, and what was there is kept."""

import errno
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from sat3d.errors import FileError
from sat3d.pictures import contact_sheet
from tests.training.synthheads.fakes import fake_render_head
from training import benchmark, curves, demo, evaluate
from training.common.run_lock import run_lock
from training.generator import report as generator_report
from training.masks import report as masks_report
from training.masks.face_cache import PairFolder
from training.synthheads import __main__ as synthheads
from training.synthheads import render_command, shards, sheet_command, sheet_rows

LOG = json.dumps({"step": 1, "losses": {"ref": 1.0}}) + "\n" + json.dumps({"step": 2, "losses": {"ref": 0.5}}) + "\n"


@pytest.fixture
def log(tmp_path) -> Path:
    path = tmp_path / "in" / "masks.progress.jsonl"
    path.parent.mkdir()
    path.write_text(LOG)
    return path


@pytest.fixture
def full_disk(monkeypatch, log):
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
    suite = SimpleNamespace(__doc__="Nothing.", add_arguments=lambda parser: None, run=lambda options: {"score": 1})
    monkeypatch.setattr(evaluate, "SUITES", {"readers": suite})
    monkeypatch.setattr(benchmark, "SUITES", {"generator": lambda repeats, device: {"stage": {}}})
    for module in (shards, sheet_rows):
        monkeypatch.setattr(module, "render_head", fake_render_head)
    for module in (render_command, sheet_command):
        monkeypatch.setattr(module, "check_device", lambda device: None)


SCRIPTS = {
    "curves.png": lambda path, log: curves.main(["--out", str(path), str(log)]),
    "scores.json": lambda path, log: evaluate.main(["readers", "--json", str(path)]),
    "times.json": lambda path, log: benchmark.main(["--json", str(path), "--device", "cpu"]),
    "sheet.jpg": lambda path, log: synthheads.main(["sheet", "--out", str(path), "--size", "16"]),
    "dataset.json": lambda path, log: synthheads.main(
        ["render", "--out", str(path.parent), "--count", "4", "--size", "16"]
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_says_that_the_disk_is_full(quick, full_disk, log, out, capsys, name):
    assert SCRIPTS[name](out / name, log) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if "error" in line]
    assert len(lines) == 1 and lines[0].startswith("error: ")
    assert "the disk is full" in lines[0] and name in lines[0] and "make room" in lines[0]
    assert not list(out.iterdir())


@pytest.mark.parametrize("name", SCRIPTS)
def test_and_without_that_it_writes(quick, log, out, name):
    assert SCRIPTS[name](out / name, log) == 0 and (out / name).stat().st_size


def test_a_shard_says_what_to_do_then(quick, log, out, capsys, monkeypatch):
    def full(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert SCRIPTS["dataset.json"](out / "dataset.json", log) == 2
    said = capsys.readouterr().err
    assert "shard-000000.tar" in said and "run the same command again; finished shards are kept" in said
    assert [path.name for path in out.iterdir()] == ["dataset.json"]


def test_the_demo_and_the_trainings_say_it(full_disk, out, monkeypatch):
    pictures = torch.zeros(3, 3, 16, 16)
    turned = SimpleNamespace(image=pictures, depth=pictures[:, :1], opacity=pictures[:, :1] + 1)
    writers = [
        lambda: demo.save(out, pictures, turned, "beard"),
        lambda: generator_report.save_picture(contact_sheet([demo.to_pil(pictures)]), out / "sheet_0000001.png"),
        lambda: masks_report.save_picture(contact_sheet([demo.to_pil(pictures)]), out / "masks.sheet-0000001.png"),
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
    for name in ("masks.progress.jsonl", generator_report.LOG):
        (out / name).symlink_to("/dev/full")
    clock = SimpleNamespace(stage="points", steps=1, people=1, seconds=1.0)
    with pytest.raises(FileError, match=r"the disk is full.*progress\.jsonl"):
        generator_report.Reporter(out, {})._log(SimpleNamespace(clock=clock), {})
    training = SimpleNamespace(
        progress=SimpleNamespace(step=1, seconds=1.0), plan=SimpleNamespace(share=lambda _: 0.5, iterations=2)
    )
    with pytest.raises(FileError, match=r"the disk is full.*masks\.progress\.jsonl"):
        masks_report.Reporter(out / "masks.safetensors", write=lambda line: None).say(training)
