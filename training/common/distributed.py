"""One process, or several under ``torchrun``: who this one is, and the few things they agree on."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
from torch import nn

from sat3d.errors import ConfigError


@dataclass(frozen=True)
class Processes:
    """``rank`` of ``world`` processes; alone, 0 of 1."""

    device: torch.device
    rank: int = 0
    world: int = 1

    @property
    def is_first(self) -> bool:
        return self.rank == 0

    def wait(self) -> None:
        """Until all are here."""
        if self.world > 1:
            torch.distributed.barrier()

    def agree(self, value: float) -> float:
        """The first process's ``value``, in all."""
        if self.world == 1:
            return value
        shared = torch.tensor([value], dtype=torch.float64, device=self.device)
        torch.distributed.broadcast(shared, 0)
        return shared.item()

    def any(self, flag: bool) -> bool:
        """Whether ``flag`` is true in any process."""
        if self.world == 1:
            return flag
        shared = torch.tensor([float(flag)], device=self.device)
        torch.distributed.all_reduce(shared, torch.distributed.ReduceOp.MAX)
        return bool(shared.item())

    def wrap(self, module: nn.Module) -> nn.Module:
        """``module`` with gradients averaged over the processes."""
        if self.world == 1:
            return module
        return nn.parallel.DistributedDataParallel(module)


def join_processes(device: str) -> Processes:
    """As ``torchrun`` says in the environment; ``device``: ``cpu``, ``cuda`` or ``auto``.

    Raises:
        ConfigError: a GPU is wanted and none is there.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("No CUDA device", device, "a machine with one", "use --device cpu")
    world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    if device == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    if world > 1:
        torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    place = torch.device(device, torch.cuda.current_device()) if device == "cuda" else torch.device(device)
    return Processes(place, rank, world)
