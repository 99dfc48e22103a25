"""Codes of other programs: the w or w+ that a projector has found for a photo, in the files that they write.

Facts about such files: EG3D-projector writes ``.npy`` arrays [1, rows, 512] of float32, PanoHead's and SphereHead's
projectors an ``.npz`` with one array ``w``, PTI a tensor by ``torch.save``. Truncation is not applied to a code.
"""

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .camera import LABEL_SIZE
from .errors import FileError
from .files.reading import read_bytes
from .foreign.npy import MAGIC, NoArray, npz_member, npz_members, read_npy
from .foreign.state_dict import TENSOR_GLOBALS
from .foreign.tensors import read_small
from .foreign.torch_file import is_torch_file, read_torch
from .foreign.values import TensorView, describe
from .generators import LoadedGenerator, StyleGenerator
from .inversion.delta import difference_of
from .latent import Latent

SUFFIXES = (".npy", ".npz", ".pt", ".pth")
_WANTED = "numbers [rows, w_dim] of one face, as .npy, as .npz with an array w, or as a tensor of torch.save"
_MOST_BYTES = 1 << 26
_ARRAY = "w"  # in an .npz


def read_code(path: str | os.PathLike) -> Tensor:
    """The numbers of a file, in its own shape, float32.

    Raises:
        FileError: missing, damaged, of another kind, not numbers, NaN or infinite. HostileFileError: it asks for code
            to be run.
    """
    path = Path(path)
    data = memoryview(read_bytes(path, _WANTED, _MOST_BYTES))
    try:
        code = _read(data, path.name)
    except NoArray as error:
        raise _no_code(path.name, str(error)) from None
    if not torch.isfinite(code).all():
        raise _no_code(path.name, "NaN or infinite numbers")
    return code


def _read(data: memoryview, name: str) -> Tensor:
    if bytes(data[:6]) == MAGIC:
        return _read_array(data)
    if members := npz_members(data):
        return _read_array(_array_of(data, members))
    if is_torch_file(data):
        return _read_tensor(data, name)
    raise _no_code(name, f"it begins with {bytes(data[:8])!r}")


def code_of(code: Tensor, network: StyleGenerator, name: str = "the code") -> Tensor:
    """``code`` as ``ws [B, L, w_dim]`` of ``network``: one w is taken for all rows.

    Raises:
        FileError: it has another number of rows or of numbers a row.
    """
    config = network.config.backbone
    if code.numel() == LABEL_SIZE and config.w_dim != LABEL_SIZE:
        raise FileError(
            "This is a camera, not a face", f"{name} of {LABEL_SIZE} numbers", _WANTED, "choose the file of the code"
        )
    if code.ndim not in (1, 2, 3) or code.shape[-1] != config.w_dim:
        raise _misfit(name, code, network)
    ws = code.reshape(1, 1, -1) if code.ndim == 1 else code[None] if code.ndim == 2 else code
    if ws.shape[1] == 1:
        ws = ws.expand(-1, config.num_ws, -1)
    if ws.shape[1] != config.num_ws or not len(ws):
        raise _misfit(name, code, network)
    return ws.contiguous()


def latent_of(ws: Tensor, network: StyleGenerator, fingerprint: str, name: str = "") -> Latent:
    """``ws [B, L, w_dim]`` of ``network`` as faces, seen from the front."""
    with torch.inference_mode(False), torch.no_grad():
        styles = network.styles(ws.to(network.device)).cpu()
    return Latent(styles, network.rig.label(), fingerprint, network.layout.fingerprint, name=name)


def tuned_latent_of(ws: Tensor, base: LoadedGenerator, tuned: LoadedGenerator, name: str = "") -> Latent:
    """``ws [B, L, w_dim]`` as faces of ``tuned``, which ``base`` shows too: what ``tuned`` has beyond it goes along as
    a difference of weights, where that is smaller than the network; else the faces are for ``tuned`` itself.

    Raises:
        LayoutError: networks of two layouts.
    """
    latent = latent_of(ws, tuned.network, tuned.fingerprint, name)
    latent.check_layout(base.network.layout)
    difference = difference_of(base.network, tuned.network)
    if difference is None:
        return latent
    return replace(latent, generator_fingerprint=base.fingerprint, tuned=difference)


def _misfit(name: str, code: Tensor, network: StyleGenerator) -> FileError:
    config = network.config.backbone
    return FileError(
        "The code does not belong to this generator",
        f"{name} of shape {list(code.shape)}",
        f"{config.num_ws} rows (or one) of {config.w_dim} numbers",
        "use it with the network that it was found for",
    )


def _no_code(name: str, got: str) -> FileError:
    return FileError("The file holds no code of a face", f"{name}: {got}", _WANTED, "choose another file")


def _array_of(data: memoryview, members: Sequence[str]) -> memoryview:
    wanted = f"{_ARRAY}.npy" if len(members) != 1 else members[0]
    if wanted not in members:
        raise NoArray(f"arrays {', '.join(members[:5])}")
    return npz_member(data, wanted, _MOST_BYTES)


def _read_array(data: memoryview) -> Tensor:
    return torch.from_numpy(read_npy(data).astype(np.float32))


def _read_tensor(data: memoryview, name: str) -> Tensor:
    contents = read_torch(data, TENSOR_GLOBALS)
    if type(contents) is dict and len(contents) == 1:
        contents = next(iter(contents.values()))
    if type(contents) is not TensorView:
        raise _no_code(name, describe(contents))
    if math.prod(contents.size) > _MOST_BYTES:
        raise _no_code(name, f"a tensor of shape {list(contents.size)}")
    return torch.from_numpy(read_small(data, contents, contents.size, name))
