"""The command line: what it writes, what it refuses and how it stops."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import warp
from PIL import Image

from sat3d.errors import FileError
from tests.training.synthheads.fakes import dying_job, failing_job, fake_render_views
from training.synth import cameras, render_command, shards, sheet_command, sheet_rows
from training.synth.dataset import ShardFolder
from training.synth.render_command import prepare_folder, render_missing
from training.synth.serialise import encode_png, to_dict
from training.synth.shards import DatasetPlan
from training.synth.workers import run_jobs
from training.synthheads.__main__ import SHEETS, main
from training.synthheads.domain import HEADS
from training.synthheads.parameter_spec import FIELDS, change
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import INDEPENDENT

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def flat(monkeypatch):
    """Flat pictures in place of rendered ones."""
    monkeypatch.setattr(shards, "render_views", fake_render_views)
    monkeypatch.setattr(sheet_rows, "render_views", fake_render_views)
    for command_module in (render_command, sheet_command):
        monkeypatch.setattr(command_module, "check_device", lambda device: None)


@pytest.fixture
def data(flat, tmp_path):
    assert main(["render", "--out", str(tmp_path / "data"), "--count", "6", "--size", "16", "--seed", "2"]) == 0
    return tmp_path / "data"


def refused(capsys, *arguments):
    """The message of a refusal: exit code 2 and one line on stderr."""
    assert main([str(argument) for argument in arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("error: ")
    return lines[-1]


def test_render_writes_a_readable_data_set(data, capsys):
    assert len(ShardFolder(data)) == 6 and ShardFolder(data).plan.views == 4
    assert main(["render", "--out", str(data), "--count", "6", "--size", "16", "--seed", "2"]) == 0
    assert "6 pictures of 2 heads in 1 shards" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--count", "0"), "count is out of range"),
        (("--count", "-5"), "count is out of range"),
        (("--size", "8"), "16 to 1024"),
        (("--size", "4096"), "16 to 1024"),
        (("--workers", "0"), "workers is out of range"),
        (("--workers", "-2"), "workers is out of range"),
        (("--views", "0"), "views is out of range"),
        (("--seed", "-1"), "seed is out of range"),
    ],
)
def test_numbers_out_of_range_are_refused(flat, tmp_path, capsys, arguments, wanted):
    assert wanted in refused(capsys, "render", "--out", tmp_path / "new", "--count", 4, *arguments)
    assert not (tmp_path / "new").exists()


def test_render_refuses_places_it_cannot_write(flat, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("mine")
    for out in (file, file / "below"):
        assert "Cannot use the output folder" in refused(capsys, "render", "--out", out, "--count", 4)
    assert file.read_text() == "mine"


def test_render_refuses_a_folder_without_write_permission(flat, monkeypatch, tmp_path, capsys):
    def refuse(path, *more, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)  # rights do not bind every user that runs this
    monkeypatch.setattr(Path, "write_text", refuse)
    assert "error" in refused(capsys, "render", "--out", tmp_path, "--count", 4)
    assert not list(tmp_path.iterdir())


def test_render_refuses_another_data_set(data, capsys):
    message = refused(capsys, "render", "--out", data, "--count", 6, "--size", 16, "--seed", 3)
    assert "seed 2 there, 3 asked" in message


def test_a_missing_gpu_is_said(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(warp, "is_cuda_available", lambda: False)
    assert "no CUDA device" in refused(capsys, "render", "--out", tmp_path, "--count", 4, "--device", "cuda")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], ("render", "describe")),
        (["paint"], ("paint", "render", "describe")),
        (["render"], ("--out", "--count")),
        (["render", "--out", "x", "--count", "many"], ("--count", "many")),
        (["render", "--out", "x", "--count", "4", "--veiws", "2"], ("--veiws", "--views")),
    ],
)
def test_wrong_arguments_are_named_and_help_is_pointed_to(capsys, arguments, said):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    error = capsys.readouterr().err
    assert stop.value.code == 2 and "--help" in error and all(word in error for word in said)


def test_describe_says_what_a_shard_shows(data, capsys):
    capsys.readouterr()
    assert main(["describe", str(data / "shard-000000.tar"), "--first", "2"]) == 0
    text = capsys.readouterr().out
    sample = ShardFolder(data)[1]
    assert text.count(".json") == 2 and sample.caption in text and sample.parameters.hair_style in text


def test_describe_reads_pictures_and_parameters(tmp_path, capsys):
    p = change(HeadParameters(), hair_style="afro", glasses="round")
    (tmp_path / "a.json").write_text(json.dumps(to_dict(p)))
    picture = encode_png(np.zeros((4, 4, 3), np.uint8), "synthheads", {"parameters": to_dict(p)})
    (tmp_path / "a.png").write_bytes(picture)
    for name in ("a.json", "a.png"):
        assert main(["describe", str(tmp_path / name), "--json"]) == 0
        (entry,) = json.loads(capsys.readouterr().out)
        assert entry["attributes"]["hair_style"] == "afro" and entry["attributes"]["glasses"] == "round"
        assert entry["parameters"] == json.loads(json.dumps(to_dict(p))) and entry["caption"]


def test_describe_refuses_what_is_not_ours(tmp_path, capsys):
    Image.new("RGB", (4, 4)).save(tmp_path / "foreign.png")
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"junk" * 10)
    (tmp_path / "other.json").write_text('{"name": "value"}')
    (tmp_path / "broken.json").write_bytes(b"\xff\xfe{")
    (tmp_path / "empty.tar").write_bytes(bytes(10240))
    (tmp_path / "words.txt").write_text("words")
    (tmp_path / "folder.png").mkdir()
    for file in [*tmp_path.iterdir(), tmp_path / "missing.png"]:
        assert file.name in refused(capsys, "describe", file).replace(str(tmp_path), "")


@pytest.mark.parametrize("kind", ["random", "attributes", "actions", "views", "populations", "looks", "all"])
def test_sheets_are_written(flat, tmp_path, kind):
    out = tmp_path / "sheet.png"
    assert main(["sheet", "--out", str(out), "--kind", kind, "--size", "16", "--set", "hair_style=afro"]) == 0
    with Image.open(out) as picture:
        assert picture.width > 7 * 16 and picture.height > 5 * 16


def test_settings_reach_everyone_on_a_sheet():
    crowd = sheet_rows.Crowd(HEADS, INDEPENDENT, 1, {"hair_style": "afro", "iris_colour": (0.2, 0.45, 0.80)})
    for rows in (show(crowd) for show in SHEETS.values() if show is not sheet_rows.attribute_rows):
        assert {cell.parameters.hair_style for row in rows for cell in row.cells} == {"afro"}


def test_the_attribute_sheet_has_every_attribute_and_value():
    rows = sheet_rows.attribute_rows(sheet_rows.Crowd(HEADS, INDEPENDENT))
    titles = {row.title.removesuffix(", continued") for row in rows}
    assert set(FIELDS) - titles == {"shape", "ancestry", "actions"}
    texts = {cell.text for row in rows for cell in row.cells}
    for rule in FIELDS.values():
        assert set(getattr(rule, "values", ())) <= texts


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--set", "wings=2"), "hair_style"),
        (("--set", "hair_style=perm"), "mohawk"),
        (("--set", "age"), "attribute=value"),
        (("--size", "4"), "16 to 1024"),
        (("--out", "sheet.pdf"), ".png"),
        (("--out", "no/such/folder/sheet.png"), "folder of the picture"),
    ],
)
def test_sheet_refuses_in_words(flat, tmp_path, capsys, monkeypatch, arguments, wanted):
    monkeypatch.chdir(tmp_path)
    assert wanted in refused(capsys, "sheet", "--out", "sheet.png", *arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_errors_of_workers_arrive_in_words():
    with pytest.raises(FileError, match=r"The disk is full. Got: /x. Wanted: space."):
        run_jobs([failing_job, failing_job], 2, lambda count: None)
    with pytest.raises(Exception, match="worker process died"):
        run_jobs([dying_job, dying_job], 2, lambda count: None)


def command(*arguments, **options):
    line = [sys.executable, "-m", "training.synthheads", *map(str, arguments)]
    return subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_the_workers(tmp_path):
    plan = DatasetPlan(seed=1, size=16, count=6, views=2, heads_per_shard=1)
    for workers in (1, 2):
        prepare_folder(tmp_path / str(workers), plan)
        render_missing(tmp_path / str(workers), plan, workers, "cpu")
    for shard in range(plan.shard_count):
        name = plan.shard_name(shard)
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_leaves_only_whole_shards_and_no_processes(tmp_path, stop):
    out = tmp_path / "data"
    arguments = ("render", "--out", out, "--count", 4000, "--size", 16, "--views", 1, "--workers", 2)
    process = command(*arguments, start_new_session=True)
    wait_for(lambda: any(file.stat().st_size for file in out.glob(".*.part.tar")), 180)
    process.send_signal(stop)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == (130 if stop == signal.SIGINT else -stop)
    assert "Traceback" not in errors
    if stop == signal.SIGINT:
        assert not list(out.glob(".*"))
    wait_for(lambda: not alive(process.pid), 30)
    prepare_folder(out, DatasetPlan(seed=0, size=16, count=4000, views=1))
    assert all(re.fullmatch(r"dataset\.json|shard-\d{6}\.tar", file.name) for file in out.iterdir())


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def alive(group):
    """Whether any process of a process group runs."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


@pytest.mark.slow
def test_help_of_every_command():
    process = command("--help", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and all(name in text for name in ("render", "sheet", "describe"))


def test_the_front_is_where_the_camera_starts():
    assert (cameras.FRONT.yaw_rad, cameras.FRONT.pitch_rad) == (0.0, 0.0)
