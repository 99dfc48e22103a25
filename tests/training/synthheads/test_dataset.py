"""Reading data sets back: what was written, or a refusal in words."""

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from sat3d.errors import FileError
from tests.training.synthheads.fakes import fake_render_head, fake_render_views
from training.synth import dataset, shards
from training.synth.dataset import ShardFolder
from training.synth.render_command import prepare_folder, render_missing
from training.synth.shards import DatasetPlan
from training.synthheads.populations import INDEPENDENT

PLAN = DatasetPlan(seed=4, size=16, count=11, views=2, heads_per_shard=2)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "render_views", fake_render_views)
    prepare_folder(tmp_path, PLAN)
    render_missing(tmp_path, PLAN, 1, "cpu")
    return tmp_path


def test_a_data_set_reads_back_as_it_was_made(folder):
    data = ShardFolder(folder)
    assert len(data) == 11 and len(list(data)) == 11
    for index, sample in enumerate(data):
        head, view = divmod(index, 2)
        z = INDEPENDENT.draw_latent(4, head)
        assert (sample.index, sample.head, sample.view) == (index, head, view)
        assert (sample.latent == z).all() and sample.parameters == INDEPENDENT.parameters(z)
        pose = INDEPENDENT.draw_poses(4, head, 2)[view]
        made = fake_render_head(sample.parameters, [pose], 16)[0]
        assert (sample.image == made.image).all() and (sample.behind == made.labels_behind).all()
        np.testing.assert_allclose(sample.depth, made.depth, atol=0.5 / shards.DEPTH_PER_UNIT + 1e-6)
        np.testing.assert_allclose(sample.camera, np.asarray(made.label_25)[0], atol=1e-6)
        assert sample.yaw_rad == pytest.approx(pose.yaw_rad) and sample.caption


def test_loading_into_arrays(folder):
    arrays = ShardFolder(folder).load(5)
    assert arrays.images.shape == (5, 16, 16, 3) and arrays.images.dtype == np.uint8
    assert arrays.depth.dtype == np.float32 and arrays.cameras.shape == (5, 25)
    assert arrays.heads.tolist() == [0, 0, 1, 1, 2] and len(arrays.captions) == len(arrays.parameters) == 5
    assert ShardFolder(folder).load().images.shape[0] == 11


def test_only_the_pictures_that_are_asked_for_are_read(folder, monkeypatch):
    decoded = []
    decode = dataset._decode
    monkeypatch.setattr(dataset, "_decode", lambda name, *rest: decoded.append(name) or decode(name, *rest))
    sample, whole = ShardFolder(folder, ("image",))[3], ShardFolder(folder)[3]
    assert decoded[0] == "00000003.image.png" and len(decoded) == 1 + 5
    assert (sample.image == whole.image).all() and sample.parameters == whole.parameters
    assert sample.labels is sample.behind is sample.depth is sample.normals is None
    assert ShardFolder(folder, ("image",)).load(1).depth.shape == (1, 16, 16)


def test_an_incomplete_data_set_is_refused(folder):
    (folder / "shard-000001.tar").unlink()
    with pytest.raises(FileError, match="1 of 3 shards missing, the first shard-000001"):
        ShardFolder(folder)


def rewrite(path, change):
    """The shard at ``path`` with its members passed through ``change(name, data) -> list of (TarInfo, data)``."""
    with tarfile.open(path) as archive:
        members = [(member, archive.extractfile(member).read()) for member in archive]
    with tarfile.open(path, "w") as archive:
        for member, data in members:
            for info, changed in change(member.name, data):
                info.size = len(changed)
                archive.addfile(info, io.BytesIO(changed))


def entry(name, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.type = kind
    return info


def edited_json(data, **changes):
    return json.dumps({**json.loads(data), **changes}).encode()


DAMAGES = {
    "a member is missing": lambda n, d: [] if n == "00000001.depth.png" else [(entry(n), d)],
    "a member too many": lambda n, d: [(entry(n), d), *([(entry("evil.txt"), b"x")] if n == "00000001.json" else [])],
    "a path upward": lambda n, d: [(entry("../" + n if n == "00000001.json" else n), d)],
    "a member twice": lambda n, d: [(entry(n), d)] * (1 + (n == "00000001.json")),
    "a link": lambda n, d: [(entry(n, tarfile.SYMTYPE if n == "00000001.json" else tarfile.REGTYPE), d)],
    "another order": lambda n, d: [(entry(n.replace("image", "labels") if "1.image" in n else n), d)],
    "a picture that is none": lambda n, d: [(entry(n), b"GIF89a" if n == "00000001.image.png" else d)],
    "half a picture": lambda n, d: [(entry(n), d[: len(d) // 2] if n == "00000001.image.png" else d)],
    "another size": lambda n, d: [(entry(n), _png(32) if n == "00000001.image.png" else d)],
    "another mode": lambda n, d: [(entry(n), _png(16, "L") if n == "00000001.image.png" else d)],
    "an unknown label": lambda n, d: [(entry(n), _png(16, "L") if n == "00000001.labels.png" else d)],
    "no JSON": lambda n, d: [(entry(n), b"{" if n == "00000001.json" else d)],
    "deep JSON": lambda n, d: [(entry(n), b"[" * 100000 if n == "00000001.json" else d)],
    "another head": lambda n, d: [(entry(n), edited_json(d, head=7) if n == "00000001.json" else d)],
    "a short latent": lambda n, d: [(entry(n), edited_json(d, latent=[1]) if n == "00000001.json" else d)],
    "words in the camera": lambda n, d: [(entry(n), edited_json(d, camera=["x"] * 25) if n == "00000001.json" else d)],
    "an infinite yaw": lambda n, d: [(entry(n), edited_json(d, yaw_rad=1e999) if n == "00000001.json" else d)],
    "strange parameters": lambda n, d: [(entry(n), edited_json(d, parameters={"x": 1}) if n == "00000001.json" else d)],
}


def _png(size, mode="RGB"):
    stream = io.BytesIO()
    Image.new(mode, (size, size), 200 if mode == "L" else (1, 2, 3)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_shards_are_refused(folder, damage):
    rewrite(folder / "shard-000000.tar", DAMAGES[damage])
    with pytest.raises(FileError):
        ShardFolder(folder)[1]


@pytest.mark.parametrize("contents", [b"", b"not a tar" * 200, bytes(10240)])
def test_files_that_are_no_shards_are_refused(folder, contents):
    (folder / "shard-000000.tar").write_bytes(contents)
    with pytest.raises(FileError, match="not a sound shard"):
        ShardFolder(folder)[0]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_shards_are_refused(folder, share):
    path = folder / "shard-000000.tar"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(FileError):
        ShardFolder(folder).load()
