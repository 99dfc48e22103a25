"""The command line that the training scripts share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sat3d.errors import ConfigError, FileError

from ..common.checkpoint import state_path
from ..common.clock import Budget
from ..common.console import INTERRUPTED
from ..common.device import PRECISIONS, Machine, choose_machine
from ..common.distributed import Processes
from ..common.engine import Engine, Run
from ..common.run_lock import run_lock
from ..data.views import Views, load_views, render_views
from .task import NetworkTask, Recipe, SmallNetwork

STOPPED = "stopped; --resume goes on from the last checkpoint"
MakeNetwork = Callable[[Views, Machine], SmallNetwork]


@dataclass(frozen=True)
class Needs:
    """What a task learns from: pictures of ``size`` pixels, made from those that have ``smallest`` (``size`` by
    default), with or without ``labels`` of each pixel."""

    size: int
    smallest: int | None = None
    labels: bool = True


def parse(
    description: str, arguments: Sequence[str] | None, add_more: Callable[[argparse.ArgumentParser], None] | None = None
) -> argparse.Namespace:
    """The options of all trainings, and those of one that ``add_more`` adds."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="data sets of python -m training.synthheads render",
    )
    cache = "folder that keeps the decoded pictures: trainings on the same data share them and start at once (none)"
    add("--cache", type=Path, metavar="DIR", help=cache)
    add("--out", type=Path, required=True, help="the .safetensors file to write")
    add("--count", type=int, help="this many pictures, evenly from all data sets (all; 1024 if rendered here)")
    add("--preset", choices=("cpu", "gpu"), default="cpu", help="batch, learning rate and length (cpu)")
    add("--device", help="cpu, or cuda (cpu, cuda for the preset gpu)")
    add("--minutes", type=float, help="train for this long")
    add("--steps", type=int, help="or this many steps, which makes the result repeatable")
    add("--batch", type=int, help="pictures a step")
    add("--seed", type=int, default=0)
    add("--precision", choices=PRECISIONS, default="auto", help="of the convolutions (what is fast on this machine)")
    add("--threads", type=int, help="processor threads (all)")
    add("--start", type=Path, help="begin with the weights of this .safetensors network")
    add("--resume", action="store_true", help="go on from the last checkpoint")
    add("--restart", action="store_true", help="forget the last checkpoint")
    add("--checkpoint-minutes", type=float, default=3.0)
    add("--evaluate-minutes", type=float, default=10.0)
    if add_more:
        add_more(parser)
    return parser.parse_args(arguments)


def plan_of(options: argparse.Namespace, presets: dict[str, Recipe]) -> tuple[Recipe, Run]:
    """The preset's recipe with what the command line changes, and how to run it.

    Raises:
        ConfigError: a number out of range.
    """
    recipe = presets[options.preset]
    recipe = recipe if options.batch is None else replace(recipe, batch=options.batch)
    if options.steps is not None and options.minutes is not None:
        raise ConfigError("A training ends after --steps or after --minutes", "both", "one of them")
    minutes = recipe.minutes if options.steps is None and options.minutes is None else options.minutes
    for name, value, low in (("batch", recipe.batch, 2), ("steps", options.steps, 1), ("minutes", minutes, 1e-3)):
        if value is not None and not value >= low:
            raise ConfigError(f"--{name} is too small", value, f"at least {low}")
    budget = Budget(minutes, options.steps)
    return recipe, Run(options.out, budget, options.seed, options.checkpoint_minutes, options.evaluate_minutes)


def run(options: argparse.Namespace, presets: dict[str, Recipe], needs: Needs, make_network: MakeNetwork) -> int:
    """Train to the end, or until Ctrl-C, which leaves a checkpoint; the exit code.

    Raises:
        Sat3dError: wrong arguments or files.
    """
    recipe, plan = plan_of(options, presets)
    if options.out.suffix != ".safetensors":
        raise ConfigError("The output has another suffix", options.out.name, ".safetensors", "choose another --out")
    with run_lock(options.out):
        over = _train(options, recipe, plan, needs, make_network)
    print(f"wrote {options.out}" if over else "stopped; --resume goes on from here")
    return 0 if over else INTERRUPTED


def _train(options: argparse.Namespace, recipe: Recipe, plan: Run, needs: Needs, make_network: MakeNetwork) -> bool:
    machine = _prepare(options)
    network = make_network(_views(options, needs), machine)
    if options.start:
        network.start_from(options.start)
    engine = Engine(NetworkTask(network, recipe, options.out), plan, Processes(torch.device(machine.device)))
    if options.resume and state_path(options.out).exists():
        engine.resume()
    return engine.run()


def _prepare(options: argparse.Namespace) -> Machine:
    """Check before any work what would stop it at the end."""
    if state_path(options.out).exists() and not (options.resume or options.restart):
        raise FileError(
            "An unfinished or finished training is there already",
            state_path(options.out),
            "a new file name",
            "add --resume to go on with it, --restart to forget it, or choose another --out",
        )
    machine = choose_machine(options.device or ("cuda" if options.preset == "gpu" else "cpu"), options.precision)
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.restart:
        state_path(options.out).unlink(missing_ok=True)
    return machine


def _views(options: argparse.Namespace, needs: Needs) -> Views:
    if options.data:
        wanted = {"labels": needs.labels, "smallest": needs.smallest, "cache": options.cache}
        return load_views(options.data, needs.size, options.count, **wanted)
    print(
        "No --data: a few heads are rendered now. For a network of use, make a data set first:\n"
        f"  python -m training.synthheads render --out out/heads{needs.size} --count 20000 --size {needs.size}",
        flush=True,
    )
    return render_views(options.seed, needs.size, options.count or 1024)
