"""Tiny StyleGAN2s in rosinality's form whose weights are the same everywhere, and the files that hold such networks."""

import collections
import io
import zlib
from itertools import pairwise

import numpy as np
import torch

W_DIM, LAYERS = 8, 3
# The widths at 4, 8, 16: by the published formula, and by no formula.
WIDTHS = {"formula": (12, 12, 10), "listed": (6, 12, 4)}
_KERNEL = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 16


def tensors_of(widths: tuple[int, ...], kernels: bool = False) -> dict[str, torch.Tensor]:
    """A ``g_ema``, without the constant filters unless asked for."""
    shapes: dict[str, tuple[int, ...]] = {}
    for i in range(LAYERS):
        shapes |= {f"style.{i + 1}.weight": (W_DIM, W_DIM), f"style.{i + 1}.bias": (W_DIM,)}
    shapes["input.input"] = (1, widths[0], 4, 4)
    shapes |= _layer("conv1", widths[0], widths[0]) | _rgb("to_rgb1", widths[0])
    for i, (before, after) in enumerate(pairwise(widths)):
        shapes |= _layer(f"convs.{2 * i}", before, after) | _layer(f"convs.{2 * i + 1}", after, after)
        shapes |= _rgb(f"to_rgbs.{i}", after)
    for k in range(2 * len(widths) - 1):
        side = 4 << (k + 1) // 2
        shapes[f"noises.noise_{k}"] = (1, 1, side, side)
    tensors = {name: torch.from_numpy(np.asarray(_numbers(name, shape))) for name, shape in shapes.items()}
    for i in range(len(widths) - 1 if kernels else 0):
        tensors |= {f"convs.{2 * i}.conv.blur.kernel": _KERNEL.clone(), f"to_rgbs.{i}.upsample.kernel": _KERNEL.clone()}
    return tensors


def _layer(name: str, before: int, after: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{name}.conv.weight": (1, after, before, 3, 3),
        f"{name}.conv.modulation.weight": (before, W_DIM),
        f"{name}.conv.modulation.bias": (before,),
        f"{name}.noise.weight": (1,),
        f"{name}.activate.bias": (after,),
    }


def _rgb(name: str, before: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{name}.conv.weight": (1, 3, before, 1, 1),
        f"{name}.conv.modulation.weight": (before, W_DIM),
        f"{name}.conv.modulation.bias": (before,),
        f"{name}.bias": (1, 3, 1, 1),
    }


def _numbers(name: str, shape: tuple[int, ...]) -> np.ndarray:
    numbers = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
    if name.startswith("style.") and name.endswith("weight"):
        return numbers * 100
    if name.endswith("modulation.bias"):
        return 1 + numbers / 4
    return numbers / 4 if name.endswith(("bias", "noise.weight")) else numbers


def latents() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """z ``[2, 8]``, ws ``[2, 6, 8]``, the mean latent ``[8]``."""
    draw = np.random.RandomState(3)
    return tuple(torch.from_numpy(draw.standard_normal(s).astype(np.float32)) for s in ((2, 8), (2, 6, 8), (8,)))


def as_converted(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same numbers in the order of axes that the converter leaves behind."""

    def turned(name: str, tensor: torch.Tensor) -> torch.Tensor:
        if name.endswith("conv.weight"):
            return tensor.permute(3, 4, 2, 1, 0).contiguous().permute(4, 3, 2, 0, 1)
        return tensor.T.contiguous().T if tensor.ndim == 2 else tensor

    return {name: turned(name, tensor) for name, tensor in tensors.items()}


def with_notes(tensors: dict[str, torch.Tensor]) -> collections.OrderedDict:
    """As a module's ``state_dict()`` comes."""
    ordered = collections.OrderedDict(tensors)
    ordered._metadata = collections.OrderedDict({"": {"version": 1}})
    return ordered


def saved(contents: object, zipped: bool = True) -> bytes:
    stream = io.BytesIO()
    torch.save(contents, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()
