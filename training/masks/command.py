"""The command line's work: models, pairs, first masks, loop; or only saying what that would take."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from sat3d.clip import choose_architecture, load_clip
from sat3d.domains import load_domain
from sat3d.errors import ConfigError, FileError
from sat3d.generators import LoadedGenerator, TriplaneGenerator, load_generator
from sat3d.losses import LossWeights
from sat3d.networks.built_in import GENERATOR as BUILT_IN_GENERATOR
from sat3d.qmm import QMM
from training.common.device import choose_machine
from training.common.distributed import Processes, join_processes
from training.common.run_lock import run_lock
from training.networks.checkpoint import state_path

from .dry_run import dry_run
from .initialisation import first_channels, first_masks
from .models import Studio, View, load_segmenter
from .objective import Objective
from .optimizer import find_ranger
from .presampling import sample_pairs
from .report import Reporter, open_board
from .trainer import MaskTrainer, Plan

BUILT_IN = "built-in"
_POLL_SECONDS = 0.5


def run(options: argparse.Namespace) -> int:
    """Exit codes: 0 done; 130 stopped by the user, with a checkpoint.

    Raises:
        Sat3dError: wrong arguments, files or settings.
    """
    plan = make_plan(options)
    if options.dry_run:
        return _run(options, plan)
    with run_lock(plan.out):  # before the look at what is there: it may be half of another training's
        return _run(options, plan)


def _run(options: argparse.Namespace, plan: Plan) -> int:
    check_files(options)
    find_ranger()
    if options.threads:
        torch.set_num_threads(options.threads)
    processes = join_processes(options.device)
    loaded = load_generator(BUILT_IN_GENERATOR if options.generator == BUILT_IN else Path(options.generator))
    studio = make_studio(options, loaded, processes.device)
    if options.dry_run:
        return dry_run(plan, studio, options.pairs)
    trainer = prepare(options, plan, studio, loaded, processes)
    if options.resume and state_path(plan.out).exists():
        trainer.resume()
    return train(trainer)


def make_plan(options: argparse.Namespace) -> Plan:
    """The plan that the options ask for.

    Raises:
        ConfigError: a number out of range, named.
    """
    wanted = {
        "iterations": 1,
        "batch": 1,
        "pairs": 2,
        "rate": 1e-9,
        "minutes": 1e-3,
        "start_faces": 1,
        "contrast": 1,
        "temperature": 1,
    }
    for name, low in wanted.items():
        value = getattr(options, name)
        if value is not None and not low <= value < 1e9:
            raise ConfigError(f"--{name.replace('_', '-')} is out of range", value, f"at least {low:g}", "correct it")
    if not 0 <= options.seed < 2**32:
        raise ConfigError("--seed is out of range", options.seed, "0 to 4294967295", "choose another")
    if not 0 < options.beta2 < 1:
        raise ConfigError("--beta2 is out of range", options.beta2, "above 0 and below 1", "0.99 for short trainings")
    weights = LossWeights(options.weight_attr, options.weight_bg, options.weight_prob, options.weight_src)
    return Plan(
        options.out,
        options.iterations,
        options.minutes,
        options.batch,
        options.contrast,
        options.rate,
        options.falling_rate,
        not options.no_centralisation,
        options.beta2,
        options.seed,
        weights,
        options.checkpoint_minutes,
        options.sheet_minutes,
        options.temperature,
    )


def check_files(options: argparse.Namespace) -> None:
    """Refuse before any work what would be refused, or lost, at its end.

    Raises:
        FileError, ConfigError: with the file that is in the way.
    """
    if options.out.suffix != ".safetensors":
        raise ConfigError("The output has another suffix", options.out.name, ".safetensors", "choose another --out")
    if not options.out.absolute().parent.is_dir():
        raise FileError("The output folder does not exist", options.out.parent, "a folder", "create it")
    there = [path for path in (options.out, state_path(options.out)) if path.exists()]
    if there and not (options.resume or options.restart or options.dry_run):
        raise FileError(
            "Masks or their training are there already",
            ", ".join(str(path) for path in there),
            "a new file name",
            "add --resume to go on, --restart to begin anew, or choose another --out",
        )
    if options.resume and there == [options.out]:
        raise FileError(
            "The masks are there without their training",
            options.out,
            f"{state_path(options.out).name} beside them",
            "add --restart to replace them, or choose another --out",
        )


def make_studio(options: argparse.Namespace, loaded: LoadedGenerator, device: torch.device) -> Studio:
    """Generator, QMM and parser on the device."""
    domain, network = load_domain(options.domain), loaded.network
    if options.samples and isinstance(network, TriplaneGenerator):
        coarse, fine = options.samples
        network = network.with_rendering(depth_resolution=coarse, depth_resolution_importance=fine)
    choice = choose_architecture(options.clip, options.clip_weights)
    if choice.note:
        print(f"image-text model: {choice.note}", flush=True)
    clip = load_clip(choice.name, options.clip_weights, device)
    view = View(options.neural_resolution, options.picture_px, options.exact_gradients)
    machine = choose_machine(str(device), options.precision)
    network = network.to(device).requires_grad_(False)  # a copy with other limits comes with gradients
    segmenter = load_segmenter(domain, options.parser, device, network)
    return Studio(network, QMM(clip, domain), segmenter, view, machine)


def train(trainer: MaskTrainer) -> int:
    """Run a training that is ready; the exit code."""
    if trainer.progress.step:
        trainer.reporter.write(f"going on at step {trainer.progress.step}")
    finished = trainer.run()
    if trainer.processes.is_first:
        print(f"pictures: {trainer.reporter.sheet(trainer)}")
        print(f"wrote {trainer.plan.out}" if finished else "stopped; --resume goes on from here", flush=True)
    return 0 if finished else 130


def prepare(
    options: argparse.Namespace, plan: Plan, studio: Studio, loaded: LoadedGenerator, processes: Processes
) -> MaskTrainer:
    """Pairs, pre-selected channels and the trainer; the first process of a machine makes what others read."""
    folder = plan.out.with_name(f"{plan.out.stem}.pairs")
    with _one_after_the_other(folder, processes):
        pairs = sample_pairs(studio, folder, options.seed, options.pairs)
        chosen = first_channels(options, studio, pairs, folder, plan.weights)
    start = first_masks(studio, chosen, loaded, options.start)
    facts = {**studio.facts(), "pairs": options.pairs, "start": options.start, "start_faces": options.start_faces}
    notes = {"command": " ".join(["python", *sys.argv]), "torch": torch.__version__}
    board = open_board(options.tensorboard) if options.tensorboard and processes.is_first else None
    reporter = Reporter(plan.out, options.report_seconds, 60 * options.sheet_minutes, board)
    objective = Objective(studio, start.logits, plan.weights, plan.temperature)
    return MaskTrainer(plan, objective, start, pairs, processes, reporter, facts, notes)


@contextmanager
def _one_after_the_other(folder: Path, processes: Processes) -> Iterator[None]:
    """The first process of each machine does what is in the block, then all others."""
    # By a file, not a barrier: those give up after some minutes, and drawing thousands of faces takes longer.
    ready = folder / f"ready-{os.environ.get('TORCHELASTIC_RUN_ID', '')}"
    first = processes.world == 1 or os.environ.get("LOCAL_RANK", "0") == "0"
    while not first and not ready.exists():
        time.sleep(_POLL_SECONDS)
    yield
    if processes.world > 1 and first:
        ready.touch()
    processes.wait()
    if processes.world > 1 and first:
        ready.unlink(missing_ok=True)
