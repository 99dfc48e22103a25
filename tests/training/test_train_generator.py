"""Training of the built-in generator: known points, soft choices, stages, resuming, what comes out."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from sat3d.camera import orbit
from sat3d.errors import ConfigError, FileError
from sat3d.generators import build_generator, load_generator
from sat3d.generators.rays import camera_rays
from sat3d.parsing.labels import LABEL_NAMES
from sat3d.reader import AttributeReader, ReaderConfig
from tests.training.ball_heads import CENTRE, RADIUS, write_balls
from training.generator import setup, state
from training.generator.choices import all_scores, choice_sizes, set_choices
from training.generator.command import make_training
from training.generator.factors import FACTORS, draw_bank, encode, factor_index
from training.generator.mapping_fit import StyleSparsity, fit_mapping, set_affines
from training.generator.pack import open_pack
from training.generator.patches import cut_patches, superresolve_patch
from training.generator.perceptual import Perceptual
from training.generator.pixel_weights import UNIT, pixel_weights
from training.generator.pixels import carve, draw_pixels
from training.generator.points import known_points
from training.generator.presets import PointSettings, find_preset
from training.generator.processes import Processes
from training.generator.report import Reporter
from training.generator.schedule import Budget, Order, rate_factor
from training.generator.trainer import Plan
from training.synthheads.dataset import ShardFolder
from training.synthheads.fields import FIELDS
from training.synthheads.render import RIG
from training.synthheads.sampler import draw_latents, parameters_from_latent

ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return write_balls(tmp_path_factory.mktemp("balls"), patch)


@pytest.fixture(scope="module")
def pack(data):
    return open_pack(data)


@pytest.fixture(scope="module")
def tiny():
    return find_preset("tiny")


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
    people = [parameters_from_latent(latent) for latent in bank.latents.numpy()]
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


def train(out: Path, pack, tiny, steps: int = 10, **options):
    plan = Plan(tiny, pack, out, Budget(steps=steps), 0, "balls", **options)
    out.mkdir(exist_ok=True)
    training = make_training(plan, Processes(CPU), Reporter(out, {}, write=lambda line: None))
    training.run()
    return training


@pytest.fixture(scope="module")
def trained(tmp_path_factory, pack, tiny):
    return train(tmp_path_factory.mktemp("run"), pack, tiny)


def test_all_stages_run(trained):
    assert (trained.clock.stage, trained.clock.steps, trained.clock.people) == ("sharpen", 10, 20)
    for parameter in trained.networks.network.parameters():
        assert torch.isfinite(parameter).all()
    moved = trained.networks.network.superresolution.block0.torgb.weight
    assert moved.abs().sum() > 0, "the picture stages train the super-resolution"


@pytest.mark.parametrize("stops", [(2,), (4,), (3, 6, 9)])
def test_a_resumed_training_is_the_uninterrupted_one(trained, tmp_path, pack, tiny, stops):
    """Stops inside stages and between them; every weight, mean and moment must come out the same."""
    for number, stop in enumerate((*stops, None)):
        resumed = train(tmp_path / "run", pack, tiny, resume=number > 0, stop_after_steps=stop)
    assert resumed.clock.steps == trained.clock.steps
    for name, module in trained.networks.modules().items():
        other = resumed.networks.modules()[name].state_dict()
        for key, tensor in module.state_dict().items():
            assert torch.equal(tensor, other[key]), f"{name}.{key}"


def test_the_result_loads_and_turns(trained):
    loaded = load_generator(trained.plan.out / "generator.safetensors")
    network = loaded.network
    styles = network.styles(network.map(torch.from_numpy(draw_latents(1, 2))[None]))
    views = network.synthesize(styles, network.rig.label(*orbit(3)))
    assert views.image.shape == (3, 3, 32, 32) and torch.isfinite(views.image).all()
    assert network.rig.pivot == (0.0, 0.0, 0.1) and "free" in loaded.metadata["licence"]


def test_training_learns(pack, tiny, tmp_path):
    training = train(tmp_path / "run", pack, tiny, steps=120, stop_after_steps=48)
    training.reporter._losses.clear()
    first = train(tmp_path / "first", pack, tiny, steps=120, stop_after_steps=2)
    start, end = (sum(run.step().values()).item() for run in (first, training))
    assert end < 0.9 * start


def test_scores_and_sheet_are_written(trained):
    trained.reporter.report_scores(trained)
    assert list(trained.plan.out.glob("sheet_*.png"))
    assert '"psnr"' in (trained.plan.out / "progress.jsonl").read_text(encoding="utf-8")


def test_a_training_is_not_overwritten(trained, pack, tiny):
    with pytest.raises(FileError, match="already"):
        make_training(trained.plan, Processes(CPU), trained.reporter)
    other = Plan(tiny, pack, trained.plan.out, Budget(steps=10), 1, "balls", resume=True)
    with pytest.raises(FileError, match="seed"):
        make_training(other, Processes(CPU), trained.reporter)


def test_unknown_presets_are_refused():
    with pytest.raises(ConfigError, match="cpu"):
        find_preset("huge")


def run_command(data: Path, out: Path, *more: str) -> subprocess.Popen:
    command = [sys.executable, "training/train_generator.py", "--preset", "tiny", "--data", str(data)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*command, "--out", str(out), *more], cwd=ROOT, env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip


def test_a_killed_command_goes_on(data, pack, tmp_path):
    out = tmp_path / "run"
    process = run_command(data, out, "--steps", "4000", "--save-minutes", "0")
    deadline = time.monotonic() + 120
    while not (out / state.FILE).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    done = state.read_clock(out, {}).steps
    assert 0 < done < 4000
    process = run_command(data, out, "--resume", "--steps", str(done + 3))
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    assert "dB" in output and (out / "generator.safetensors").exists()
    process = run_command(data, out, "--steps", "5")
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1 and "--resume" in output


def test_networks_of_a_stage_have_the_right_gradients(tiny):
    network = build_generator(tiny.network)
    setup.choose_trained(network, with_pictures=False)
    learning = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert not [name for name in learning if "mapping" in name or "superresolution" in name or "noise" in name]
    setup.choose_trained(network, with_pictures=True)
    assert network.superresolution.block0.conv0.weight.requires_grad
    assert not network.mapping.fc0.weight.requires_grad


def test_the_perceptual_loss_prefers_the_sharp_and_right_picture():
    torch.manual_seed(0)
    config = ReaderConfig((("glasses", ("none", "round")),), (("age", 1),), widths=(8, 8, 8, 8, 8))
    loss = Perceptual(AttributeReader(config).trunk)
    true = torch.rand(2, 3, 48, 48, generator=seeded()) * 2 - 1
    blurred = torch.nn.functional.avg_pool2d(true, 5, 1, 2).requires_grad_()
    assert [f.shape[-1] for f in loss.features(true)] == [24, 12, 6]
    assert loss(true, true) == 0 < loss(blurred, true)
    loss(blurred, true).backward()
    assert blurred.grad.abs().sum() > 0 and not [p for p in loss.parameters() if p.grad is not None]
