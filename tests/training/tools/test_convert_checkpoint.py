"""The converter as a person uses it: exit codes, what is printed, and that nothing is ever lost."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sat3d.errors import NoSuchNetworkError
from sat3d.generators.checkpoint import read_checkpoint
from sat3d.generators.config import PLANE_AXES_CORRECTED, PLANE_AXES_EG3D, TriplaneConfig
from sat3d.generators.official import read_network
from tests.foreign.official_pickle import Network
from tests.foreign.test_foreign_eg3d import small_config
from tests.generators.full_heads import tiny_full_head_config, weights_of
from training import convert_checkpoint
from training.convert_checkpoint import axes_name, main

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "tests" / "golden" / "foreign"
SOURCE = GOLDEN / "micro_valid.pkl"


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.safetensors"


def convert(*arguments) -> int:
    return main([str(argument) for argument in arguments])


def test_round_trip(target):
    assert convert(SOURCE, target) == 0
    network = read_network(SOURCE)
    config, tensors, header = read_checkpoint(target)
    assert config == network.config and tensors.keys() == network.tensors.keys()
    assert all(torch.equal(tensors[name], value) for name, value in network.tensors.items())
    assert header["source_sha256"] == network.source_sha256 and header["source_name"] == "micro_valid.pkl"
    assert "non-commercial" in header["licence"] and "key: G_ema" in header["notes"] and "plane_axes" not in header
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_head_that_turns_is_converted(target, tmp_path):
    config = tiny_full_head_config("spherehead")
    built = Network(config)
    built.tensors.update(weights_of(config))
    (tmp_path / "head.pkl").write_bytes(built.pickle())
    assert convert(tmp_path / "head.pkl", target) == 0
    got, tensors, header = read_checkpoint(target)
    assert got == config and torch.equal(tensors["ConvB.0.weight"], built.tensors["ConvB.0.weight"])
    assert "SphereHead" in header["licence"] and header["plane_axes"] == "full head"


def test_tuned_weights_are_converted_with_the_base_that_is_named(target, tmp_path, capsys):
    built = Network(small_config())
    weights = {**built.tensors, "decoder.net.0.bias": torch.full((16,), 0.5)}
    (tmp_path / "tuned").mkdir()
    torch.save({"G_ema": weights}, tmp_path / "tuned" / "me.pth")
    assert convert(tmp_path / "tuned" / "me.pth", target) == 2
    said = capsys.readouterr().err
    assert "without the network they belong to" in said and "name it with --base" in said and not target.exists()
    (tmp_path / "base.pkl").write_bytes(built.pickle())
    assert convert(tmp_path / "tuned" / "me.pth", target, "--base", tmp_path / "base.pkl") == 0
    config, tensors, header = read_checkpoint(target)
    assert config == small_config() and tensors["decoder.net.0.bias"].tolist() == [0.5] * 16
    assert "base: base.pkl" in header["notes"]
    other = Network(small_config("8X"), "8X")
    other.tensors["backbone.mapping.fc0.bias"] = torch.ones(8)
    (tmp_path / "other.pkl").write_bytes(other.pickle())
    assert convert(tmp_path / "tuned" / "me.pth", target, "--force", "--base", tmp_path / "other.pkl") == 2
    assert "belong to another base network than the chosen one" in capsys.readouterr().err


def test_half_and_key(target, tmp_path):
    assert convert(SOURCE, target, "--half", "--key", "G") == 0
    wanted, (_, tensors, _) = read_network(SOURCE, "G").tensors, read_checkpoint(target)
    assert all(torch.equal(tensors[name], value.half().float()) for name, value in wanted.items())
    full = tmp_path / "full.safetensors"
    convert(SOURCE, full)
    assert target.stat().st_size < full.stat().st_size


def test_without_the_average_the_network_itself_is_converted(target):
    assert convert(GOLDEN / "damaged_missing_gema.pkl", target) == 0
    assert "network: G, since there is no G_ema" in read_checkpoint(target)[2]["notes"]


def test_half_refuses_what_does_not_fit(target, tmp_path, capsys):
    raw, const = SOURCE.read_bytes(), read_network(SOURCE).tensors["synthesis.b4.const"].numpy().tobytes()
    large = tmp_path / "large.pkl"
    large.write_bytes(raw.replace(const, torch.tensor(70000.0).numpy().tobytes() + const[4:]))
    assert convert(large, target, "--half") == 2 and not target.exists()
    assert "synthesis.b4.const" in capsys.readouterr().err
    assert convert(large, target) == 0


def test_existing_output_is_refused_before_reading(target, capsys, monkeypatch):
    target.write_bytes(b"precious")
    monkeypatch.setattr(convert_checkpoint, "read_network", lambda *_: pytest.fail("read before the check"))
    assert convert(SOURCE, target) == 2
    assert target.read_bytes() == b"precious" and "--force" in capsys.readouterr().err


def test_an_output_that_appears_meanwhile_is_kept(target, capsys, monkeypatch):
    def slow(*arguments):
        target.write_bytes(b"precious")
        return read_network(*arguments)

    monkeypatch.setattr(convert_checkpoint, "read_network", slow)
    assert convert(SOURCE, target) == 2
    assert target.read_bytes() == b"precious" and "--force" in capsys.readouterr().err
    assert convert(SOURCE, target, "--force") == 0 and len(read_checkpoint(target)[1]) == 32


def test_a_link_is_written_through(target, tmp_path):
    real = tmp_path / "real.safetensors"
    real.write_bytes(b"old")
    try:
        target.symlink_to(real)
    except OSError as error:
        pytest.skip(f"links need rights here ({error})")
    assert convert(SOURCE, target, "--force") == 0 and target.is_symlink() and len(read_checkpoint(real)[1]) == 32


def test_a_network_that_is_not_there_names_the_option(target, capsys):
    assert convert(SOURCE, target, "--key", "G_none") == 2 and not target.exists()
    assert "choose one of the networks in it with --key" in capsys.readouterr().err
    with pytest.raises(NoSuchNetworkError) as caught:
        read_network(SOURCE, "G_none")
    assert "--" not in str(caught.value)


def test_force_replaces(target):
    target.write_bytes(b"old")
    assert convert(SOURCE, target, "--force") == 0
    assert len(read_checkpoint(target)[1]) == 32


@pytest.mark.parametrize(
    "name, says",
    [
        ("hostile_os_system", "os system"),
        ("damaged_missing_gema", "training_set_kwargs"),
        ("damaged_truncated", "truncated"),
        ("absent", "not found"),
    ],
)
def test_refusals_are_one_line_and_keep_the_output(target, capsys, name, says):
    target.write_bytes(b"precious")
    assert convert(GOLDEN / f"{name}.pkl", target, "--force", "--key", "G_ema") == 2
    printed = capsys.readouterr()
    lines = [line for line in printed.err.replace("\r", "\n").splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and says in lines[0] and "Traceback" not in printed.err and printed.out == ""
    assert target.read_bytes() == b"precious" and [path.name for path in target.parent.iterdir()] == [target.name]


def test_bad_outputs(tmp_path, capsys):
    assert convert(SOURCE, tmp_path / "out.pkl") == 2 and ".safetensors" in capsys.readouterr().err
    assert convert(SOURCE, tmp_path / "no" / "out.safetensors") == 2 and "folder" in capsys.readouterr().err
    assert convert(SOURCE, tmp_path / f"{'x' * 300}.safetensors") == 2 and "too long" in capsys.readouterr().err
    (tmp_path / "folder.safetensors").mkdir()
    assert convert(SOURCE, tmp_path / "folder.safetensors", "--force") == 2 and "a folder" in capsys.readouterr().err
    same = tmp_path / "same.safetensors"
    same.write_bytes(SOURCE.read_bytes())
    assert convert(same, same, "--force") == 2 and "same file" in capsys.readouterr().err
    assert same.read_bytes() == SOURCE.read_bytes()


def test_interrupt_while_writing(target, capsys, monkeypatch):
    target.write_bytes(b"precious")

    def interrupted(temporary, _):
        Path(temporary).write_bytes(b"half")
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Path, "replace", interrupted)
    assert convert(SOURCE, target, "--force") == 130
    assert "nothing was written" in capsys.readouterr().err
    assert target.read_bytes() == b"precious" and [path.name for path in target.parent.iterdir()] == [target.name]


def test_interrupt_while_reading(target, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(convert_checkpoint, "read_network", interrupted)
    assert convert(SOURCE, target) == 130 and not target.exists()


DIES_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from training import convert_checkpoint

def dies(temporary, _):
    Path(temporary).write_bytes(b"half")
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

Path.replace = dies
convert_checkpoint.main([{source!r}, {target!r}, "--force"])
"""


