"""The official code's stored outputs, reproduced by our networks through our reader of official pickles.

Two cases travel with the repository; where the full set lies beside it, all of that is checked as well.
"""

from pathlib import Path

import pytest

from training.parity_cases import ParityCase, run_case

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [ROOT / "tests" / "golden" / "parity", ROOT.parent / "shared" / "parity" / "pack"]
CASES = {
    path.stem: path.with_suffix("")
    for folder in FOLDERS
    if folder.is_dir()
    for path in sorted(folder.glob("*.json"))
    if path.with_suffix(".safetensors").exists()
}


def test_the_golden_cases_are_here():
    assert {"eg3d_shapenet_small", "stylegan2_clamp_tiny"} <= set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_every_tensor_of_the_official_code_is_reproduced(name):
    results = run_case(ParityCase.load(CASES[name]))
    assert len(results) >= 20
    assert not [f"{r.name}: {r.error:.2e} > {r.limit:.2e}" for r in results if not r.passed]
