"""Wall time, CPU time and peak memory of a piece of code, in this process."""

import ctypes
import gc
import os
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Measurement:
    """Medians over the runs; memory is the largest seen, in MiB, None where the system does not tell.

    ``rise_mib`` is the peak above what was in use when the code began: what the code itself needs.
    """

    seconds: float
    cpu_seconds: float
    peak_mib: float | None
    rise_mib: float | None


def measure(runs: Sequence[Callable[[], object]], repeats: int = 5, device: str = "cpu") -> list[Measurement]:
    """Measure alternatives in turn, A B A B …, so that a machine whose speed drifts treats them alike.

    Each runs once unmeasured first; its first measured run also gives the memory.
    """
    for run in runs:
        run()
    seconds: list[list[tuple[float, float]]] = [[] for _ in runs]
    memory: list[tuple[float | None, float | None]] = [(None, None)] * len(runs)
    for i in range(repeats):
        for j, run in enumerate(runs):
            before = _reset_peak(device) if i == 0 else None
            seconds[j].append(_time(run, device))
            if i == 0:
                memory[j] = _peak(device, before)
    medians = [[statistics.median(column) for column in zip(*rows, strict=True)] for rows in seconds]
    return [Measurement(*times, *mib) for times, mib in zip(medians, memory, strict=True)]


def _time(run: Callable[[], object], device: str) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    _wait(device)
    return time.perf_counter() - wall, time.process_time() - cpu


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _reset_peak(device: str) -> float | None:
    _wait(device)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated() / 2**20
    _give_back()
    try:
        _CLEAR.write_text("5")  # Linux: start a new high-water mark
    except OSError:
        return None
    return _status_mib("VmRSS")


def _give_back() -> None:
    """What earlier code has freed goes back to the system; else it would seem to be in use, and a rise too small."""
    gc.collect()
    if _STATUS.exists():
        with suppress(OSError, AttributeError):  # another C library than GNU's
            ctypes.CDLL(None).malloc_trim(0)


def _peak(device: str, before: float | None) -> tuple[float | None, float | None]:
    if before is None:
        return None, None
    peak = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else _status_mib("VmHWM")
    return peak, peak - before


def _status_mib(key: str) -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(key + ":"))
    return int(line.split()[1]) / 1024


def machine_facts(device: str) -> dict[str, str | int]:
    """What the figures were measured on."""
    return {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count() or 0,
    }
