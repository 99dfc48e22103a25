"""Short trainings of the tiny generator, and what two of them have in common."""

from pathlib import Path

import torch

from sat3d.files.safetensors_io import read_tensors
from training.common.clock import Budget
from training.common.distributed import Processes
from training.common.engine import Engine, Run, Stage, Step
from training.common.report import Report
from training.common.settings import parse
from training.generator.codes import find_codes
from training.generator.networks import first_networks
from training.generator.presets import Preset
from training.generator.settings import GeneratorSettings
from training.generator.task import GeneratorTask

CPU = torch.device("cpu")


def seeded(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def make_task(out: Path, pack, preset: Preset, seed: int = 0) -> GeneratorTask:
    out.mkdir(exist_ok=True)
    codes = find_codes(pack, preset.network.backbone.w_dim, preset.held_out_heads).codes
    return GeneratorTask(preset, pack, codes, first_networks(preset, codes, seed, CPU), out)


def make_engine(task, steps: int, seed: int = 0, stop: int | None = None) -> Engine:
    """Without a word on the screen."""
    plan = Run(task.out, Budget(steps=steps), seed, stop_after_steps=stop)
    return Engine(task, plan, Processes(CPU), Report(write=lambda line: None))


def train(out: Path, pack, preset: Preset, steps: int = 10, *, resume: bool = False, stop: int | None = None) -> Engine:
    engine = make_engine(make_task(out, pack, preset), steps, stop=stop)
    if resume:
        engine.resume()
    engine.run()
    return engine


def step_of(stage: Stage, number: int = 0, seed: int = 0) -> Step:
    return Step(stage, number, number * stage.batch, 0.5, seed)


def options_of(data: Path, out: Path, *more: str) -> GeneratorSettings:
    """Of the command line, for the preset tiny."""
    fixed = ["--preset", "tiny", "--device", "cpu", "--data", str(data), "--out", str(out)]
    return parse(GeneratorSettings, [*fixed, *more])


def assert_same_weights(first, second) -> None:
    """Bit by bit, of two sets of modules by name."""
    assert first.keys() == second.keys()
    for name, module in first.items():
        own, other = module.state_dict(), second[name].state_dict()
        assert own.keys() == other.keys()
        for key, tensor in own.items():
            assert torch.equal(tensor, other[key]), f"{name}.{key}"


def assert_same_files(first: Path, second: Path) -> None:
    """Bit by bit, of the tensors of two files."""
    own, other = read_tensors(first), read_tensors(second)
    assert own.keys() == other.keys()
    for key, tensor in own.items():
        assert torch.equal(tensor, other[key]), key
