"""The command line's work: models, pairs, first masks, loop; or only saying what that would take."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch

from training.common.console import INTERRUPTED
from sat3d.clip import choose_architecture, load_clip
from sat3d.domains import check_describes, load_domain
from sat3d.errors import ConfigError, FileError
from sat3d.files.reading import read_bytes
from sat3d.files.writing import make_folder, write_text
from sat3d.generators import LoadedGenerator, TriplaneGenerator, load_generator
from sat3d.learning.carriers import carrier_of
from sat3d.learning.objective import Objective
from sat3d.learning.presampling import sample_pairs
from sat3d.learning.studio import Studio, View
from sat3d.networks.built_in import GENERATOR as BUILT_IN_GENERATOR
from sat3d.qmm import QMM
from training.common.bars import progress_bar
from training.common.checkpoint import beside, state_path
from training.common.device import choose_machine
from training.common.distributed import Processes, join_processes
from training.common.engine import Engine
from training.common.report import Report, open_board
from training.common.run_lock import run_lock
from training.common.segmenters import find_segmenter

from .estimate import describe, fit, make_estimate
from .final_report import load_second, report
from .initialisation import begin, begin_subspaces, first_channels
from .optimizer import find_ranger
from .pictured_faces import faces_in, find_encoder
from .settings import BUILT_IN, QUICK, MaskSettings
from .task import MaskTask

_POLL_SECONDS = 0.5
_LARGEST_PLAN = 1 << 12


def run(settings: MaskSettings) -> int:
    """Exit codes: 0 done; 130 stopped by the user, with a checkpoint.

    Raises:
        Sat3dError: wrong arguments, files or settings.
    """
    if settings.dry_run:
        return _run(settings)
    with run_lock(settings.out):  # before the look at what is there: it may be half of another training's
        return _run(settings)


def _run(settings: MaskSettings) -> int:
    check_files(settings)
    find_ranger()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    processes = join_processes(settings.device)
    loaded = load_generator(BUILT_IN_GENERATOR if settings.generator == BUILT_IN else Path(settings.generator))
    studio = make_studio(settings, loaded, processes.device)
    second = load_second(settings, studio)
    settings = announce(settings, studio, processes)
    if settings.dry_run:
        return 0
    studio = with_pictured_faces(settings, studio, processes)
    engine = prepare(settings, studio, loaded, processes)
    if settings.resume and state_path(settings.out).exists():
        engine.resume()
    over = train(engine)
    if over == 0 and settings.judged and processes.is_first:
        print(report(settings, studio, second), flush=True)
    return over


def announce(settings: MaskSettings, studio: Studio, processes: Processes) -> MaskSettings:
    """Say what the training will take, and on which device; the settings, with faces and steps that fit the machine.

    What was begun goes on as it began: the numbers of a machine that was busier then are kept beside the masks.
    """
    plan = beside(settings.out, "plan.json")
    if processes.world > 1:  # whose machines may differ
        return settings
    if not settings.dry_run and not settings.restart and plan.exists():
        return _as_planned(settings, plan)
    estimate = make_estimate(settings.recipe, settings.run, studio)
    fitted = replace(settings, recipe=fit(settings.recipe, estimate))
    print(describe(fitted.recipe, settings.run, studio, estimate), flush=True)
    if settings.dry_run:
        print("nothing was written")
    elif fitted != settings:
        print("fewer faces and steps than usual, so that it takes no longer; --pairs and --iterations say how many")
        write_text(plan, json.dumps({"pairs": fitted.recipe.pairs, "iterations": fitted.recipe.iterations}) + "\n")
    return fitted


def _as_planned(settings: MaskSettings, plan: Path) -> MaskSettings:
    """With what was planned in place of what the recipe says; numbers that were asked for stay."""
    kept, recipe = json.loads(read_bytes(plan, "a plan", _LARGEST_PLAN)), settings.recipe
    planned = {name: kept[name] for name in ("pairs", "iterations") if getattr(recipe, name) == getattr(QUICK, name)}
    return replace(settings, recipe=replace(recipe, **planned))


def check_files(settings: MaskSettings) -> None:
    """Refuse before any work what would be refused, or lost, at its end.

    Raises:
        FileError, ConfigError: with the file that is in the way.
    """
    if settings.out.suffix != ".safetensors":
        raise ConfigError("The output has another suffix", settings.out.name, ".safetensors", "choose another --out")
    if not settings.out.absolute().parent.is_dir():
        raise FileError("The output folder does not exist", settings.out.parent, "a folder", "create it")
    there = [path for path in (settings.out, state_path(settings.out)) if path.exists()]
    if there and not (settings.resume or settings.restart or settings.dry_run):
        raise FileError(
            "Masks or their training are there already",
            ", ".join(str(path) for path in there),
            "a new file name",
            "add --resume to go on, --restart to begin anew, or choose another --out",
        )
    if settings.resume and there == [settings.out]:
        raise FileError(
            "The masks are there without their training",
            settings.out,
            f"{state_path(settings.out).name} beside them",
            "add --restart to replace them, or choose another --out",
        )


def make_studio(settings: MaskSettings, loaded: LoadedGenerator, device: torch.device) -> Studio:
    """Generator, QMM and parser on the device."""
    domain, network, pictures = load_domain(settings.domain), loaded.network, settings.pictures
    check_describes(domain, network.domain)
    if pictures.samples and isinstance(network, TriplaneGenerator):
        coarse, fine = pictures.samples
        network = network.with_rendering(depth_resolution=coarse, depth_resolution_importance=fine)
    choice = choose_architecture(settings.clip, settings.clip_weights)
    if choice.note:
        print(f"image-text model: {choice.note}", flush=True)
    clip = load_clip(choice.name, settings.clip_weights, device)
    view = View(pictures.neural_resolution, pictures.picture_px, pictures.exact_gradients)
    machine = choose_machine(str(device), settings.precision)
    network = network.to(device).requires_grad_(False)  # a copy with other limits comes with gradients
    segmenter = find_segmenter(domain, settings.parser, device, network)
    return Studio(network, QMM(clip, domain), segmenter, view, machine.dtype)


def with_pictured_faces(settings: MaskSettings, studio: Studio, processes: Processes) -> Studio:
    """With the faces of ``--faces`` in place of drawn ones, where it is given."""
    if settings.faces is None:
        return studio
    folder, encoder = beside(settings.out, "pairs"), find_encoder(settings.encoder)
    make_folder(folder)
    with _one_after_the_other(folder, processes):
        faces = faces_in(settings.faces, studio.network, encoder, folder / "known.safetensors")
    return replace(studio, faces=faces)


def train(engine: Engine) -> int:
    """Run a training that is ready; the exit code."""
    over = engine.run()
    if engine.processes.is_first:
        print(f"wrote {engine.plan.out}" if over else "stopped; --resume goes on from here", flush=True)
    return 0 if over else INTERRUPTED


def prepare(settings: MaskSettings, studio: Studio, loaded: LoadedGenerator, processes: Processes) -> Engine:
    """Pairs, pre-selected channels and the training; the first process of a machine makes what others read."""
    recipe, reports, folder = settings.recipe, settings.reports, beside(settings.out, "pairs")
    with _one_after_the_other(folder, processes):
        with progress_bar("faces", "face") as watch:
            pairs = sample_pairs(studio, folder, settings.seed, recipe.pairs, watch)
        chosen = first_channels(recipe, settings.seed, studio, pairs, folder)
        start, basis = begin(recipe, studio, chosen, loaded), None
        if recipe.form == "subspaces":
            start, basis = begin_subspaces(recipe, studio, start, pairs, settings.seed, folder)
    notes = {"command": command_line(sys.argv), "torch": torch.__version__}
    board = open_board(reports.tensorboard) if reports.tensorboard and processes.is_first else None
    report = Report(beside(settings.out, "progress.jsonl"), reports.report_seconds, board=board)
    objective = Objective(studio, carrier_of(start, basis), recipe.weights, recipe.temperature)
    task = MaskTask(recipe, objective, start, pairs, settings.out, studio.facts(), notes)
    return Engine(task, settings.run, processes, report)


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


def command_line(words: Sequence[str]) -> str:
    """As it was given, for a file that others read: of a place on this machine the name alone."""
    return " ".join(["python", *(Path(word).name if Path(word).is_absolute() else word for word in words)])
