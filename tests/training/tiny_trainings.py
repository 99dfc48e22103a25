"""A tiny training of each kind, as a new process makes it from seeds and files: what resuming is tried with.

``python -m tests.training.tiny_trainings KIND FOLDER`` is killed in the middle of its third step.
"""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.ball_heads import write_balls
from tests.training.masks.setup import make_trainer, write_files
from tests.training.tiny_generators import labelled_config, random_network
from tests.training.tiny_networks import SMALL_CLIP, SMALL_PARSER, SMALL_READER, engine_of, lit, plain, striped
from training.common.checkpoint import state_path
from training.common.clock import Budget
from training.common.distributed import Processes
from training.common.engine import Engine
from training.generator import command
from training.generator.presets import find_preset
from training.generator.settings import GeneratorSettings
from training.networks.clip import ClipTask
from training.networks.encoder import EncoderTask
from training.networks.parser import ParserTask
from training.networks.reader import ReaderTask

STEPS = 10
NETWORKS = {
    "reader": lambda: ReaderTask(striped(128, 18), config=SMALL_READER),
    "parser": lambda: ParserTask(striped(64, 18), config=SMALL_PARSER),
    "encoder": lambda: EncoderTask(lit(), network=random_network(labelled_config())),
    "clip": lambda: ClipTask(plain(32, 18), config=SMALL_CLIP),
}
KINDS = (*NETWORKS, "masks", "generator")


def make(kind: str, folder: Path) -> Engine:
    """A training in ``folder`` that saves after every step; it goes on where an earlier one stopped."""
    torch.set_num_threads(1)
    if kind in NETWORKS:
        engine = engine_of(NETWORKS[kind](), folder / "network.safetensors", STEPS)
    else:
        engine = (_masks if kind == "masks" else _generator)(folder)
    engine.plan = replace(engine.plan, checkpoint_minutes=0.0)
    engine.report.write = lambda line: None
    if state_path(engine.plan.out).exists():
        engine.resume()
    return engine


def _masks(folder: Path) -> Engine:
    options = ("--iterations", str(STEPS), "--batch", "2", "--falling-rate")
    if not (folder / "heads.json").exists():
        write_files(folder)
    return make_trainer(folder, folder / "masks.safetensors", *options)


def _generator(folder: Path) -> Engine:
    data, out = folder / "balls", folder / "run"
    if not data.exists():
        with pytest.MonkeyPatch.context() as patch:
            write_balls(data, patch)
    out.mkdir(exist_ok=True)
    settings = GeneratorSettings(preset="tiny", device="cpu", data=(data,), out=out)
    return command.make_engine(settings, find_preset("tiny"), Budget(steps=STEPS), Processes(torch.device("cpu")))


def kill(*_) -> None:
    """End this process at once; Windows has no other signal that does so."""
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


if __name__ == "__main__":
    engine = make(sys.argv[1], Path(sys.argv[2]))
    engine.begin()
    engine.optimizer.register_step_post_hook(lambda *_: engine.clock.steps == 2 and kill())
    engine.run()
