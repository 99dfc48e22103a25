"""The whole command: pictures, cameras and depth alone reach the training; and what it refuses."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sat3d.errors import ConfigError, FileError
from sat3d.generators import load_generator
from tests.training.ball_heads import write_balls
from tests.training.generator.runs import assert_same_files, options_of, seeded
from training.generator import command
from training.generator.networks import first_networks, start_from
from training.generator.presets import find_preset
from training.synth.dataset import ShardFolder

RESULTS = ("generator", "encoder", "codes", "training", "prior/training")


@pytest.fixture(scope="module")
def plain(data, tmp_path_factory):
    """A short training with its prior."""
    out = tmp_path_factory.mktemp("plain")
    assert command.run(options_of(data, out, "--steps", "10")) == 0
    return out


def rewrite(data: Path, target: Path, change) -> Path:
    """A copy of a data set whose members are what ``change(name, contents)`` makes of them."""
    target.mkdir()
    (target / "dataset.json").write_bytes((data / "dataset.json").read_bytes())
    for shard in sorted(data.glob("shard-*.tar")):
        with tarfile.open(shard) as source, tarfile.open(target / shard.name, "w") as written:
            for member in source.getmembers():
                contents = change(member.name, source.extractfile(member).read())
                member.size = len(contents)
                written.addfile(member, io.BytesIO(contents))
    return target


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def scrambled(data: Path, target: Path) -> Path:
    """Pictures, depths and cameras as they were; all else of a view is nonsense, or another head's."""
    people = [ShardFolder(data)[view] for view in (0, 23)]
    facts = [json.loads(text) for text in texts_of(data, ".json")]

    def change(name: str, contents: bytes) -> bytes:
        if name.endswith((".labels.png", ".behind.png")):
            return png(np.random.default_rng(int(name[:8])).integers(0, 12, (32, 32), np.uint8))
        if name.endswith(".normals.png"):
            return png(np.full((32, 32, 3), 7, np.uint8))
        if name.endswith(".json"):
            own, other = json.loads(contents), facts[(int(name[:8]) + 7) % len(facts)]
            kept = {key: own[key] for key in ("head", "view", "camera")}
            return json.dumps({**other, **kept, "caption": "a fish", "yaw_rad": 0.1, "pitch_rad": 0.2}).encode()
        return contents

    assert people[0].parameters != people[1].parameters
    return rewrite(data, target, change)


def texts_of(data: Path, ending: str) -> list[bytes]:
    found = []
    for shard in sorted(data.glob("shard-*.tar")):
        with tarfile.open(shard) as source:
            members = [member for member in source.getmembers() if member.name.endswith(ending)]
            found += [source.extractfile(member).read() for member in members]
    return found


@pytest.mark.slow
def test_no_label_reaches_the_training(data, plain, tmp_path):
    """Labels, normals, parameters, latents, captions and angles are scrambled: every weight comes out as before."""
    other = scrambled(data, tmp_path / "scrambled")
    before, after = ShardFolder(data)[0], ShardFolder(other)[0]
    assert before.parameters != after.parameters and before.caption != after.caption
    assert not np.array_equal(before.labels, after.labels) and not np.array_equal(before.latent, after.latent)
    assert command.run(options_of(other, tmp_path / "run", "--steps", "10")) == 0
    for name in RESULTS:
        assert_same_files(plain / f"{name}.safetensors", tmp_path / "run" / f"{name}.safetensors")


@pytest.mark.slow
def test_heads_that_are_held_out_do_not_reach_the_training(data, plain, tmp_path):
    """The first two heads, which scores are of, are painted over: weights are as before, scores are not."""
    painted = rewrite(data, tmp_path / "painted", lambda name, contents: (
        png(np.full((32, 32, 3), 200, np.uint8)) if name.endswith(".image.png") and int(name[:8]) < 6 else contents
    ))  # fmt: skip
    assert command.run(options_of(painted, tmp_path / "run", "--steps", "10")) == 0
    for name in ("generator", "encoder", "training", "prior/training"):
        assert_same_files(plain / f"{name}.safetensors", tmp_path / "run" / f"{name}.safetensors")
    notes = (load_generator(out / "generator.safetensors").metadata["training"] for out in (plain, tmp_path / "run"))
    first, second = (json.loads(text)["held_out_psnr"] for text in notes)
    assert first != second


