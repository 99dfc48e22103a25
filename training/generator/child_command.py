"""From ``train_generator.py --child-of`` to data, codes and a training."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from training.common.console import INTERRUPTED
from sat3d.errors import FileError
from sat3d.files.writing import make_folder
from sat3d.generators import load_generator
from sat3d.inversion import PortraitEncoder, load_encoder
from sat3d.networks.built_in import GENERATOR
from training.common.checkpoint import state_path
from training.common.clock import Budget
from training.common.distributed import Processes
from training.common.engine import Engine, Run
from training.common.report import Report
from training.common.run_lock import run_lock
from training.synth.render_command import read_plan

from ..data.packed import HeadPack, open_pack
from .child import CHILD_FILE, ChildRecipe, ChildTask, find_child_codes, natural_pictures
from .codes import FirstCodes, load_codes, save_codes
from .settings import BUILT_IN, GeneratorSettings

CODES = "child-codes.safetensors"
_MINUTES = 60.0


def run_child(options: GeneratorSettings) -> int:
    """Train a child, or go on. Exit codes: 0 done, 130 stopped by the user with a checkpoint."""
    if options.threads:
        torch.set_num_threads(options.threads)
    make_folder(options.out)
    with run_lock(options.out):
        there = state_path(options.out).exists()
        if there and not options.resume:
            got = "add --resume or choose another"
            raise FileError("There is a training in the folder already", options.out, "an empty folder", got)
        engine = make_child_engine(options)
        if there:
            engine.resume()
        over = engine.run()
    print(f"{options.out / CHILD_FILE} after {engine.clock.seen} heads")
    return 0 if over or options.stop_after_steps is not None else INTERRUPTED


def make_child_engine(options: GeneratorSettings) -> Engine:
    """Data, codes and networks, ready to begin or to be resumed."""
    device = torch.device("cuda" if options.device == "cuda" else "cpu")
    path = GENERATOR if options.child_of == BUILT_IN else options.child_of
    loaded = load_generator(path)
    loaded = replace(loaded, network=loaded.network.to(device))
    encoder = load_encoder(options.child_encoder).to(device)
    pack = open_pack(options.data, options.cache)
    codes = _codes(options, loaded.network, encoder, pack)
    plans = [read_plan(folder) for folder in options.data]
    notes = {"domain": plans[0].kind.name, "look": plans[0].look, "torch": torch.__version__,
             "data": [folder.name for folder in options.data]}  # fmt: skip
    recipe = ChildRecipe(options.free_from, patch=min(options.child_patch, loaded.network.own_resolution))
    pack = pack if device.type == "cpu" else pack.to(device)
    name = str(path).replace("\\", "/").rpartition("/")[2]
    task = ChildTask(loaded, name, encoder, pack, codes, options.out, recipe, notes)
    budget = Budget(options.minutes or (None if options.steps else _MINUTES), options.steps)
    plan = Run(options.out, budget, options.seed, options.save_minutes, options.score_minutes, options.stop_after_steps)
    return Engine(task, plan, Processes(device), Report(options.out / "progress.jsonl", line_seconds=30.0))


def _codes(options: GeneratorSettings, parent, encoder: PortraitEncoder, pack: HeadPack) -> Tensor:
    """Found once, and kept beside the training."""
    path = options.out / CODES
    if not path.exists():
        pictures = natural_pictures(options.data, pack.size)
        save_codes(path, FirstCodes(find_child_codes(parent, encoder, pictures, len(pack)), 1.0))
    codes = load_codes(path).codes
    if len(codes) != len(pack):
        raise FileError("The codes are of another data set", path, f"{len(pack)} heads", "choose another --out")
    return codes
