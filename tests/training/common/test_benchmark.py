"""The benchmark of mask learning: what is timed is the real step, and memory is what a step needs."""

import json

import pytest
import torch

from sat3d.learning.studio import View
from training import benchmark
from training.common.timing import measure, tensor_rise_mib
from training.masks import benchmark as benchmark_masks


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
        task = step.__self__.task
        before = task.masks.carrier.logits.detach().clone()
        losses = step()
        assert task.stages[0].batch == transfers and torch.isfinite(losses["loss"])
        assert not torch.equal(before, task.masks.carrier.logits)
    plain()


def test_the_usual_ways_are_timed():
    assert benchmark_masks._WAYS["defaults"] == (View(), 1) and benchmark_masks._WAYS["64² rays, batch 8"][1] == 8


@pytest.mark.slow
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
        assert row["memory_ratio"] == pytest.approx(row["fast"]["rise_mib"] / row["plain"]["rise_mib"])
        line = next(line for line in table.splitlines() if line.startswith(f"| {name} |"))
        assert "–" not in line and float(line.split("|")[5]) == pytest.approx(row["fast"]["rise_mib"], rel=0.02)
    twins = {row["plain"]["rise_mib"] for row in report["stages"].values()}
    assert len(twins) == 1 and 0.1 < twins.pop() < 1000  # of a twin with three small pictures
    assert not (tmp_path / "unwritten.safetensors").exists()


@pytest.mark.slow
def test_memory_is_the_most_that_is_held_at_once():
    def run():
        first = torch.zeros(2**20)  # 4 MiB
        second = torch.zeros(2**20)
        del first, second
        return torch.zeros(2**18)  # beside nothing else

    outside = torch.zeros(2**22)
    assert tensor_rise_mib(run) == 8
    assert tensor_rise_mib(lambda: outside.sum()) < 0.01  # what is there already does not count
    assert tensor_rise_mib(lambda: None) == 0


@pytest.mark.slow
def test_memory_of_a_backward_pass_counts():
    """A float of 1 MiB is kept for each of four squares, and one gradient beside them."""
    leaf = torch.ones(2**18, requires_grad=True)

    def run():
        value = leaf
        for _ in range(4):
            value = value.square()
        torch.autograd.grad(value.sum(), leaf)

    assert 5 <= tensor_rise_mib(run) <= 8 and tensor_rise_mib(leaf.detach().square) == 1


@pytest.mark.slow
def test_memory_is_that_of_the_code_even_after_hungrier_code():
    """Many small pieces stay with the allocator when they are freed; the next code takes 40 MB of its own."""
    hungry = lambda: [torch.ones(5000) for _ in range(8000)]  # noqa: E731 - 160 MB
    modest = lambda: [torch.ones(5000) for _ in range(2000)]  # noqa: E731 - 40 MB
    first, second = measure([hungry, modest], repeats=1, with_rise=True)
    assert first.rise_mib == pytest.approx(160e6 / 2**20, rel=0.01)
    assert second.rise_mib == pytest.approx(40e6 / 2**20, rel=0.01)
    assert measure([modest], repeats=1)[0].rise_mib is None  # not asked for


def test_the_peak_of_the_process_holds_what_the_code_takes():
    """None on a system that does not tell."""
    peak = measure([lambda: torch.ones(2**25)], repeats=1)[0].peak_mib
    assert peak is None or 128 < peak < 2**16
