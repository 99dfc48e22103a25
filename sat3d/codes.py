"""Codes of other programs: the w or w+ that a projector has found for a photo, in the files that they write.

Facts about such files: EG3D-projector writes ``.npy`` arrays [1, rows, 512] of float32, PanoHead's and SphereHead's
projectors an ``.npz`` with one array ``w``, PTI a tensor by ``torch.save``. Truncation is not applied to a code.
"""

import math
import os
import re
import zlib
from dataclasses import replace
from pathlib import Path
from zipfile import ZIP_DEFLATED

import numpy as np
import torch
from torch import Tensor

from .camera import LABEL_SIZE
from .errors import FileError
from .files.reading import read_bytes
from .foreign.archives import ZIP, entries_of, place_of
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
# The header of an .npy: a Python dictionary as text, which is matched here and never evaluated.
_MAGIC = b"\x93NUMPY"
_HEADER = re.compile(
    r"\{'descr': '([<>|=]?)([a-zA-Z])([0-9]*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \} *\n?"
)
_MAX_AXES = 4


def read_code(path: str | os.PathLike) -> Tensor:
    """The numbers of a file, in its own shape, float32.

    Raises:
        FileError: missing, damaged, of another kind, not numbers, NaN or infinite. HostileFileError: it asks for code
            to be run.
    """
    path = Path(path)
    data = memoryview(read_bytes(path, _WANTED, _MOST_BYTES))
    if bytes(data[:6]) == _MAGIC:
        code = _read_npy(data, path.name)
    elif bytes(data[:4]) == ZIP and any(entry.filename.endswith(".npy") for entry in entries_of(data)):
        code = _read_npy(_array_of(data, path.name), path.name)
    elif is_torch_file(data):
        code = _read_tensor(data, path.name)
    else:
        raise _no_code(path.name, f"it begins with {bytes(data[:8])!r}")
    if not torch.isfinite(code).all():
        raise _no_code(path.name, "NaN or infinite numbers")
    return code


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


def _array_of(data: memoryview, name: str) -> memoryview:
    entries = {entry.filename: entry for entry in entries_of(data)}
    wanted = f"{_ARRAY}.npy" if len(entries) != 1 else next(iter(entries))
    if wanted not in entries:
        raise _no_code(name, f"arrays {', '.join(list(entries)[:5])}")
    entry = entries[wanted]
    if entry.compress_type == ZIP_DEFLATED:
        packed = data[slice(*place_of(data, entry, compressed=True))]
        try:
            return memoryview(zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, _MOST_BYTES))
        except zlib.error as error:
            raise _no_code(name, f"its archive is damaged ({error})") from None
    return data[slice(*place_of(data, entry))]


def _read_npy(data: memoryview, name: str) -> Tensor:
    version, width = data[6] if len(data) > 12 else 0, 2
    if version not in (1, 2, 3):
        raise _no_code(name, "the header of its array is cut off, or of an unknown kind")
    width = 2 if version == 1 else 4
    length = int.from_bytes(data[8 : 8 + width], "little")
    start = 8 + width + length
    header = _HEADER.fullmatch(bytes(data[8 + width : min(start, len(data))]).decode("latin1"))
    if header is None:
        raise _no_code(name, "the header of its array is damaged, or of records")
    order, kind, size, by_columns, shape = header.groups()
    if kind != "f" or size not in ("2", "4", "8"):
        raise _no_code(name, f"an array of type {kind}{size}, not of floating-point numbers")
    sizes = tuple(int(number) for number in shape.replace(",", " ").split())
    count = math.prod(sizes)
    if len(sizes) > _MAX_AXES or len(data) - start != count * int(size):
        raise _no_code(name, f"{len(data) - start} bytes for an array of shape {list(sizes)}: it is damaged")
    array = np.frombuffer(data[start:], f"{'>' if order == '>' else '<'}f{size}").astype(np.float32)
    return torch.from_numpy(array.reshape(sizes, order="F" if by_columns == "True" else "C").copy())


def _read_tensor(data: memoryview, name: str) -> Tensor:
    contents = read_torch(data, TENSOR_GLOBALS)
    if type(contents) is dict and len(contents) == 1:
        contents = next(iter(contents.values()))
    if type(contents) is not TensorView:
        raise _no_code(name, describe(contents))
    if math.prod(contents.size) > _MOST_BYTES:
        raise _no_code(name, f"a tensor of shape {list(contents.size)}")
    return torch.from_numpy(read_small(data, contents, contents.size, name))
