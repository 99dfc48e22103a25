"""Faces as files, contact sheets, differences: hand-computed values, files, refusals."""

import dataclasses
import errno
import math
import os
import threading
from pathlib import Path

import pytest
import torch

from tests.nodes.host_stub import run


def plain(*values, size=(4, 6)):
    """An IMAGE of one grey picture a value."""
    return torch.tensor(values).reshape(-1, 1, 1, 1).expand(-1, *size, 3).contiguous()


@pytest.fixture
def compare(part):
    return lambda before, after, **more: run(
        part("nodes.compare").SAT3DCompare, before=before, after=after, **{"gain": 2.0, **more}
    )


@pytest.fixture
def sheet(part):
    def sheet(row_1, **more):
        return run(
            part("nodes.sheet").SAT3DContactSheet, row_1=row_1, **{"labels": "", "cell_px": 32, "columns": 8, **more}
        )[0]

    return sheet


def test_differences_by_hand(compare):
    before, after = plain(0.5), plain(0.5)
    after[0, 0, 0] = torch.tensor([0.8, 0.5, 0.5])  # mean 0.1 at one of 24 pixels
    picture, mean, most = compare(before, after)
    assert (mean, most) == (pytest.approx(0.1 * 255 / 24), pytest.approx(0.1 * 255, rel=1e-4))
    assert picture.shape == before.shape and picture[0, 0, 0].tolist() == pytest.approx([0.2] * 3)
    assert picture.sum().item() == pytest.approx(0.6)


def test_what_is_ignored_does_not_count(compare):
    before, after, mask = plain(0.0), plain(0.2), torch.zeros(1, 4, 6)
    after[0, :, 3:], mask[0, :, 3:] = 1.0, 1.0
    picture, mean, most = compare(before, after, ignore=mask)
    assert (mean, most) == (pytest.approx(0.2 * 255, rel=1e-5), pytest.approx(0.2 * 255, rel=1e-5))
    assert picture[0, :, 3:].eq(0).all() and compare(before, after, ignore=mask[0])[1] == mean
    assert math.isnan(compare(before, after, ignore=torch.ones(1, 4, 6))[1])


def test_the_same_picture_has_no_difference(compare):
    photo = torch.rand(1, 8, 8, 3)
    picture, mean, most = compare(photo, photo)
    assert (mean, most) == (0, 0) and picture.eq(0).all()


def test_one_picture_is_compared_with_a_batch(compare):
    picture, mean, _ = compare(plain(0.0), plain(0.1, 0.2, 0.6))
    assert picture[:, 0, 0, 0].tolist() == pytest.approx([0.2, 0.4, 1.0]) and mean == pytest.approx(0.3 * 255, rel=1e-5)


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        (plain(0.0), plain(0.0, size=(4, 5)), {}),
        (plain(0.0, 1.0), plain(0.0, 1.0, 0.5), {}),
        (plain(0.0), torch.rand(0, 4, 6, 3), {}),
        (plain(0.0), plain(0.0)[0], {}),
        (plain(0.0), plain(0.0), {"ignore": torch.zeros(1, 6, 4)}),
        (plain(0.0), plain(0.0), {"ignore": torch.zeros(3, 4, 6)}),
    ],
)
def test_pictures_that_cannot_be_compared(compare, part, before, after, more):
    with pytest.raises(part("sat3d.errors").ShapeError, match="Next step"):
        compare(before, after, **more)


def test_pictures_stand_where_they_should(sheet):
    made = sheet(plain(0.2, 0.4), row_3=plain(0.8))
    assert made.shape == (1, 2 * 38 + 6, 2 * 38 + 6, 3)
    levels = [made[0, y, x, 0].item() for y, x in ((22, 22), (22, 60), (60, 22), (60, 60))]
    assert levels == pytest.approx([0.2, 0.4, 0.8, 24 / 255], abs=0.01)


def test_long_rows_go_on_below_with_one_label(part, sheet):
    assert sheet(plain(*[0.5] * 5), columns=2).shape[1:3] == (3 * 38 + 6, 2 * 38 + 6)
    rows, names = part("nodes.sheet").wrap_rows([plain(*[0.5] * 3), plain(0.1)], ["a", "b"], 2)
    assert list(map(len, rows)) == [2, 1, 1] and names == ["a", "", "b"]


def test_labels_of_any_kind_are_drawn(sheet):
    named = sheet(plain(0.5), labels="ひげ " + "x" * 999 + "\nspare line")
    assert named.shape[1] == 38 + 16 + 6 and named[0, :20].max() > 0.6


def test_wide_pictures_are_shown_whole(sheet):
    made = sheet(plain(1.0, size=(20, 40)))[0, 6:38, 6:38, 0]
    assert made[16].min() > 0.99 and made[2].max() < 0.2 and made[30].max() < 0.2


def test_a_sheet_that_is_too_large(sheet, part):
    """Pictures that took long to make are shown smaller; only more than can be seen are refused."""
    made = sheet(plain(*[0.5] * 40), cell_px=1024, columns=64)
    assert 12000 < made.shape[2] <= 16384 and made.shape[1] < 500
    with pytest.raises(part("sat3d.errors").ShapeError, match=r"too large.*16384"):
        sheet(plain(*[0.5] * 300), cell_px=1024, columns=300)


@pytest.fixture
def store(part):
    return (
        lambda latent, prefix="sat3d/face": run(
            part("nodes.faces").SAT3DSaveLatent, latent=latent, filename_prefix=prefix
        )[0],
        lambda entry: run(part("nodes.faces").SAT3DLoadLatent, face_file=entry),
    )


