"""What a training runs on, and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from sat3d.errors import ConfigError

PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class Machine:
    """``dtype`` is that of the convolutions; weights, losses and averages are float32 always."""

    device: str = "cpu"
    dtype: torch.dtype = torch.float32

    def autocast(self) -> AbstractContextManager:
        kind = torch.device(self.device).type
        return torch.autocast(kind, torch.bfloat16, enabled=self.dtype == torch.bfloat16)


def choose_machine(device: str, precision: str = "auto") -> Machine:
    """``auto`` takes bfloat16 where the processor multiplies in it: about twice as fast, and as good here.

    Raises:
        ConfigError: there is no such device.
    """
    cuda = device.startswith("cuda")
    if cuda and not torch.cuda.is_available():
        raise ConfigError("There is no CUDA device", device, "an NVIDIA GPU", "use --preset cpu")
    if precision == "auto":
        precision = "bfloat16" if (torch.cuda.is_bf16_supported() if cuda else _cpu_has_bfloat16()) else "float32"
    return Machine(device, getattr(torch, precision))


def _cpu_has_bfloat16() -> bool:
    known = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # no public name in the versions we support
    return bool(known and known())


def usable_device(name: str) -> torch.device:
    """
    Raises:
        ConfigError: there is no such device.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError("--device cannot be used", f"{name}: {error}", "cpu, or cuda where there is one") from error
    return device
