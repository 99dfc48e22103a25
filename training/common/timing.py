"""Wall time, CPU time and peak memory of a piece of code, in this process."""

import ctypes
import gc
import os
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Measurement:
    """Medians over the runs; memory is the largest seen, in MiB, None where the system does not tell.

    ``peak_mib`` is that of the whole process (CUDA: of all tensors). ``rise_mib`` is what the code itself needs; see
    :func:`tensor_rise_mib`.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float | None
    rise_mib: float | None


def measure(
    runs: Sequence[Callable[[], object]], repeats: int = 5, device: str = "cpu", with_rise: bool = False
) -> list[Measurement]:
    """Measure alternatives in turn, A B A B …, so that a machine whose speed drifts treats them alike.

    Each runs once unmeasured first; its first measured run also gives the peak, and a run of its own, which is not
    timed, the rise (with ``with_rise``).
    """
    for run in runs:
        run()
    rises = [tensor_rise_mib(run, device) if with_rise else None for run in runs]
    seconds: list[list[tuple[float, float]]] = [[] for _ in runs]
    peaks: list[float | None] = [None] * len(runs)
    for i in range(repeats):
        for j, run in enumerate(runs):
            known = i == 0 and _reset_peak(device)
            seconds[j].append(_time(run, device))
            if known:
                peaks[j] = _peak_mib(device)
    medians = [[statistics.median(column) for column in zip(*rows, strict=True)] for rows in seconds]
    return [Measurement(*times, *mib) for times, *mib in zip(medians, peaks, rises, strict=True)]


def tensor_rise_mib(run: Callable[[], object], device: str = "cpu") -> float | None:
    """How far the memory of all tensors rises while ``run`` runs, once: the peak of what it has taken and not yet
    given back.

    PyTorch's allocators count it, on the CPU too, so that it is the same on every system and does not depend on what
    ran before. Scratch memory that convolution libraries take by themselves is not in it. None on a PyTorch whose
    profiler does not list single allocations.
    """
    gc.collect()  # what the last run left in reference cycles
    if device == "cuda":
        _reset_peak(device)
        before = torch.cuda.memory_allocated()
        run()
        _wait(device)
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else the profiler complains of GPUs that are not there
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    try:
        events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
        changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    except AttributeError:
        return None
    return max(accumulate(changes, initial=0)) / 2**20


def _time(run: Callable[[], object], device: str) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    _wait(device)
    return time.perf_counter() - wall, time.process_time() - cpu


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _reset_peak(device: str) -> bool:
    """Begin a new peak; False where the system cannot."""
    _wait(device)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return True
    _give_back()
    try:
        _CLEAR.write_text("5")  # Linux: start a new high-water mark
    except OSError:
        return False
    return True


def _give_back() -> None:
    """What earlier code has freed goes back to the system; else it would seem to be in use."""
    gc.collect()
    if _STATUS.exists():
        with suppress(OSError, AttributeError):  # another C library than GNU's
            ctypes.CDLL(None).malloc_trim(0)


def _peak_mib(device: str) -> float:
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def machine_facts(device: str) -> dict[str, str | int]:
    """What the figures were measured on."""
    return {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count() or 0,
    }