def test_a_saved_face_comes_back(graph, part, store):
    save, load = store
    model = graph.load()[0]
    latent = graph.sample(model, batch_size=2)
    edit = part("sat3d.latent").Edit(("beard",), 1.5, "seed 9", "mine")
    paths = [save(dataclasses.replace(latent, edits=(edit,))) for _ in range(2)]
    assert paths[0] != paths[1]
    entries = part("nodes.faces").LIBRARY.entries()
    assert entries == ["face_00001_.safetensors", "face_00002_.safetensors"]
    back, text = load(entries[0])
    assert torch.equal(back.styles, latent.styles) and torch.equal(back.camera, latent.camera)
    assert not back.styles.is_inference() and text == "seed 3\n1. beard of seed 9, intensity 1.5, masks mine"
    assert torch.equal(graph.render(model, back)[0], graph.render(model, latent)[0])


def test_faces_from_elsewhere_are_listed_and_changes_noticed(graph, part, store, models):
    node = part("nodes.faces").SAT3DLoadLatent
    latent = graph.sample(graph.load()[0])
    latent.save(models / "sat3d_latents" / "friend.safetensors")
    before = node.fingerprint_inputs("friend.safetensors")
    assert "friend.safetensors" in part("nodes.faces").LIBRARY.entries() and before != "missing"
    dataclasses.replace(latent, name="somebody else").save(models / "sat3d_latents" / "friend.safetensors")
    assert node.fingerprint_inputs("friend.safetensors") != before and "no such file" in node.validate_inputs("gone")


@pytest.mark.parametrize("prefix", ["../face", "/etc/face", "sat3d/../../face"])
def test_nothing_is_saved_outside_the_output_folder(graph, store, prefix):
    with pytest.raises(graph.errors.FileError, match=r"cannot be saved there.*output folder"):
        store[0](graph.sample(graph.load()[0]), prefix)


def test_two_that_save_at_once_make_two_files(graph, part, store, monkeypatch):
    """Both have picked the same number, and seen that it is free, before either of them writes."""
    model, tensorfile = graph.load()[0], part("sat3d.files.safetensors_io")
    latents = [graph.sample(model, seed=seed) for seed in (1, 2)]
    together, first_tries, real, told = threading.Barrier(2), iter(range(2)), tensorfile.save_file, []

    def slow(*arguments, **named):
        if next(first_tries, None) is not None:
            together.wait(10)
        real(*arguments, **named)

    monkeypatch.setattr(tensorfile, "save_file", slow)
    threads = [threading.Thread(target=lambda face=face: told.append(store[0](face))) for face in latents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(Path(path).name for path in told) == ["face_00001_.safetensors", "face_00002_.safetensors"]
    sums = [part("sat3d.latent").load_latent(path).styles.sum().item() for path in told]
    assert sorted(sums) == pytest.approx(sorted(latent.styles.sum().item() for latent in latents))
    assert len(list(Path(told[0]).parent.iterdir())) == 2


def test_a_number_that_is_taken_is_passed_over(graph, store, part, monkeypatch):
    """The host counts 'Face' and 'face' apart, where a disk may not."""
    latent, files = graph.sample(graph.load()[0]), part("nodes.output_files")
    first = [Path(store[0](latent)) for _ in range(3)]
    before = [path.read_bytes() for path in first]
    folder = str(first[0].parent)
    monkeypatch.setattr(files.folder_paths, "get_save_image_path", lambda *_: (folder, "face", 1, "", ""))
    assert Path(store[0](latent)).name == "face_00004_.safetensors"
    assert [path.read_bytes() for path in first] == before


@pytest.mark.parametrize("prefix", ["a\0b", "sat3d/\0/face", "x" * 300, "\ud800"])
def test_prefixes_that_no_file_can_have(graph, store, models, prefix):
    with pytest.raises(graph.errors.Sat3dError, match="Next step: ch") as caught:
        store[0](graph.sample(graph.load()[0]), prefix)
    assert "--" not in str(caught.value)
    assert not [path for path in (models.parent / "output").rglob("*") if path.is_file()]


@pytest.mark.skipif(os.name == "nt", reason="a path of Windows has 259 characters")
def test_a_long_prefix_that_a_file_can_have(graph, store, part):
    path = Path(store[0](graph.sample(graph.load()[0]), "sat3d/" + "x" * 222))
    assert path.name == "x" * 222 + "_00001_.safetensors" and part("sat3d.latent").load_latent(path)
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_a_full_disk_is_said(graph, store, part, models, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(part("sat3d.files.safetensors_io"), "save_file", full)
    with pytest.raises(graph.errors.FileError, match=r"the disk is full.*face_00001_\.safetensors"):
        store[0](graph.sample(graph.load()[0]))
    assert not [path for path in (models.parent / "output").rglob("*") if path.is_file()]


@pytest.mark.parametrize("entry", ["../face.safetensors", "/etc/passwd", "", "absent.safetensors"])
def test_only_listed_faces_are_opened(graph, store, entry):
    with pytest.raises(graph.errors.FileError, match=r"no faces yet.*sat3d_latents"):
        store[1](entry)


def test_a_file_that_is_no_face(graph, store, models):
    (models / "sat3d_latents" / "bad.safetensors").write_bytes(b"not a face")
    with pytest.raises(graph.errors.FileError, match="Next step"):
        store[1]("bad.safetensors")
