"""What this machine computes fast."""

from functools import cache

import torch


def quick_dtype(device: torch.device) -> torch.dtype:
    """The numbers in which ``device`` multiplies matrices fastest, and float32 where the others gain nothing.

    By capability, not by a stopwatch: pictures must not depend on what else the machine was doing. bfloat16 on CPUs
    that multiply it (AVX-512 BF16, AMX), where convolutions take a half to a sixth of the time.
    """
    if device.type == "cuda":
        return torch.float16
    return torch.bfloat16 if device.type == "cpu" and _cpu_multiplies_bfloat16() else torch.float32


@cache
def _cpu_multiplies_bfloat16() -> bool:
    if not torch.backends.mkldnn.is_available():
        return False
    # PyTorch tells it by functions that older versions lack; without them nothing is known, and float32 is safe.
    checks = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(check() for check in checks if check is not None)
