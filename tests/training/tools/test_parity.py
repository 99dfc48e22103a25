"""The official code's stored outputs, reproduced by our networks through our reader of official pickles.

Two cases travel with the repository; where the full sets lie beside it, all of those are checked as well.
"""

import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sat3d.generators import load_generator, z_from_seed
from tests.foreign.official_pickle import Network
from tests.foreign.refusal import MICRO
from training import parity
from training.tools.parity_cases import ParityCase, Result, run_case

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared"
FOLDERS = [ROOT / "tests" / "golden" / "parity", SHARED / "parity" / "pack", SHARED / "parity2" / "pack2"]
CASES = {
    path.stem: path.with_suffix("")
    for folder in FOLDERS
    if folder.is_dir()
    for path in sorted(folder.glob("*.json"))
    if path.with_suffix(".safetensors").exists()
}


def test_the_golden_cases_are_here():
    assert {"eg3d_shapenet_small", "stylegan2_clamp_tiny"} <= set(CASES)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_every_tensor_of_the_official_code_is_reproduced(name):
    case = ParityCase.load(CASES[name])
    results = run_case(case)
    wanted = {key for key in case.stored if not key.startswith("in.") and key not in ("syn.ws", "rays.index")}
    assert wanted <= {result.name for result in results} and len(wanted) >= 10
    assert len(results) >= (20 if name.startswith(("eg3d", "stylegan2")) else 15)
    assert not [f"{r.name}: {r.error:.2e} > {r.limit:.2e}" for r in results if not r.passed]


# Cases that lack something: each is a failure that is told, and never the end.

INVENTED = ["colour", "style.nonsense", "map.ws", "map.ws_psi07.more", "bb.b64.x", "bb.b8.y", "image.bogus",
            "rays.length", "sr.middle", "auto", "grad.z", "points", "image_raw_again", "planes2"]  # fmt: skip
OF_OTHER_NETWORKS = ["points.sigma", "rays.all_sigma", "image_depth", "planes.stats", "map.ws_psi", "image_z"]


@pytest.fixture
def write(tmp_path):
    """A case of a micro network; ``changes``: other stored tensors, None drops one."""

    def write(name="case", undescribed=(), **changes):
        stem = tmp_path / name
        stem.with_suffix(".pkl").write_bytes(Network(MICRO).pickle())
        network = load_generator(stem.with_suffix(".pkl")).network
        z = z_from_seed(0, 4)
        ws = network.map(z)
        styles = network.layout.split(network.styles(ws))
        stored = {"in.z": z, "syn.ws": ws, "map.ws_psi1": ws, "image": network.draw(network.styles(ws))}
        stored |= {"style.synthesis.b4.conv1": styles["synthesis.b4.conv1"], **changes}
        stored = {key: tensor.clone().contiguous() for key, tensor in stored.items() if tensor is not None}
        save_file(stored, stem.with_suffix(".safetensors"))
        facts = {"meaning": "", "noise_floor": 1e-6, "abs_max": 1.0}
        described = {key: facts for key in stored if key not in undescribed}
        stem.with_suffix(".json").write_text(json.dumps({"tensors": described}))
        return stem

    return write


@pytest.fixture
def compare(tmp_path, monkeypatch, capsys):
    """Exit code and output of the script."""

    def compare(*arguments):
        monkeypatch.setattr(sys, "argv", ["parity.py", str(tmp_path), *arguments])
        code = parity.main()
        return code, capsys.readouterr().out

    return compare


def test_a_case_that_is_as_it_should_be(write, compare):
    write()
    code, out = compare()
    assert code == 0 and out.endswith("3 passed, 0 failed\n")


def test_invented_names_fail_by_name_and_the_rest_goes_on(write, compare):
    write(**dict.fromkeys([*INVENTED, *OF_OTHER_NETWORKS], torch.zeros(1, 2)))
    code, out = compare()
    assert code == 1 and out.endswith(f"3 passed, {len(INVENTED) + len(OF_OTHER_NETWORKS)} failed\n")
    for name in INVENTED[:4]:
        assert f"FAILED {name}:" in out
    known = [name for name in INVENTED if f"FAILED {name}: no probe knows this name" not in out]
    assert known == ["style.nonsense", "bb.b64.x"]  # of a layer or block that this network does not have
    assert all(f"FAILED {name}:" in out for name in [*INVENTED, *OF_OTHER_NETWORKS])
    assert compare("--verbose")[0] == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"syn.ws": None}, "FAILED image: not to be reproduced from what is stored: KeyError: 'syn.ws'"),
        ({"in.z": None}, "FAILED map.ws_psi1: "),
        ({"undescribed": ("image",)}, "FAILED image: its description is missing"),
        ({"image": torch.zeros(1, 3, 4, 4)}, "FAILED image: (1, 3, 8, 8) instead of (1, 3, 4, 4)"),
        ({"image": torch.full((1, 3, 8, 8), torch.nan)}, "FAILED image: error nan"),
        ({"image": torch.zeros(1, 3, 8, 8)}, "FAILED image: error"),
    ],
    ids=range(6),
)
def test_what_lacks_in_a_case_fails_alone(write, compare, changes, says):
    write(**changes)
    code, out = compare()
    assert code == 1 and says in out and "0 passed" not in out


def test_facts_that_are_no_numbers(write):
    stem = write()
    for facts in ([], {"meaning": "", "noise_floor": "small", "abs_max": 1.0}, {"noise_floor": 0, "abs_max": 1}):
        stem.with_suffix(".json").write_text(json.dumps({"tensors": {"image": facts}}))
        problems = {result.name: result.problem for result in run_case(ParityCase.load(stem))}
        assert "description" in problems["image"] and len(problems) == 3


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".json", None),
        (".safetensors", None),
        (".pkl", None),
        (".json", b"{"),
        (".json", b"[]"),
        (".json", b"{}"),
        (".json", b"\xff\xfe"),
        (".safetensors", b"broken"),
        (".pkl", b"broken"),
        (".pkl", b"\x80\x04cos\nsystem\n(X\x04\x00\x00\x00echotR."),
    ],
    ids=range(10),
)
def test_a_broken_case_fails_and_the_others_go_on(write, compare, suffix, content):
    write("good")
    broken = write("broken").with_suffix(suffix)
    broken.unlink() if content is None else broken.write_bytes(content)
    code, out = compare()
    failed = 3 if content == b"{}" else 1
    assert code == 1 and "FAILED" in out and out.endswith(f"3 passed, {failed} failed\n")


def test_a_case_without_outputs_and_one_that_is_not_there_fail(write, compare):
    write(**{"map.ws_psi1": None, "image": None, "style.synthesis.b4.conv1": None})
    code, out = compare()
    assert code == 1 and "no tensor but inputs" in out
    code, out = compare("--case", "absent")
    assert code == 1 and "FAILED to run" in out


def test_badness_puts_what_has_no_figures_first():
    results = [Result("a", 1.0, 2.0), Result("b", 0.0, 0.0), Result("c", 1.0, 0.0), Result("d")]
    assert [result.badness for result in results] == [0.5, 0.0, float("inf"), float("inf")]
    assert [result.passed for result in results] == [True, True, False, False]
