"""From tensor views to tensors: check first, for all of them and without reading, then copy out."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from ..errors import FileError
from .values import Shape, Storage, TensorView, exhausting, unlike_official

_SHOWN = 8
_FILTER_NAME = "resample_filter"
_FILTER = np.outer([1, 3, 3, 1], [1, 3, 3, 1]).astype(np.float32) / 64
_FILTER_TOLERANCE = 1e-6


def check_tensors(found: Mapping[str, TensorView], expected: Mapping[str, Shape], file_bytes: int) -> None:
    """Compare names, shapes, types and bounds; nothing is read.

    Raises:
        FileError: names every tensor that is missing, unexpected, of a wrong shape or type, or out of bounds.
        HostileFileError: the tensors together are larger than the file.
    """
    extra = [name for name in found if name not in expected and not _is_constant(name)]
    problems = [f"{name} is missing" for name in expected if name not in found]
    problems += [f"{name} is unexpected" for name in extra]
    problems += [
        f"{name} {problem}"
        for name, shape in expected.items()
        if name in found and (problem := _problem(found[name], shape))
    ]
    if problems:
        raise FileError(
            "The network's tensors do not match its configuration",
            _capped(problems),
            "a network of the published architecture, complete and unchanged",
            "use the network as its training code saved it; modified architectures cannot be converted",
        )
    if sum(_bytes(found[name]) for name in expected) > file_bytes:
        raise exhausting("describes more data than it holds", f"a file of {file_bytes} bytes")


def _is_constant(name: str) -> bool:
    return name == "dataset_label_std" or name.rpartition(".")[2] == _FILTER_NAME


def _problem(view: TensorView, shape: Shape) -> str | None:
    if view.size != shape:
        return f"has shape {list(view.size)} instead of {list(shape)}"
    if view.storage.code is None:
        return f"holds {view.storage.type_name}, not floating-point numbers"
    if any(size > 1 and stride == 0 for size, stride in zip(view.size, view.stride, strict=True)):
        return "repeats its elements (stride 0)"
    last = view.offset + sum((size - 1) * stride for size, stride in zip(view.size, view.stride, strict=True))
    return None if last < view.storage.count else f"goes past its storage of {view.storage.count} elements"


def _bytes(view: TensorView) -> int:
    return int(np.prod(view.size, dtype=np.int64)) * _dtype(view.storage).itemsize


def _dtype(storage: Storage) -> np.dtype:
    return np.dtype("<u2" if storage.code == "bf16" else storage.code)


def _capped(problems: list[str]) -> str:
    more = len(problems) - _SHOWN
    return "; ".join(problems[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def read_tensors(
    data: memoryview, found: Mapping[str, TensorView], names: list[str], report: Callable[[int], None]
) -> dict[str, Tensor]:
    """Copy the named (checked) tensors out as float32; ``report`` gets the bytes made so far.

    Raises:
        FileError: naming every tensor that holds NaN or infinity.
    """
    tensors, broken, done = {}, [], 0
    for name in names:
        array = _read(data, found[name])
        if not np.isfinite(array).all():
            broken.append(name)
        tensors[name] = torch.from_numpy(array)
        done += array.nbytes
        report(done)
    if broken:
        raise FileError(
            "The network holds values that are not finite",
            _capped(broken),
            "finite weights",
            "use an earlier snapshot of the training",
        )
    return tensors


def _read(data: memoryview, view: TensorView) -> np.ndarray:
    """Memory of its own, C order, native float32; the caller has checked bounds and type."""
    content, dtype = view.storage.content, _dtype(view.storage)
    flat = np.frombuffer(data[content.start : content.end], dtype)[view.offset :]
    strides = [stride * dtype.itemsize for stride in view.stride]
    window = np.lib.stride_tricks.as_strided(flat, view.size, strides, writeable=False)
    if view.storage.code == "bf16":
        bits = np.array(window, dtype=np.uint32, order="C")
        return np.left_shift(bits, 16, out=bits).view(np.float32)
    with np.errstate(over="ignore"):  # too large for float32 becomes infinity, which is refused above
        return np.array(window, dtype=np.float32, order="C")


def read_small(data: memoryview, view: TensorView, shape: Shape, name: str) -> np.ndarray:
    """One checked tensor that is not a weight.

    Raises:
        FileError: of another shape or type, out of bounds, or not finite.
    """
    problem = _problem(view, shape)
    array = None if problem else _read(data, view)
    if array is None or not np.isfinite(array).all():
        raise unlike_official(f"{name} {problem or 'is not finite'}")
    return array


def check_filters(data: memoryview, found: Mapping[str, TensorView]) -> None:
    """The resampling filters are buffers in the file but constants here: they must be the ones we compute with.

    Raises:
        FileError: naming a filter that is not outer([1, 3, 3, 1]) / 64.
    """
    for name, view in found.items():
        if name.rpartition(".")[2] != _FILTER_NAME:
            continue
        if np.abs(read_small(data, view, (4, 4), name) - _FILTER).max() > _FILTER_TOLERANCE:
            raise FileError(
                "The network resamples with another filter than the published ones",
                name,
                "outer([1, 3, 3, 1]) / 64",
                "such networks are not supported",
            )
