"""Wall time, CPU time and peak memory of a piece of code, in this process."""

import os
import statistics
import time
from collections.abc import Callable
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


def measure(run: Callable[[], object], repeats: int = 5, warm_up: bool = True, device: str = "cpu") -> Measurement:
    """Run ``run`` once unmeasured, then ``repeats`` times; the first measured run also gives the memory."""
    if warm_up:
        run()
    walls, cpus, memory = [], [], (None, None)
    for i in range(repeats):
        before = _reset_peak(device) if i == 0 else None
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        _wait(device)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        if i == 0:
            memory = _peak(device, before)
    return Measurement(statistics.median(walls), statistics.median(cpus), *memory)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _reset_peak(device: str) -> float | None:
    _wait(device)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated() / 2**20
    try:
        _CLEAR.write_text("5")  # Linux: start a new high-water mark
    except OSError:
        return None
    return _status_mib("VmRSS")


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
