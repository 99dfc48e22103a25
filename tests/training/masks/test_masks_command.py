"""The command: what it writes and refuses, going on after a kill, several processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest
import torch

from sat3d.domains import load_domain
from sat3d.errors import ConfigError
from sat3d.masks import load_masks
from tests.training.masks.setup import ROOT, arguments, losses_of, make_trainer
from training import train_masks
from training.common.checkpoint import SCHEMA, read_header, state_path
from training.common.report import open_board
from training.common.settings import parse
from training.masks import command
from training.masks.optimizer import find_ranger
from training.masks.settings import MaskSettings


@pytest.fixture(scope="module")
def trained(files, tmp_path_factory):
    """Out of a whole training by the command, and what it said."""
    out = tmp_path_factory.mktemp("run") / "masks.safetensors"
    assert train_masks.main(arguments(files, out, "--iterations", "5")) == 0
    return out


@pytest.mark.slow
def test_the_command_writes_masks_with_their_origin(trained, files):
    generator = command.load_generator(files / "generator.safetensors")
    masks = load_masks(trained, generator.network.layout)
    assert masks.attributes == ("beard", "eyeglasses", "hairstyle") and masks.warning_for(generator.fingerprint) is None
    assert masks.metadata["licence"] == "free" and masks.metadata["iterations"] == "5"
    training = json.loads(masks.metadata["training"])
    weights = {name: training[f"weight_{name}"] for name in ("attr", "bg", "prob", "src")}
    assert weights == {"attr": 3.5, "bg": 40.0, "prob": 0.1, "src": 1.0} and training["pairs"] == 10
    assert set(json.loads(masks.metadata["losses"])) == {"loss", "ref", "src", "bg", "prob"}
    log = [json.loads(line) for line in trained.with_name("masks.progress.jsonl").read_text().splitlines()]
    assert log[0]["step"] == 1 and log[0]["losses"]["loss"] > 0
    assert trained.with_name("masks.sheet-0000005.png").stat().st_size > 1000


def test_nothing_is_overwritten(trained, files, capsys):
    before = trained.read_bytes()
    assert train_masks.main(arguments(files, trained, "--iterations", "5")) == 2
    assert "--resume" in capsys.readouterr().err and trained.read_bytes() == before


def test_masks_without_their_training_are_not_overwritten_by_resuming(trained, files, tmp_path, capsys):
    shutil.copy(trained, tmp_path / "masks.safetensors")
    assert train_masks.main(arguments(files, tmp_path / "masks.safetensors", "--resume")) == 2
    assert "without their training" in capsys.readouterr().err


def test_resuming_with_other_settings_is_refused(trained, files, capsys):
    assert train_masks.main(arguments(files, trained, "--iterations", "9", "--resume", "--rate", "0.02")) == 2
    assert "rate: 0.01 there, 0.02 asked" in capsys.readouterr().err
    assert train_masks.main(arguments(files, trained, "--restart", "--seed", "7")) == 2
    assert "pairs of other settings" in capsys.readouterr().err and state_path(trained).exists()


def test_a_dry_run_tells_and_writes_nothing(files, tmp_path, capsys):
    out = tmp_path / "masks.safetensors"
    assert train_masks.main(arguments(files, out, "--dry-run", "--iterations", "1000")) == 0
    said = capsys.readouterr().out
    assert "3 attributes" in said and "steps     1000 of" in said and "memory" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "value"), [("--batch", "0"), ("--iterations", "-1"), ("--minutes", "nan"), ("--pairs", "1"),
                          ("--seed", "-1"), ("--out", "masks.pt"), ("--out", "nowhere/masks.safetensors"),
                          ("--domain", "dogs"), ("--generator", "missing.pkl")],
)  # fmt: skip
def test_wrong_arguments_are_named(option, value, files, tmp_path, capsys):
    assert train_masks.main([*arguments(files, tmp_path / "masks.safetensors"), option, value]) == 2
    error = capsys.readouterr().err
    assert "Next step" in error and (option.strip("-") in error or value in error)


@pytest.mark.slow
def test_a_killed_command_goes_on_exactly(files, tmp_path):
    out = tmp_path / "killed.safetensors"
    run = [sys.executable, "training/train_masks.py", *arguments(files, out, "--checkpoint-minutes", "0")]
    process = subprocess.Popen(run, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not state_path(out).exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    _, said = process.communicate()
    assert state_path(out).exists(), said
    done = json.loads(read_header(state_path(out), SCHEMA, "", "")["clock"])["steps"]
    assert train_masks.main(arguments(files, out, "--iterations", str(done + 2), "--resume")) == 0
    whole = make_trainer(files, tmp_path / "whole.safetensors")
    losses_of(whole, done + 2)
    assert torch.equal(load_masks(out).logits, whole.task.masks.logits.detach())


def test_ctrl_c_finishes_the_step_and_saves(files, tmp_path, monkeypatch):
    out = tmp_path / "masks.safetensors"
    trainer = make_trainer(files, out, "--iterations", "50")
    step = trainer.step

    def interrupted():
        if trainer.clock.steps == 2:
            signal.raise_signal(signal.SIGINT)
        return step()

    monkeypatch.setattr(trainer, "step", interrupted)
    assert command.train(trainer) == 130
    resumed = make_trainer(files, out, "--iterations", "50", "--resume")
    assert resumed.clock.steps == 3 and torch.equal(resumed.task.masks.logits, trainer.task.masks.logits)


@pytest.mark.slow
def test_two_processes_are_one_with_twice_the_batch(files, tmp_path):
    one = make_trainer(files, tmp_path / "one.safetensors", "--batch", "4")
    losses_of(one, 3)
    shutil.copytree(tmp_path / "one.pairs", tmp_path / "two.pairs")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    options = arguments(files, tmp_path / "two.safetensors", "--batch", "2", "--iterations", "3")
    processes = [
        subprocess.Popen([sys.executable, "training/train_masks.py", *options], cwd=ROOT, text=True,
                         env={**shared, "RANK": rank, "LOCAL_RANK": rank}, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
        for rank in "01"
    ]  # fmt: skip
    for process in processes:
        said, _ = process.communicate(timeout=180)
        assert process.returncode == 0, said
    two = load_masks(tmp_path / "two.safetensors").logits
    start = one.task.start.logits
    assert (two - start).abs().max() > 1e-4
    torch.testing.assert_close(two, one.task.masks.logits.detach(), atol=1e-5, rtol=0)


def test_without_the_optimisers_library_nothing_is_begun(monkeypatch):
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    with pytest.raises(ConfigError, match="pip install"):
        find_ranger()


def test_curves_go_to_the_board_too(files, tmp_path, monkeypatch):
    drawn = []
    board = type("Board", (), {"add_scalar": lambda self, *point: drawn.append(point)})()
    monkeypatch.setattr(command, "open_board", lambda folder: board)
    options = ("--iterations", "1", "--tensorboard", str(tmp_path / "board"))
    assert train_masks.main(arguments(files, tmp_path / "m.safetensors", *options)) == 0
    assert {(name, step) for name, _, step in drawn} == {
        (f"losses/{k}", 1) for k in ("loss", "ref", "src", "bg", "prob")
    }


def test_tensorboard_that_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match="pip install tensorboard"):
        open_board(tmp_path)


def test_the_built_in_domain_is_the_default():
    settings = parse(MaskSettings, ["--out", "m.safetensors"])
    recipe = settings.recipe
    assert (recipe.iterations, recipe.batch, recipe.pairs, recipe.rate) == (300_000, 1, 6000, 0.01)
    assert load_domain(settings.domain).parser == "head"
