"""The command line's work: data, networks, loop."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from sat3d.errors import ConfigError, FileError
from sat3d.files.writing import make_folder
from training.common.distributed import Processes, join_processes
from training.common.run_lock import run_lock

from ..data.packed import HeadPack, open_pack
from . import setup, state
from .perceptual import Perceptual, load_perceptual
from .presets import Preset, find_preset
from .report import Reporter
from .schedule import Budget, Clock
from .trainer import Plan, Training

_DEFAULT_MINUTES = {"cpu": 240.0, "gpu": 18.0, "tiny": 1.0}


def run(arguments: argparse.Namespace) -> int:
    """Train, or go on training."""
    preset = find_preset(arguments.preset)
    budget = _budget(arguments)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    make_folder(arguments.out)
    with run_lock(arguments.out):  # before the processes join: if it is held, the first of them ends at once
        return _train(arguments, preset, budget)


def _train(arguments: argparse.Namespace, preset: Preset, budget: Budget) -> int:
    processes = join_processes(arguments.device)
    plan = make_plan(arguments, preset, budget, _open_data(arguments, preset, processes))
    reporter = Reporter(
        arguments.out,
        {"torch": torch.__version__, "device": str(processes.device), "minutes": budget.minutes, "steps": budget.steps},
        score_seconds=arguments.score_minutes * 60,
    )
    training = make_training(plan, processes, reporter)
    try:
        training.run()
    except KeyboardInterrupt:
        training.save()
        print("Stopped; go on with --resume", file=sys.stderr)
        return 130
    if processes.is_first:
        reporter.report_scores(training)
        print(f"{arguments.out / 'generator.safetensors'} after {training.clock.people} people")
    return 0


def _budget(arguments: argparse.Namespace) -> Budget:
    for name in ("minutes", "steps"):
        value = getattr(arguments, name)
        if value is not None and not value > 0:
            raise ConfigError(f"--{name} must be more than nothing", value, "a positive number")
    if arguments.steps is not None:
        return Budget(steps=arguments.steps)
    return Budget(minutes=arguments.minutes or _DEFAULT_MINUTES[arguments.preset])


def _open_data(arguments: argparse.Namespace, preset: Preset, processes: Processes) -> HeadPack:
    """The packed data, made by the first process."""
    if processes.is_first:
        open_pack(arguments.data, arguments.cache)
    processes.wait()
    pack = open_pack(arguments.data, arguments.cache)
    wanted = preset.network.img_resolution
    if pack.size != wanted:
        raise FileError(
            "The data set's pictures have another size",
            f"{pack.size} px",
            f"{wanted} px for the preset {preset.name}",
            f"render with --size {wanted}",
        )
    if len(pack) <= preset.validation_heads:
        raise FileError(
            "The data set is too small", f"{len(pack)} heads", f"more than {preset.validation_heads}", "render more"
        )
    return pack if processes.device.type == "cpu" else pack.to(processes.device)


def make_plan(arguments: argparse.Namespace, preset: Preset, budget: Budget, pack: HeadPack) -> Plan:
    return Plan(
        preset,
        pack,
        arguments.out,
        budget,
        arguments.seed,
        Path(arguments.data).name,
        arguments.resume,
        arguments.save_minutes * 60,
        arguments.stop_after_steps,
    )


def make_training(plan: Plan, processes: Processes, reporter: Reporter) -> Training:
    """Networks from the folder's state with ``resume``, or new ones.

    Raises:
        FileError: nothing to resume, or a training there that would be overwritten.
    """
    exists = (plan.out / state.FILE).exists()
    if exists and not plan.resume:
        raise FileError(
            "There is a training in the folder already", plan.out, "an empty folder", "add --resume or choose another"
        )
    if exists:
        clock = state.read_clock(plan.out, plan.settings)
        networks = setup.empty_networks(plan.preset, processes.device)
        state.load_modules(plan.out, networks.modules())
    else:
        clock, networks = Clock(), setup.first_networks(plan.preset, plan.seed, processes.device)
    return Training(plan, processes, networks, clock, reporter, find_perceptual(processes))


def find_perceptual(processes: Processes) -> Perceptual | None:
    """The perceptual loss, if its network is there; without it the last stage sharpens by edges alone."""
    try:
        return load_perceptual().to(processes.device)
    except FileError as error:
        if processes.is_first:
            print(f"No perceptual loss in the last stage. {error}", file=sys.stderr)
        return None
