"""The packed pictures that the generator learns from, and how much each pixel teaches."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sat3d.errors import FileError
from sat3d.generators import build_generator
from sat3d.generators.rays import camera_rays
from tests.training.ball_heads import write_balls
from training.data.packed import open_pack
from training.data.pixel_weights import UNIT, pixel_weights
from training.data.row_file import RowFile
from training.generator.presets import find_preset
from training.synth.dataset import ShardFolder
from training.synth.domain import find_domain
from training.synthheads.cameras import RIG
from training.synthheads.domain import HEADS

PLACES = HEADS.learning.places
EYE = torch.tensor([0.0525, -0.012, 0.148])


def test_packing_keeps_every_view(data, pack):
    folder = ShardFolder(data)
    assert (len(pack), pack.views, pack.size) == (8, 3, 32)
    for index in (0, 7, 23):
        sample = folder[index]
        place = sample.head, sample.view
        assert np.array_equal(pack.image[place].numpy(), sample.image)
        assert np.allclose(pack.camera[place].numpy(), sample.camera)
        weight = pixel_weights(sample.image, sample.depth, sample.camera, PLACES)
        assert np.array_equal(pack.weight[place].numpy(), weight)
        flat = torch.arange(32 * 32) + index * 32 * 32
        assert np.allclose(pack.read_depth(flat).numpy(), sample.depth.ravel(), atol=1e-4)


def test_a_pack_holds_nothing_but_pictures_weights_depths_and_cameras(pack):
    assert set(vars(pack)) == {"image", "weight", "depth", "camera", "learning", "faces", "files"}
    assert pack.faces is None, "nobody has looked at faces yet"
    assert pack.learning is HEADS.learning


def test_some_heads_are_a_pack_in_memory(pack):
    heads = torch.tensor([6, 0, 3])
    some = pack.some(heads)
    for name in ("image", "weight", "depth", "camera"):
        assert torch.equal(getattr(some, name), getattr(pack, name)[heads]), name
    assert not some.files and torch.equal(some.pictures(torch.tensor([1]), 2), pack.pictures(torch.tensor([0]), 2))
    assert torch.equal(some.some(torch.tensor([2])).depth[0], pack.depth[3])


def test_rows_of_a_file_that_has_become_shorter_are_refused(tmp_path):
    np.save(tmp_path / "rows.npy", np.arange(24, dtype=np.uint16).reshape(2, 3, 4))
    rows = RowFile(tmp_path / "rows.npy", leading=2)
    assert rows.read(torch.tensor([4, 1])).tolist() == [[16, 17, 18, 19], [4, 5, 6, 7]]
    with (tmp_path / "rows.npy").open("r+b") as stream:
        stream.truncate(150)
    with pytest.raises(FileError, match="shorter"):
        rows.read(torch.tensor([5]))


def test_pictures_of_a_pack_are_those_of_the_views_asked_for(pack):
    heads, view = torch.tensor([5, 2]), torch.tensor([2, 0])
    got = pack.pictures(heads, view)
    for row, (head, number) in enumerate(((5, 2), (2, 0))):
        torch.testing.assert_close(got[row], pack.image[head, number].permute(2, 0, 1).float() / 127.5 - 1)
    torch.testing.assert_close(pack.pictures(heads)[0], pack.pictures(heads[:1], 0)[0])


def wall(size: int = 64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A camera, depths of a wall through both eyes, and the points that its pixels see ``[size², 3]``."""
    label = RIG.label(torch.tensor(0.3), torch.tensor(0.1)).numpy()[0]
    origin, direction = (x[0].numpy() for x in camera_rays(torch.from_numpy(label)[None], size))
    depth = ((float(EYE[2]) - origin[:, 2]) / direction[:, 2]).astype(np.float32)
    return label, depth.reshape(size, size), origin + depth[:, None] * direction


def grey(size: int = 64) -> np.ndarray:
    return np.full((size, size, 3), 128, np.uint8)


def test_the_places_of_eyes_count_whatever_is_seen_there():
    label, depth, points = wall()
    weight = pixel_weights(grey(), depth, label, PLACES) / UNIT
    for side in (1, -1):
        off = points - EYE.numpy() * (side, 1, 1)
        at_eye = np.abs(off).sum(1).argmin()
        bell = 5 * np.exp(-0.5 * ((off[at_eye, :2] / (0.018, 0.013)) ** 2).sum())
        assert bell < weight.flat[at_eye] < bell + 0.7 and bell > 4  # brows and nose add a little
    away = np.linalg.norm(points - (0, 0.25, EYE[2]), axis=1) < 0.05
    assert away.any() and weight.flat[away].max() < 0.1


