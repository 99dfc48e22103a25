"""What the generator learns from: packed pictures, pixels, known points, patches, choices, factors, order."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sat3d.errors import FileError
from sat3d.generators import build_generator
from sat3d.generators.rays import camera_rays
from sat3d.parsing.labels import LABEL_NAMES
from tests.training.ball_heads import CENTRE, RADIUS
from training.data.packed import open_pack
from training.data.pixel_weights import UNIT, pixel_weights
from training.generator.choices import all_scores, choice_sizes, set_choices
from training.generator.factors import FACTORS, draw_bank, encode, factor_index
from training.generator.mapping_fit import StyleSparsity, fit_mapping, set_affines
from training.generator.patches import cut_patches, superresolve_patch
from training.generator.pixels import carve, draw_pixels
from training.generator.points import known_points
from training.generator.presets import PointSettings, find_preset
from training.generator.schedule import Budget, Clock, Order, rate_factor, seconds_left
from training.synthheads.dataset import ShardFolder
from training.synthheads.parameter_spec import FIELDS
from training.synthheads.populations import FIRST
from training.synthheads.render import RIG


def seeded(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def test_packing_keeps_every_view(data, pack):
    folder = ShardFolder(data)
    assert (len(pack), pack.views, pack.size) == (8, 3, 32)
    for index in (0, 7, 23):
        sample = folder[index]
        place = sample.head, sample.view
        assert np.array_equal(pack.image[place].numpy(), sample.image)
        assert np.array_equal(pack.label[place].numpy(), sample.labels)
        assert np.allclose(pack.camera[place].numpy(), sample.camera)
        flat = torch.arange(32 * 32) + index * 32 * 32
        assert np.allclose(pack.read_depth(flat).numpy(), sample.depth.ravel(), atol=1e-4)
    assert (pack.weight[pack.label == 8].float().mean() > 3 * pack.weight[pack.label == 1].float().mean()).item()


def test_the_place_of_a_closed_eye_counts_though_it_is_skin():
    label = RIG.label(torch.tensor(0.3), torch.tensor(0.1)).numpy()[0]
    origin, direction = (x[0].numpy() for x in camera_rays(torch.from_numpy(label)[None], 64))
    depth = ((0.148 - origin[:, 2]) / direction[:, 2]).astype(np.float32).reshape(64, 64)  # a wall through both eyes
    skin = np.full((64, 64), LABEL_NAMES.index("skin"), np.uint8)
    weight = pixel_weights(np.full((64, 64, 3), 128, np.uint8), skin, depth, label) / UNIT
    points = origin + depth.reshape(-1, 1) * direction
    for side in (0.0525, -0.0525):
        at_eye = np.abs(points - (side, -0.012, 0.148)).sum(1).argmin()
        assert 3.5 < weight.flat[at_eye] < 4.1
    away = np.linalg.norm(points * (-1, 1, 1) - points, axis=1) < 0.02  # about the middle of the face
    assert away.any() and weight.flat[away].max() < 0.3


def test_an_unfinished_pack_is_made_again(data, tmp_path):
    first = open_pack(data, tmp_path / "cache")
    (tmp_path / "cache" / "pack.json").unlink()
    (tmp_path / "cache" / "label.npy").write_bytes(b"half a file")
    again = open_pack(data, tmp_path / "cache")
    assert torch.equal(first.image, again.image) and torch.equal(again.label, open_pack(data).label)


def test_a_damaged_pack_is_told(data, tmp_path):
    open_pack(data, tmp_path / "cache")
    for damage in (lambda path: path.write_bytes(path.read_bytes()[:200]), lambda path: path.unlink()):
        damage(tmp_path / "cache" / "label.npy")
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


def test_rays_meet_the_surface_that_was_rendered(pack):
    rays = draw_pixels(pack, torch.arange(4), PointSettings(200, 100, 0), seeded())
    surface = (rays.at(rays.distance) - CENTRE).norm(dim=-1)
    assert rays.solid.float().mean() > 0.5
    torch.testing.assert_close(surface[rays.solid], torch.full_like(surface[rays.solid], RADIUS), atol=2e-4, rtol=0)


def test_known_points_tell_the_truth(pack, tiny):
    heads, settings = torch.arange(4), PointSettings(200, 100, 400)
    rays = draw_pixels(pack, heads, settings, seeded())
    points = known_points(pack, heads, rays, settings, tiny.network, seeded(1))
    radius = (points.position - CENTRE).norm(dim=-1)
    # Occupied where it is claimed; free well outside of the ball, unless no view looks there.
    assert radius[points.occupied == 1].quantile(0.6) < RADIUS + 1e-3
    seen = points.position[..., :2].abs().amax(-1) < 0.25
    claimed_free = points.occupied == 0
    assert claimed_free[seen & (radius > RADIUS + 0.03)].float().mean() > 0.9
    assert (radius[claimed_free] > RADIUS - 3e-3).float().mean() > 0.97  # a pixel is wider than that


def test_carving_finds_the_inside(pack):
    points = (torch.rand(2, 500, 3, generator=seeded()) - 0.5) * 0.5
    occupied = carve(pack, torch.tensor([0, 5]), points)
    radius = (points - CENTRE).norm(dim=-1)
    assert occupied[radius < RADIUS - 0.01].min() == 1
    assert occupied[radius > RADIUS + 0.1].mean() < 0.4  # three views leave some corners unseen


def test_patches_are_pieces_of_the_pictures(pack, tiny):
    patch = cut_patches(pack, torch.tensor([3]), torch.tensor([1]), torch.tensor([[4, 9]]), (16, 32))
    wanted = pack.image[3, 1, 4:20, 9:25].permute(2, 0, 1).float() / 127.5 - 1
    torch.testing.assert_close(patch.image[0], wanted)
    origins, directions = camera_rays(pack.camera[3, 1][None], 32)
    torch.testing.assert_close(patch.direction[0], directions[0].reshape(32, 32, 3)[4:20, 9:25].reshape(-1, 3))
    torch.testing.assert_close(patch.origin[0], origins[0, : 16 * 16])


def test_super_resolution_of_a_patch_is_that_of_the_picture(tiny):
    torch.manual_seed(0)
    network = build_generator(tiny.network).requires_grad_(False)
    features, styles = torch.randn(1, 32, 32, 32), torch.randn(1, network.layout.num_channels)
    whole = network.superresolve(features, styles)
    piece = superresolve_patch(network, features[:, :, 8:24, 8:24].contiguous(), styles)
    torch.testing.assert_close(piece[:, :, 2:-2, 2:-2], whole[:, :, 10:22, 10:22], atol=1e-4, rtol=0)


def test_soft_choices_are_the_samplers_choices(tiny):
    network = build_generator(tiny.network)
    set_choices(network.mapping.choices)
    bank = draw_bank(300, 5)
    people = [FIRST.parameters(latent) for latent in bank.latents.numpy()]
    z = torch.nn.functional.normalize(bank.latents) * bank.latents.shape[1] ** 0.5
    chosen = network.mapping.choices(z).split(list(choice_sizes()), 1)
    for scores, shares in zip(all_scores(), chosen, strict=True):
        values = getattr(FIELDS[scores.name], "values", ())
        if len(values) == shares.shape[1]:
            wanted = [values.index(getattr(p, scores.name)) for p in people]
            assert (shares.argmax(1) == torch.tensor(wanted)).float().mean() > 0.97, scores.name
    assert {"hair_style", "beard", "glasses", "freckles"} <= {scores.name for scores in all_scores()}


def test_a_fitted_mapping_says_the_factors_and_styles_start_with_one_each(tiny):
    torch.manual_seed(0)
    network, bank = build_generator(tiny.network), draw_bank(600, 11)
    directions = fit_mapping(network.mapping, bank, 100, seeded())
    assert directions.explained > 0.5
    set_affines(network, directions, seeded())
    sparsity = StyleSparsity(network.layout, directions, tiny.network.backbone.w_dim)
    assert sparsity(network) < 0.6 * sparsity(build_generator(tiny.network))
    styles = network.styles(network.map(bank.latents))
    assert 0.9 < styles.mean() < 1.1 and 0.2 < styles.std(0).mean() < 1.2


def test_factor_codes_cover_every_parameter():
    from training.synthheads.parameters import HeadParameters

    assert len(encode(HeadParameters())) == len(factor_index())
    assert set(factor_index()) == set(range(len(FACTORS)))


def test_every_head_comes_once_an_epoch():
    order = Order(7, seed=1)
    first, second = order.take(0, 7), order.take(7, 7)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(7)) and not torch.equal(first, second)
    assert torch.equal(Order(7, seed=1).take(5, 4), torch.cat([first[5:], second[:2]]))


def test_rates_rise_and_fall():
    assert rate_factor(0.0, 0) < 0.05 and rate_factor(0.2, 500) == 1 and rate_factor(1.0, 500) < 0.03


def test_the_time_left_is_of_what_is_still_to_do():
    preset, budget = find_preset("cpu"), Budget(minutes=10)
    shares = [stage.share for stage in preset.stages.values()]
    later = 600 * sum(shares[1:])
    assert seconds_left(Clock(), budget, preset) == pytest.approx(600)
    half = Clock(stage_seconds=300 * shares[0], seconds=300 * shares[0])
    assert seconds_left(half, budget, preset) == pytest.approx(300 * shares[0] + later)
    again = Clock("sharpen", 0, 0.0, seconds=9000)  # a stage gone through again, after a long training
    assert seconds_left(again, budget, preset) == pytest.approx(600 * shares[-1])
    steps = Clock(stage_steps=10, steps=10, seconds=20.0)
    assert seconds_left(steps, Budget(steps=100), preset) == pytest.approx(2 * (100 - 10))
