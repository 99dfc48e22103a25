"""Shards: the same bytes however they are made, resumed after anything, read back strictly."""

import errno
import hashlib
import json
import os
import tarfile

import numpy as np
import pytest

from sat3d.errors import CancelledError, ConfigError, FileError
from tests.training.synthheads.fakes import fake_render_head, fake_render_views
from training.synth import render_command, shards
from training.synth.dataset import ShardFolder
from training.synth.render_command import prepare_folder, render_missing
from training.synth.serialise import encode_png, from_json, read_png_document, to_dict, to_json
from training.synth.shards import DatasetPlan, depth_to_steps, member_names, steps_to_depth, write_shard
from training.synthheads.domain import HEADS
from training.synthheads.populations import INDEPENDENT

PLAN = DatasetPlan(seed=4, size=16, count=11, views=2, heads_per_shard=2)


@pytest.fixture(autouse=True)
def no_rendering(monkeypatch):
    monkeypatch.setattr(shards, "render_views", fake_render_views)


@pytest.fixture
def folder(tmp_path):
    render(tmp_path / "data")
    return tmp_path / "data"


def render(path, plan=PLAN):
    prepare_folder(path, plan)
    render_missing(path, plan, 1, "cpu")


def digests(path):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(path.iterdir())}


def test_a_plan_divides_its_views_into_shards():
    assert PLAN.shard_count == 3
    assert [list(PLAN.indices(shard)) for shard in range(3)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]


@pytest.mark.parametrize(
    "values", [{"count": 0}, {"count": -1}, {"size": 15}, {"size": 1025}, {"views": 0}, {"seed": -1}, {"size": 64.0}]
)
def test_impossible_plans_are_refused(values):
    with pytest.raises(ConfigError, match="out of range"):
        DatasetPlan(**{"seed": 0, "size": 64, "count": 8, **values})


def test_the_same_settings_give_the_same_bytes(folder, tmp_path):
    render(tmp_path / "again")
    assert digests(folder) == digests(tmp_path / "again")
    assert sorted(digests(folder)) == ["dataset.json", *(f"shard-{i:06d}.tar" for i in range(3))]


def test_a_shard_does_not_depend_on_how_many_there_are(folder, tmp_path):
    render(tmp_path / "more", DatasetPlan(seed=4, size=16, count=40, views=2, heads_per_shard=2))
    for name in ("shard-000000.tar", "shard-000001.tar"):
        assert (tmp_path / "more" / name).read_bytes() == (folder / name).read_bytes()


def test_what_is_there_is_kept_and_what_is_missing_is_made(folder, monkeypatch):
    before = digests(folder)
    (folder / "shard-000001.tar").unlink()
    (folder / ".sat3d-0badcafe.part.tar").write_bytes(b"what a killed run left")
    made = []
    monkeypatch.setattr(shards, "render_views", lambda domain, p, *rest: made.append(p) or fake_render_head(p, *rest))
    render(folder)
    assert digests(folder) == before and len(made) == 2


def test_shards_are_plain_tars_without_time_or_owner(folder):
    with tarfile.open(folder / "shard-000002.tar") as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == [name for index in (8, 9, 10) for name in member_names(index)]
    for member in members:
        assert (member.mtime, member.uid, member.gid, member.uname, member.gname, member.mode) == (
            0,
            0,
            0,
            "",
            "",
            0o644,
        )


@pytest.mark.parametrize(
    "stop", [CancelledError("stopped"), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")]
)
def test_a_stop_leaves_no_broken_shard(tmp_path, stop):
    calls = []

    def progress(count):
        calls.append(count)
        raise stop

    wanted = FileError if isinstance(stop, OSError) else type(stop)
    with pytest.raises(wanted, match="disk is full" if wanted is FileError else None):
        write_shard(PLAN, 0, tmp_path, "cpu", progress)
    assert calls == [2] and not list(tmp_path.iterdir())


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    def no_space(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    prepare_folder(tmp_path, PLAN)
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(FileError, match="make room"):
        render_missing(tmp_path, PLAN, 1, "cpu")
    assert [file.name for file in tmp_path.iterdir()] == ["dataset.json"]


def test_another_data_set_in_the_folder_is_refused(folder):
    for plan in (DatasetPlan(5, 16, 11, 2, 2), DatasetPlan(4, 16, 12, 2, 2), DatasetPlan(4, 32, 11, 2, 2)):
        with pytest.raises(FileError, match=r"another data set.* asked"):
            prepare_folder(folder, plan)
    (folder / "dataset.json").unlink()
    with pytest.raises(FileError, match="unknown data set"):
        prepare_folder(folder, PLAN)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"seed": 1}', '{"seed": "x", "size": 1, "count": 1}', '{"a": 1}', "\0"]
)
def test_damaged_settings_are_refused(folder, text):
    (folder / "dataset.json").write_text(text, encoding="utf-8")
    for use in (lambda: prepare_folder(folder, PLAN), lambda: ShardFolder(folder)):
        with pytest.raises(FileError):
            use()


def test_depth_steps():
    depth = np.array([0.0, 1e-6, 2.5, 3.27, 9.0], np.float32)
    steps = depth_to_steps(depth)
    assert steps.tolist() == [0, 1, 50000, 65400, 65535]
    np.testing.assert_allclose(steps_to_depth(steps)[[0, 2, 3]], depth[[0, 2, 3]], atol=3e-5)


def test_heads_go_through_json_and_png_unchanged(tmp_path):
    p = INDEPENDENT.draw(1, 1)
    assert HEADS.table.from_dict(json.loads(to_json(to_dict(p)))) == p
    picture = encode_png(np.zeros((4, 4, 3), np.uint8), "synthheads", {"parameters": to_dict(p)})
    (tmp_path / "a.png").write_bytes(picture)
    assert HEADS.parameters_of(read_png_document(tmp_path / "a.png", "synthheads"), "a.png") == p


@pytest.mark.parametrize("values", [None, [], {}, "x", {"wings": 2}, {"age": "x"}, {"shape": [1]}, {"hair_style": 3}])
def test_foreign_parameters_are_refused(values):
    with pytest.raises((FileError, ConfigError)):
        HEADS.table.from_dict(values)
    with pytest.raises(FileError):
        HEADS.parameters_of({"parameters": values}, "x")


def test_large_json_is_refused():
    with pytest.raises(FileError, match="larger"):
        from_json(b" " * (2 << 20), "x")


def test_the_plan_on_disk_is_readable(folder):
    assert json.loads((folder / "dataset.json").read_text())["domain"].startswith("synthheads.")
    assert render_command.read_plan(folder) == PLAN
