"""The training itself: stages, resuming, killing, what comes out."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from training.generator.report import Reporter
from training.generator.schedule import Budget
from training.generator.trainer import Plan

from sat3d.camera import orbit
from sat3d.errors import ConfigError, FileError
from sat3d.generators import build_generator, load_generator
from sat3d.networks.reader import AttributeReader, ReaderConfig
from training.common.distributed import Processes
from training.generator import setup, state
from training.generator.command import make_training
from training.generator.perceptual import Perceptual
from training.generator.presets import find_preset
from training.synthheads.populations import FIRST

ROOT = Path(__file__).resolve().parents[3]
CPU = torch.device("cpu")


def seeded(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


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
    styles = network.styles(network.map(torch.from_numpy(FIRST.draw_latent(1, 2))[None]))
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