def test_pictures_reach_the_training(data, plain, tmp_path):
    """What the tests above would not see if they compared nothing."""
    darker = rewrite(data, tmp_path / "darker", lambda name, contents: (
        png(np.asarray(Image.open(io.BytesIO(contents))) // 2) if name.endswith(".image.png") else contents
    ))  # fmt: skip
    command.run(options_of(darker, tmp_path / "run", "--steps", "10"))
    for name in ("generator", "encoder", "prior/training"):
        with pytest.raises(AssertionError):
            assert_same_files(plain / f"{name}.safetensors", tmp_path / "run" / f"{name}.safetensors")


def test_what_the_result_says_of_itself(plain, data):
    loaded = load_generator(plain / "generator.safetensors")
    notes = json.loads(loaded.metadata["training"])
    assert notes["data"] == [data.name] and notes["supervision"] == "pictures" and notes["preset"] == "tiny"
    assert float(notes["held_out_psnr"]) > 0 and "held_out_of_mapping" in notes["prior"]
    lines = [json.loads(line) for line in (plain / "progress.jsonl").read_text(encoding="utf-8").splitlines()]
    assert any("losses" in line for line in lines) and any("psnr" in line.get("held_out", {}) for line in lines)
    assert "of_mapping" in (plain / "prior" / "progress.jsonl").read_text(encoding="utf-8")
    z = torch.randn(2, 16, generator=seeded())
    assert torch.isfinite(loaded.network.map(z)).all()


def test_steps_alone_end_the_prior_too(data, tmp_path, monkeypatch):
    """However slow the machine: with a limit of time beside it, a run could not be repeated."""
    given = []
    monkeypatch.setattr(command, "train_prior", lambda task, options, budget: given.append(budget) or True)
    command.run(options_of(data, tmp_path / "steps", "--steps", "1"))
    command.run(options_of(data, tmp_path / "minutes", "--minutes", "0.0001"))
    assert (given[0].minutes, given[0].steps) == (None, 1) and (given[1].minutes, given[1].steps) == (0.1, None)


def test_a_run_that_stops_early_has_no_prior_yet_and_goes_on(data, plain, tmp_path, capsys):
    out = tmp_path / "run"
    assert command.run(options_of(data, out, "--steps", "10", "--stop-after-steps", "3")) == 0
    assert "--resume" in capsys.readouterr().out and not (out / "prior").exists()
    assert command.run(options_of(data, out, "--steps", "10", "--resume")) == 0
    for name in RESULTS:
        assert_same_files(plain / f"{name}.safetensors", out / f"{name}.safetensors")
    with pytest.raises(FileError, match="already"):
        command.run(options_of(data, out, "--steps", "10"))


@pytest.mark.parametrize(
    ("sizes", "said"),
    [({"size": 16}, r"another size.*16 px.*32 px.*--size 32"), ({"heads": 3}, r"too small.*3 things.*more than 3")],
)
def test_data_that_cannot_be_used_are_refused(tmp_path, monkeypatch, sizes, said):
    data = write_balls(tmp_path / "data", monkeypatch, **sizes)
    with pytest.raises((FileError, ConfigError), match=said):
        command.run(options_of(data, tmp_path / "run", "--steps", "2"))


def test_codes_of_another_data_set_are_refused(plain, data, tmp_path, monkeypatch):
    more = write_balls(tmp_path / "more", monkeypatch, heads=9)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "codes.safetensors").write_bytes((plain / "codes.safetensors").read_bytes())
    with pytest.raises(FileError, match=r"codes are of another data set.*9 things"):
        command.run(options_of(more, tmp_path / "run", "--steps", "2"))


def test_a_training_begins_with_what_another_exported(data, plain, tmp_path):
    """Only its last stages: codes are the same, and so are, before any step, the weights."""
    out = tmp_path / "on"
    words = ("--start", str(plain), "--first-stage", "render", "--steps", "4", "--stop-after-steps", "0")
    assert command.run(options_of(data, out, *words)) == 0
    for name in ("codes", "encoder"):
        assert_same_files(plain / f"{name}.safetensors", out / f"{name}.safetensors")
    before, after = (load_generator(folder / "generator.safetensors").network for folder in (plain, out))
    assert before.fingerprint() == after.fingerprint()
    assert command.run(options_of(data, tmp_path / "run", *words[:-2])) == 0
    lines = (tmp_path / "run" / "progress.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["stage"] for line in lines} <= {"render", "sharpen"}


def test_a_stage_that_a_preset_lacks_and_a_start_of_another_size_are_refused(data, plain, tmp_path):
    with pytest.raises(ConfigError, match="no such stage"):
        command.run(options_of(data, tmp_path / "a", "--first-stage", "polish"))
    preset = find_preset("small")
    networks = first_networks(preset, torch.randn(40, preset.network.backbone.w_dim), 0, torch.device("cpu"))
    with pytest.raises(ConfigError, match="other layers"):
        start_from(networks, plain / "generator.safetensors", plain / "encoder.safetensors")


@pytest.mark.parametrize(
    ("stage", "shares"), [("points", (0.6, 0.22, 0.18)), ("render", (0.55, 0.45)), ("sharpen", (1,))]
)
def test_what_is_left_of_a_preset_keeps_its_proportions(stage, shares):
    preset = find_preset("cpu").beginning_at(stage)
    assert [each.share for each in preset.stages] == pytest.approx(shares) and len(preset.lessons) == len(shares)
