"""What the command lines of the small networks have in common: settings, pictures, a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import torch

from sat3d.errors import ConfigError, FileError
from training.synth.render_command import read_plan

from ..common.checkpoint import state_path
from ..common.clock import Budget
from ..common.console import INTERRUPTED
from ..common.device import PRECISIONS, Machine, choose_machine
from ..common.distributed import Processes
from ..common.engine import Engine, Run
from ..common.run_lock import run_lock
from ..common.settings import Flag, Many, Maybe, Range, Seed, Settings, Threads
from ..data.views import Views, load_views, render_views
from .task import NetworkTask, Recipe, SmallNetwork

STOPPED = "stopped; --resume goes on from the last checkpoint"
MakeNetwork = Callable[[Views, Machine], SmallNetwork]


@dataclass(frozen=True, kw_only=True)
class RunSettings(Settings):
    """Of all trainings of small networks, whatever they learn from."""

    out: Path  # the .safetensors file to write
    preset: Literal["cpu", "gpu"] = "cpu"  # batch, learning rate and length
    device: Maybe[str] = None  # cpu, or cuda (that of the preset)
    minutes: Annotated[Maybe[float], Range(1e-3)] = None  # train for this long
    steps: Annotated[Maybe[int], Range(1)] = None  # or this many steps, which makes the result repeatable
    batch: Annotated[Maybe[int], Range(2)] = None  # pictures per step
    seed: Seed = 0
    precision: Literal[PRECISIONS] = "auto"  # of the convolutions; auto: what is fast on this machine
    threads: Threads = None  # processor threads (all)
    start: Maybe[Path] = None  # begin with the weights of this .safetensors network
    resume: Flag = False  # go on from the last checkpoint
    restart: Flag = False  # forget the last checkpoint
    checkpoint_minutes: Annotated[float, Range(0)] = 3.0
    evaluate_minutes: Annotated[float, Range(0)] = 10.0


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(RunSettings):
    """Of trainings on pictures."""

    data: Many[Path] = ()  # data sets of python -m training.DOMAIN render
    cache: Maybe[Path] = None
    """folder that keeps the decoded pictures: trainings on the same data share them and start at once"""
    count: Annotated[Maybe[int], Range(1)] = None
    """this many pictures, evenly from all data sets (all; 1024 if rendered here)"""


@dataclass(frozen=True)
class Needs:
    """What a network learns from: pictures of ``size`` pixels, made from those that have ``smallest`` (``size`` by
    default), with or without ``labels`` of each pixel and what the landmark network sees of ``faces``."""

    size: int
    smallest: int | None = None
    labels: bool = True
    faces: bool = False


def run(settings: NetworkSettings, presets: Mapping[str, Recipe], needs: Needs, make_network: MakeNetwork) -> int:
    """Train on pictures to the end, or until Ctrl-C, which leaves a checkpoint; the exit code.

    Raises:
        Sat3dError: wrong arguments or files.
    """
    return run_network(settings, presets, lambda machine: make_network(_views(settings, needs), machine))


def run_network(
    settings: RunSettings, presets: Mapping[str, Recipe], make_network: Callable[[Machine], SmallNetwork]
) -> int:
    """The same of a network that learns from anything else."""
    recipe = presets[settings.preset]
    recipe = recipe if settings.batch is None else replace(recipe, batch=settings.batch)
    if settings.steps is not None and settings.minutes is not None:
        raise ConfigError("A training ends after --steps or after --minutes", "both", "one of them")
    if settings.out.suffix != ".safetensors":
        raise ConfigError("The output has another suffix", settings.out.name, ".safetensors", "choose another --out")
    with run_lock(settings.out):
        over = _train(settings, recipe, make_network)
    print(f"wrote {settings.out}" if over else "stopped; --resume goes on from here")
    return 0 if over else INTERRUPTED


def _train(settings: RunSettings, recipe: Recipe, make_network: Callable[[Machine], SmallNetwork]) -> bool:
    machine = _prepare(settings)
    network = make_network(machine)
    if settings.start:
        network.start_from(settings.start)
    minutes = settings.minutes if settings.minutes or settings.steps else recipe.minutes
    budget, seconds = Budget(minutes, settings.steps), (settings.checkpoint_minutes, settings.evaluate_minutes)
    plan = Run(settings.out, budget, settings.seed, *seconds)
    engine = Engine(NetworkTask(network, recipe, settings.out), plan, Processes(torch.device(machine.device)))
    if settings.resume and state_path(settings.out).exists():
        engine.resume()
    return engine.run()


def _prepare(settings: RunSettings) -> Machine:
    """Check before any work what would stop it at the end."""
    state = state_path(settings.out)
    if state.exists() and not (settings.resume or settings.restart):
        raise FileError(
            "An unfinished or finished training is there already",
            state,
            "a new file name",
            "add --resume to go on with it, --restart to forget it, or choose another --out",
        )
    machine = choose_machine(settings.device or ("cuda" if settings.preset == "gpu" else "cpu"), settings.precision)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    if settings.restart:
        state.unlink(missing_ok=True)
    return machine


def _views(settings: NetworkSettings, needs: Needs) -> Views:
    if settings.data:
        wanted = {"labels": needs.labels, "smallest": needs.smallest, "cache": settings.cache}
        return _looked_at(load_views(settings.data, needs.size, settings.count, **wanted), settings, needs)
    print(
        "No --data: a few heads are rendered now. For a network of use, make a data set first:\n"
        f"  python -m training.synthheads render --out out/heads{needs.size} --count 20000 --size {needs.size}",
        flush=True,
    )
    return _looked_at(render_views(settings.seed, needs.size, settings.count or 1024), settings, needs)


def _looked_at(views: Views, settings: NetworkSettings, needs: Needs) -> Views:
    if not needs.faces:
        return views
    facts = {"count": len(views), "size": needs.size, "data": [read_plan(path).to_dict() for path in settings.data]}
    folder = settings.cache and settings.cache.with_name(f"{settings.cache.name}-faces")
    return views.with_faces(facts, folder if settings.data else None)