@pytest.mark.slow
def test_death_while_writing(target):
    target.write_bytes(b"precious")
    program = DIES_WHILE_WRITING.format(root=str(ROOT), source=str(SOURCE), target=str(target))
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=120)
    assert finished.returncode != 0 and target.read_bytes() == b"precious"
    leftovers = [path.name for path in target.parent.iterdir() if path != target]
    assert len(leftovers) == 1 and ".part" in leftovers[0]  # it did die in the middle
    assert convert(SOURCE, target, "--force") == 0


@pytest.mark.slow
def test_as_a_script(target, tmp_path):
    command = [sys.executable, str(ROOT / "training" / "convert_checkpoint.py"), str(SOURCE), str(target)]
    finished = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=120)
    assert finished.returncode == 0 and b"32 tensors" in finished.stdout
    again = subprocess.run(command, capture_output=True, cwd=tmp_path, timeout=120)
    assert again.returncode == 2 and b"Traceback" not in again.stderr


def test_progress_without_tqdm(target, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert convert(SOURCE, target) == 0
    printed = capsys.readouterr().err
    assert "reading micro_valid.pkl" in printed and "100 %" in printed


def test_names_of_plane_axes():
    other = (PLANE_AXES_EG3D[1], PLANE_AXES_EG3D[0], PLANE_AXES_EG3D[2])
    for axes, name in [(PLANE_AXES_EG3D, "eg3d"), (PLANE_AXES_CORRECTED, "corrected"), (other, "custom")]:
        assert axes_name(TriplaneConfig(plane_axes=axes)) == name
    floats = tuple(tuple(tuple(float(v) for v in row) for row in plane) for plane in PLANE_AXES_EG3D)
    assert axes_name(TriplaneConfig(plane_axes=floats)) == "eg3d"
