"""The training itself: stages, going on exactly where it stopped or was killed, what comes out."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sat3d.camera import orbit
from sat3d.errors import ConfigError, FileError
from sat3d.files.safetensors_io import parse_json, read_header
from sat3d.generators import build_generator, load_generator
from sat3d.inversion import encode, load_encoder
from sat3d.networks.loading import resize
from tests.training.generator.runs import (
    assert_same_files,
    assert_same_weights,
    make_engine,
    make_task,
    options_of,
    seeded,
    step_of,
    train,
)
from training.common.checkpoint import SCHEMA, state_path
from training.common.schedule import RateSchedule
from training.generator import command
from training.generator.export import round_as_exported
from training.generator.networks import choose_trained
from training.generator.presets import find_preset

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, pack, tiny):
    return train(tmp_path_factory.mktemp("run"), pack, tiny)


def test_all_stages_run(trained):
    assert (trained.clock.stage, trained.clock.steps, trained.clock.seen) == ("sharpen", 10, 20)
    for name, module in trained.task.modules().items():
        assert all(torch.isfinite(parameter).all() for parameter in module.parameters()), name
    drawn = trained.task.networks.generator.superresolution.block0.torgb.weight
    assert drawn.abs().sum() > 0, "the picture stages train the super-resolution"


def test_running_means_are_between_the_first_weights_and_the_last(trained, pack, tiny, tmp_path):
    nets, first = trained.task.networks, make_task(tmp_path / "first", pack, tiny).networks.generator
    name = "backbone.synthesis.b8.conv1.weight"
    began, mean, now = (network.get_parameter(name) for network in (first, nets.mean_generator, nets.generator))
    assert 0 < (mean - now).abs().mean() < (began - now).abs().mean()
    mapping = [name for name, _ in first.named_parameters() if ".mapping." in name]
    for name in mapping:
        assert torch.equal(nets.mean_generator.get_parameter(name), first.get_parameter(name))


@pytest.mark.slow
@pytest.mark.parametrize("stops", [(4,), (3, 6, 9), tuple(range(1, 10))])
def test_a_resumed_training_is_the_uninterrupted_one(trained, tmp_path, pack, tiny, stops):
    """Stops inside stages and between them, the last after every step; every weight, mean and moment must be alike."""
    for number, stop in enumerate((*stops, None)):
        resumed = train(tmp_path / "run", pack, tiny, resume=number > 0, stop=stop)
    assert resumed.clock.steps == trained.clock.steps
    assert_same_weights(trained.task.modules(), resumed.task.modules())
    own, other = (engine.optimizer.state_dict()["state"] for engine in (trained, resumed))
    assert own.keys() == other.keys()
    for number, moments in own.items():
        for key, value in moments.items():
            assert torch.equal(value, other[number][key]), (number, key)


def test_another_seed_is_another_training(trained, pack, tiny, tmp_path):
    other = make_engine(make_task(tmp_path / "run", pack, tiny, seed=1), 2, seed=1)
    other.run()
    with pytest.raises(AssertionError):
        assert_same_weights(trained.task.modules(), other.task.modules())
    with pytest.raises(FileError, match="seed"):
        make_engine(make_task(trained.task.out, pack, tiny), 10, seed=1).resume()


def test_the_result_loads_and_turns(trained):
    loaded = load_generator(trained.task.out / "generator.safetensors")
    network = loaded.network
    styles = network.styles(network.map(torch.randn(1, 16, generator=seeded())))
    views = network.synthesize(styles, network.rig.label(*orbit(3)))
    assert views.image.shape == (3, 3, 32, 32) and torch.isfinite(views.image).all()
    assert network.rig.pivot == (0.0, 0.0, 0.1) and "free" in loaded.metadata["licence"]
    assert '"steps": "10"' in loaded.metadata["training"] and '"held_out_psnr"' in loaded.metadata["training"]


def test_what_comes_out_are_the_running_means(trained, pack):
    """What is shipped draws what was scored: encoder and generator from their files, and as they were in memory."""
    network = load_generator(trained.task.out / "generator.safetensors").network
    image = pack.pictures(torch.tensor([1]))
    encoder = load_encoder(trained.task.out / "encoder.safetensors")
    latent = encode(encoder, network, resize(image, 64, 64))
    mean = round_as_exported(make_copy(trained)).eval()
    torch.testing.assert_close(
        network.synthesize(latent.styles, latent.camera).image, mean.synthesize(latent.styles, latent.camera).image
    )


def make_copy(trained):
    copy = build_generator(trained.task.preset.network)
    copy.load_state_dict(trained.task.networks.mean_generator.state_dict())
    return copy


@pytest.mark.slow
def test_training_learns(pack, tiny, tmp_path):
    """The same step before and after others: heads, pixels and points are the same, the weights alone are not."""
    steady = replace(tiny.stages[0], schedule=RateSchedule(), share=1.0, batch=3)
    preset = replace(tiny, stages=(steady,), lessons={"points": tiny.lessons["points"]})
    task = make_task(tmp_path / "run", pack, preset)

    def losses_of() -> dict[str, float]:
        with torch.no_grad():
            return {name: float(loss) for name, loss in task.objective(step_of(steady, 999)).items()}

    before = losses_of()
    make_engine(task, 90).run()
    after = losses_of()
    assert sum(after.values()) < 0.8 * sum(before.values())
    assert all(after[name] < 0.9 * before[name] for name in ("colour", "occupancy", "backdrop")), (before, after)


def test_scores_and_sheet_are_written(trained):
    assert set(trained.scores) == {"psnr", "psnr_side", "depth", "silhouette"}
    assert 0 < trained.scores["psnr"] < 60 and 0 <= trained.scores["silhouette"] <= 1
    assert [path.name for path in trained.task.out.glob("sheet_*.png")] == ["sheet_0000010.png"]


def test_networks_of_a_stage_have_the_right_gradients(pack, tiny, tmp_path):
    networks = make_task(tmp_path / "run", pack, tiny).networks
    choose_trained(networks, tiny.lessons["points"])
    learning = {name for name, parameter in networks.generator.named_parameters() if parameter.requires_grad}
    assert not [name for name in learning if "mapping" in name or "superresolution" in name or "noise" in name]
    assert networks.encoder.training and not networks.critic.layers[0].weight.requires_grad
    choose_trained(networks, tiny.lessons["render"])
    assert networks.generator.superresolution.block0.conv0.weight.requires_grad
    assert not networks.generator.mapping.velocity.enter.weight.requires_grad
    assert networks.encoder.training and networks.encoder.values.weight.requires_grad


def test_unknown_presets_and_lessons_of_no_stage_are_refused(tiny):
    with pytest.raises(ConfigError, match="cpu"):
        find_preset("huge")
    with pytest.raises(ConfigError, match="one lesson for each stage"):
        replace(tiny, lessons={"points": tiny.lessons["points"]})
    with pytest.raises(ConfigError, match="shares of sum 1"):
        replace(tiny, stages=tuple(replace(stage, share=0.3) for stage in tiny.stages))


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def start_command(data: Path, out: Path, *more: str) -> subprocess.Popen:
    arguments = ["--preset", "tiny", "--device", "cpu", "--threads", "1", "--data", str(data), "--out", str(out), *more]
    return subprocess.Popen([sys.executable, "training/train_generator.py", *arguments], cwd=ROOT, text=True,
                            env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)  # fmt: skip


def kill_after(process: subprocess.Popen, out: Path, steps: int) -> int:
    """Kill -9 as soon as the state in ``out`` has so many steps; how many it has then."""
    deadline = time.monotonic() + 240
    while steps_in(out) < steps and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    output, _ = process.communicate()
    seen = steps_in(out)
    assert seen >= steps, output
    return seen


def steps_in(out: Path) -> int:
    path = state_path(out)
    try:
        return parse_json(read_header(path, SCHEMA, "the state of a training", ""), "clock", path)["steps"]
    except FileError:  # not there yet, or replaced at this very moment
        return 0


@pytest.mark.slow
def test_a_killed_command_goes_on_exactly(data, pack, tmp_path, one_thread):
    """Killed in the generator's training and again in the prior's: generator, encoder and states are the same, bit by
    bit, as of a run that nobody disturbed."""
    steps, whole, killed = "40", tmp_path / "whole", tmp_path / "killed"
    assert command.run(options_of(data, whole, "--steps", steps)) == 0
    process = start_command(data, killed, "--steps", steps, "--save-minutes", "0")
    assert 5 <= kill_after(process, killed, 5) < 40
    process = start_command(data, killed, "--steps", steps, "--save-minutes", "0", "--resume")
    assert 2 <= kill_after(process, killed / "prior", 2) < 40
    assert command.run(options_of(data, killed, "--steps", steps, "--resume")) == 0
    for name in ("generator", "encoder", "codes", "training", "prior/training"):
        assert_same_files(whole / f"{name}.safetensors", killed / f"{name}.safetensors")
    with pytest.raises(FileError, match="--resume"):
        command.run(options_of(data, whole, "--steps", "5"))
