"""The benchmark of mask learning: what is timed is the real step, and memory is what a step needs."""

import json

import pytest
import torch

from training import benchmark, benchmark_masks
from training.masks.studio import View
from training.measure import measure


@pytest.fixture
def small(triplane, monkeypatch):
    """The suite on a tiny generator."""
    original = benchmark_masks.mask_steps
    monkeypatch.setattr(benchmark_masks, "mask_steps", lambda device: original(device, triplane))
    ways = {"exact gradients": (View(exact=True), 1), "16² rays, batch 2": (View(neural_resolution=16), 2)}
    monkeypatch.setattr(benchmark_masks, "_WAYS", ways)
    return triplane


def test_every_way_is_a_step_that_learns(small):
    steps, plain = benchmark_masks.mask_steps("cpu")
    for step, transfers in steps.values():
        trainer = step.__self__
        before = trainer.objective.logits.detach().clone()
        losses = step()
        assert trainer.plan.batch == transfers and torch.isfinite(losses["loss"])
        assert not torch.equal(before, trainer.objective.logits)
    plain()


def test_the_usual_ways_are_timed():
    assert benchmark_masks._WAYS["defaults"] == (View(), 1) and benchmark_masks._WAYS["64² rays, batch 8"][1] == 8


def test_the_table_and_the_file(small, tmp_path, monkeypatch, capsys):
    out = tmp_path / "masks.json"
    arguments = ["benchmark.py", "--suite", "masks", "--json", str(out), "--repeats", "1", "--device", "cpu"]
    monkeypatch.setattr("sys.argv", arguments)
    assert benchmark.main() == 0
    report, table = json.loads(out.read_text()), capsys.readouterr().out
    assert report["suite"] == "masks" and list(report["stages"]) == list(benchmark_masks._WAYS)
    for name, row in report["stages"].items():
        assert row["time_ratio"] == pytest.approx(row["fast"]["seconds"] / row["plain"]["seconds"])
        assert row["transfers_per_second"] == pytest.approx(1 / row["fast"]["seconds"])
        assert f"| {name} |" in table
    assert not (tmp_path / "unwritten.safetensors").exists()


def test_memory_is_that_of_the_code_even_after_hungrier_code():
    """Many small pieces stay with the allocator when they are freed; the next code takes 40 MB of its own."""
    hungry = lambda: [torch.ones(5000) for _ in range(8000)]  # noqa: E731 - 160 MB
    modest = lambda: [torch.ones(5000) for _ in range(2000)]  # noqa: E731 - 40 MB
    first, second = measure([hungry, modest], repeats=1)
    if first.rise_mib is None:  # a system that does not tell
        assert second.rise_mib is None
        return
    assert 130 < first.rise_mib < 220 and 25 < second.rise_mib < 80