def test_edges_of_depth_count_everywhere_and_edges_of_colour_on_surfaces():
    label, depth, points = wall()
    far = np.abs(points).max(1).reshape(64, 64) > 0.3  # from every place of a face
    image, near = grey(), depth.copy()
    image[:, 40:], near[50:] = 200, near[50:] - 0.1
    weight = pixel_weights(image, near, label, PLACES) / UNIT
    plain, colour, step = (far & region for region in edge_regions())
    assert plain.any() and weight[plain].max() < 0.1
    np.testing.assert_allclose(weight[colour], 1.2 + 0.02, atol=0.06)
    np.testing.assert_allclose(weight[step], 2.0 + 0.02, atol=0.06)
    assert pixel_weights(image, np.zeros_like(depth), label, PLACES).max() / UNIT < 0.1, "the backdrop's own edges"


def edge_regions() -> list[np.ndarray]:
    """Pixels of no edge, beside the colour's (columns 39, 40) and at the depth's (rows 49, 50)."""
    row, column = np.mgrid[:64, :64]
    at_colour, at_step = (column == 39) | (column == 40), (row == 49) | (row == 50)
    return [~at_colour & ~at_step, at_colour & ~at_step, at_step & ~at_colour]


def test_an_unfinished_pack_is_made_again(data, tmp_path):
    first = open_pack(data, tmp_path / "cache")
    (tmp_path / "cache" / "pack.json").unlink()
    (tmp_path / "cache" / "weight.npy").write_bytes(b"half a file")
    again = open_pack(data, tmp_path / "cache")
    assert torch.equal(first.image, again.image) and torch.equal(again.weight, open_pack(data).weight)


def test_a_damaged_pack_is_told(data, tmp_path):
    open_pack(data, tmp_path / "cache")
    for damage in (lambda path: path.write_bytes(path.read_bytes()[:200]), lambda path: path.unlink()):
        damage(tmp_path / "cache" / "weight.npy")
        with pytest.raises(FileError, match=r"packed data are damaged.*delete its pack\.json"):
            open_pack(data, tmp_path / "cache")
    (tmp_path / "cache" / "pack.json").unlink()
    assert len(open_pack(data, tmp_path / "cache"))


def test_a_folder_of_somebody_is_not_packed_into(data, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "wedding.jpg").write_text("precious")
    with pytest.raises(FileError, match=r"holds other files.*wedding\.jpg.*--cache"):
        open_pack(data, tmp_path / "photos")
    with pytest.raises(FileError, match="folder cannot be made"):
        open_pack(data, tmp_path / "photos" / "wedding.jpg")
    assert (tmp_path / "photos" / "wedding.jpg").read_text() == "precious" and len(list(tmp_path.iterdir())) == 1


def test_a_pack_that_has_no_room_is_refused_before_it_is_made(data, tmp_path, monkeypatch):
    """On a disk that fills up, writing into mapped memory ends the process."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(FileError, match=r"disk is full.*1000 bytes are free.*of free space"):
        open_pack(data, tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_several_data_sets_make_one_pack_in_their_order(data, pack, tmp_path, monkeypatch):
    second = write_balls(tmp_path / "more", monkeypatch, heads=3)
    both = open_pack([data, second], tmp_path / "cache")
    assert len(both) == 11 and torch.equal(both.image[:8], pack.image)
    assert torch.equal(both.image[8:], open_pack(second, tmp_path / "alone").image)


@pytest.mark.parametrize("other", [{"views": 2}, {"size": 16}])
def test_data_sets_of_other_pictures_are_refused(data, tmp_path, monkeypatch, other):
    second = write_balls(tmp_path / "other", monkeypatch, heads=2, **other)
    with pytest.raises(FileError, match="do not go together"):
        open_pack([data, second], tmp_path / "cache")


@pytest.mark.parametrize("name", ["synthheads", "synthcars", "synthcats"])
def test_presets_take_volume_and_cameras_from_the_domain(name):
    domain = find_domain(name)
    preset = find_preset("small").for_domain(domain)
    rendering = preset.network.rendering
    assert (rendering.box_warp, rendering.plane_warp) == (domain.learning.box, domain.learning.plane_warp)
    assert (rendering.ray_start, rendering.ray_end) == domain.learning.rays
    assert rendering.avg_camera_pivot == domain.views.rig.pivot and rendering.avg_camera_radius == 2.7
    assert preset.encoder.face_zoom == pytest.approx(2.2 * domain.learning.magnified)
    assert preset.network.img_resolution == 128
    halves = sum(tensor.numel() for tensor in build_generator(preset.network).state_dict().values())
    assert 2 * halves < 5e6, "a file of at most 5 MB"


def test_data_sets_of_different_domains_do_not_go_together(data, tmp_path):
    other = tmp_path / "cars"
    shutil.copytree(data, other, ignore=shutil.ignore_patterns("packed"))
    plan = (other / "dataset.json").read_text(encoding="utf-8")
    plan = plan.replace("synthheads.3", "synthcars.1").replace('"first"', '"traffic"')
    (other / "dataset.json").write_text(plan, encoding="utf-8")
    with pytest.raises(FileError, match="do not go together"):
        open_pack([data, other], tmp_path / "cache")
