"""The command: what it writes and refuses, going on after a kill, several processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

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
from training.common.timing import Measurement
from training.masks import command
from training.masks import estimate as estimate_module
from training.masks.estimate import Estimate, fit
from training.masks.optimizer import find_ranger
from training.masks.settings import FEWEST_FACES, FEWEST_STEPS, PAPER, QUICK, MaskSettings


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
    assert torch.equal(load_masks(out).logits, whole.task.masks.carrier.logits.detach())


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
    assert resumed.clock.steps == 3
    assert torch.equal(resumed.task.masks.carrier.logits, trainer.task.masks.carrier.logits)


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
    torch.testing.assert_close(two, one.task.masks.carrier.logits.detach(), atol=1e-5, rtol=0)


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
    assert load_domain(settings.domain).parser == "head" and settings.out == Path("m.safetensors")


@pytest.mark.parametrize("asked", [["--recipe", "paper"], ["--recipe=paper"]])
def test_the_paper_to_the_letter(asked):
    settings = parse(MaskSettings, ["--out", "m.safetensors", *asked])
    recipe = settings.recipe
    assert (recipe.iterations, recipe.batch, recipe.pairs, recipe.rate) == (300_000, 1, 6000, 0.01)
    assert (recipe.start, recipe.temperature, recipe.contrast, recipe.fit_minutes) == ("preselection", 1, 1, None)
    assert settings.pictures.neural_resolution is None and settings.out == Path("m.safetensors")


def test_the_default_takes_minutes_and_single_options_override():
    quick = parse(MaskSettings, ["--out", "m.safetensors"])
    recipe = quick.recipe
    assert (recipe.start, recipe.iterations, recipe.pairs, recipe.rate) == ("population", 700, 800, 0.1)
    assert quick.pictures.neural_resolution == 96 and quick == parse(
        MaskSettings, ["--recipe", "quick", "--out", "m.safetensors"]
    )
    longer = parse(MaskSettings, ["--out", "m.safetensors", "--iterations", "5000"])
    assert longer.recipe == replace(recipe, iterations=5000)
    paper = parse(MaskSettings, ["--rate", "0.5", "--recipe", "paper", "--out", "m.safetensors"])
    assert (paper.recipe.rate, paper.recipe.pairs) == (0.5, 6000)


def estimate(face_seconds: float, step_seconds: float) -> Estimate:
    return Estimate(face_seconds, Measurement(step_seconds, step_seconds, None, None), 0.1)


def test_faces_and_steps_fit_the_machine():
    """800 faces and 700 steps of a second are 25 minutes, and of two seconds 50: three fifths of them fit."""
    assert fit(QUICK, estimate(1, 1)) == QUICK
    slower = fit(QUICK, estimate(2, 2))
    assert (slower.pairs, slower.iterations) == (480, 420)
    assert sum(estimate(2, 2).minutes(slower)) == pytest.approx(30)
    slowest = fit(QUICK, estimate(60, 60))
    assert (slowest.pairs, slowest.iterations) == (FEWEST_FACES, FEWEST_STEPS)
    asked = fit(replace(QUICK, iterations=5000), estimate(2, 2))
    assert asked.iterations == 5000 and asked.pairs == FEWEST_FACES
    assert fit(PAPER, estimate(60, 60)) == PAPER


def test_what_was_made_to_fit_goes_on_as_it_began(files, tmp_path, monkeypatch, capsys):
    out = tmp_path / "masks.safetensors"
    monkeypatch.setattr(estimate_module, "FEWEST_FACES", 8)
    monkeypatch.setattr(estimate_module, "FEWEST_STEPS", 2)
    asked = arguments(files, out, "--fit-minutes", "0.001")
    asked[asked.index("paper")] = "quick"
    del asked[asked.index("--pairs") : asked.index("--pairs") + 2]
    assert train_masks.main(asked) == 0
    said = capsys.readouterr().out
    assert "device    cpu" in said and "faces     8 of" in said and "fewer faces" in said
    assert json.loads(out.with_name("masks.plan.json").read_text()) == {"pairs": 8, "iterations": 2}
    assert load_masks(out).metadata["iterations"] == "2"
    monkeypatch.setattr(command, "make_estimate", None)  # not measured again
    assert train_masks.main([*asked, "--resume"]) == 0


def test_it_ends_with_a_verdict_by_two_models(files, tmp_path, capsys):
    out = tmp_path / "masks.safetensors"
    options = ("--iterations", "1", "--judged", "2", "--second-clip-weights", str(files / "clip.safetensors"))
    assert train_masks.main(arguments(files, out, *options)) == 0
    said = capsys.readouterr().out.splitlines()[-3:]
    assert [line.split(":")[0] for line in said] == ["beard", "eyeglasses", "hairstyle"]
    assert out.with_name("masks.report.txt").read_text().splitlines() == said
    assert out.with_name("masks.report.png").stat().st_size > 1000


def test_a_second_model_that_is_not_there_is_named_before_any_work(files, tmp_path, capsys):
    missing = tmp_path / "second.safetensors"
    assert train_masks.main(arguments(files, tmp_path / "m.safetensors", "--second-clip-weights", str(missing))) == 2
    assert "second.safetensors" in capsys.readouterr().err and not list(tmp_path.glob("m.*safetensors"))


def test_a_file_that_is_given_away_names_no_folder_of_this_machine(tmp_path):
    words = ["training/train_masks.py", "--faces", str(tmp_path / "people"), "--out", "out/m.safetensors"]
    told = "python training/train_masks.py --faces people --out out/m.safetensors"
    assert command.command_line(words) == told
