"""The command line's work: data, first codes, networks, training, and then the prior."""

from __future__ import annotations

import torch

from sat3d.errors import ConfigError, FileError
from sat3d.files.writing import make_folder
from training.common.checkpoint import state_path
from training.common.clock import Budget
from training.common.distributed import Processes, join_processes
from training.common.engine import Engine, Run
from training.common.report import Report
from training.common.run_lock import run_lock
from training.synth.render_command import read_plan

from ..data.packed import HeadPack, open_pack
from .child_command import run_child
from .codes import find_codes, load_codes, save_codes
from .faces import with_told_faces
from .glance import fit_glance
from .networks import first_networks, start_from
from .presets import Preset, find_preset
from .prior import PriorTask
from .settings import GeneratorSettings
from .task import CHECKPOINT, ENCODER_FILE, GeneratorTask

CODES, PRIOR = "codes.safetensors", "prior"


def run(options: GeneratorSettings) -> int:
    """Train, or go on training. Exit codes: 0 done, 130 stopped by the user with a checkpoint."""
    if options.child_of is not None:
        return run_child(options)
    preset = find_preset(options.preset)
    if options.first_stage is not None:
        preset = preset.beginning_at(options.first_stage)
    budget = Budget(options.minutes or (None if options.steps else preset.minutes), options.steps)
    if options.threads:
        torch.set_num_threads(options.threads)
    make_folder(options.out)
    with run_lock(options.out):  # before the processes join: if it is held, the first of them ends at once
        return _train(options, preset, budget)


def _train(options: GeneratorSettings, preset: Preset, budget: Budget) -> int:
    processes = join_processes(options.device)
    there = state_path(options.out).exists()
    if there and not options.resume:
        got = "add --resume or choose another"
        raise FileError("There is a training in the folder already", options.out, "an empty folder", got)
    engine = make_engine(options, preset, budget, processes)
    if there:
        engine.resume()
    over = engine.run()
    if processes.is_first:
        length = Budget(None if options.steps else preset.prior_minutes, options.steps)
        over = over and train_prior(engine.task, options, length)
        print(f"{options.out / CHECKPOINT} after {engine.clock.seen} things")
        if not over:
            print("Stopped; go on with --resume")
    return 0 if over or options.stop_after_steps is not None else 130


def make_engine(options: GeneratorSettings, preset: Preset, budget: Budget, processes: Processes) -> Engine:
    """Data, codes and networks from their seeds, ready to begin or to be resumed."""
    pack = _open_data(options, preset, processes)
    domain = read_plan(options.data[0]).kind
    preset = preset.for_domain(domain)
    pack, look = with_told_faces(pack, options, preset, processes)
    codes = _codes(options, preset, pack, processes)
    networks = first_networks(preset, codes, options.seed, processes.device, look)
    for encoder in (networks.encoder, networks.mean_encoder):
        if encoder.glance is not None:
            fit_glance(encoder.glance, pack, encoder.config.input_px, preset.held_out_heads, options.seed)
    if options.start is not None:
        start_from(networks, options.start / CHECKPOINT, options.start / ENCODER_FILE)
    notes = {
        "domain": domain.name, "torch": torch.__version__, "device": str(processes.device), "minutes": budget.minutes,
        "data": [path.name for path in options.data], "supervision": options.supervision,
    }  # fmt: skip
    task = GeneratorTask(preset, pack, codes, networks, options.out, notes)
    plan = Run(options.out, budget, options.seed, options.save_minutes, options.score_minutes, options.stop_after_steps)
    return Engine(task, plan, processes, Report(options.out / "progress.jsonl", line_seconds=30.0))


def _open_data(options: GeneratorSettings, preset: Preset, processes: Processes) -> HeadPack:
    """The packed data, made by the first process."""
    if processes.is_first:
        open_pack(options.data, options.cache)
    processes.wait()
    pack = open_pack(options.data, options.cache)
    wanted = preset.network.img_resolution
    if pack.size != wanted:
        raise FileError(
            "The data set's pictures have another size",
            f"{pack.size} px",
            f"{wanted} px for the preset {preset.name}",
            f"render with --size {wanted} --cameras wide, or choose another preset",
        )
    if len(pack) <= preset.held_out_heads + 1:
        got, wanted = f"{len(pack)} things", f"more than {preset.held_out_heads + 1}"
        raise ConfigError("The data set is too small", got, wanted, "render more")
    return pack if processes.device.type == "cpu" else pack.to(processes.device)


def _codes(options: GeneratorSettings, preset: Preset, pack: HeadPack, processes: Processes) -> torch.Tensor:
    """First codes of all heads, found once and kept beside the training."""
    path = options.out / CODES
    if processes.is_first and not path.exists() and options.start is not None:
        save_codes(path, load_codes(options.start / CODES))
    if processes.is_first and not path.exists():
        found = find_codes(pack, preset.network.backbone.w_dim, preset.held_out_heads, options.seed)
        print(f"first codes of {len(pack)} things hold {found.explained:.1%} of their pictures", flush=True)
        save_codes(path, found)
    processes.wait()
    codes = load_codes(path).codes
    if len(codes) != len(pack):
        raise FileError("The first codes are of another data set", path, f"{len(pack)} things", "choose another --out")
    return codes


def train_prior(task: GeneratorTask, options: GeneratorSettings, budget: Budget) -> bool:
    """Teach the generator that ``task`` has trained which w there are; whether that is over. It goes on where it
    stopped."""
    network, held_out = task.networks.mean_generator, task.preset.held_out_heads
    codes = task.codes.to(network.device)
    known, others = codes[held_out:], codes[:held_out]
    prior = PriorTask(network, known, others, options.out, task.exported_with, options.seed)
    plan = Run(make_folder(options.out / PRIOR), budget, options.seed, options.save_minutes, options.score_minutes)
    engine = Engine(prior, plan, report=Report(options.out / PRIOR / "progress.jsonl"))
    if state_path(plan.out).exists():
        engine.resume()
    return engine.run()
