"""A rendered data set as flat arrays on disk, decoded once: any pixel of any head can then be read at once."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.errors import FileError
from sat3d.files.errors import write_error
from sat3d.files.writing import make_folder, write_text
from training.synthheads.dataset import Sample, ShardFolder
from training.synthheads.shards import DEPTH_PER_UNIT

from .pixel_weights import pixel_weights

SCHEMA = "sat3d-packed-heads/2"

_FILE = "pack.json"
_THREADS = 2


@dataclass(frozen=True)
class HeadPack:
    """n heads of V views. Background pixels have depth 0.

    ``image [n, V, H, W, 3]`` uint8; ``label``, ``weight`` (how much a pixel deserves to be drawn) ``[n, V, H, W]``
    uint8; ``depth [n, V, H, W]`` uint16 in 1/20000 world unit along the ray; ``camera [n, V, 25]``, ``latent [n, Z]``.
    """

    image: Tensor
    label: Tensor
    weight: Tensor
    depth: Tensor
    camera: Tensor
    latent: Tensor

    def __len__(self) -> int:
        return len(self.latent)

    @property
    def views(self) -> int:
        return self.image.shape[1]

    @property
    def size(self) -> int:
        return self.image.shape[2]

    def to(self, device: torch.device) -> HeadPack:
        """All arrays on ``device`` (a GPU's memory holds some tens of thousands of heads)."""
        return HeadPack(*(getattr(self, name).to(device) for name in _ARRAYS))

    def read_depth(self, index: Tensor) -> Tensor:
        """Depths in world units at flat positions of ``[n · V · H · W]``; 0 in the background."""
        return (self.depth.reshape(-1)[index].int() & 0xFFFF).float() / DEPTH_PER_UNIT


_ARRAYS = {
    "image": (np.uint8, "{views},{size},{size},3"),
    "label": (np.uint8, "{views},{size},{size}"),
    "weight": (np.uint8, "{views},{size},{size}"),
    "depth": (np.uint16, "{views},{size},{size}"),
    "camera": (np.float32, "{views},25"),
    "latent": (np.float32, "{latent}"),
}


def open_pack(data: Path, cache: Path | None = None) -> HeadPack:
    """The packed heads of the data set in ``data``, packed now if they are not yet (``cache``: where; default inside).

    Raises:
        FileError: not a complete data set, or the cache cannot be written.
    """
    folder = ShardFolder(data)
    cache = cache or data / "packed"
    plan = {"schema": SCHEMA, **folder.plan.to_dict()}
    if not _is_packed(cache, plan):
        _pack(folder, cache, plan)
    arrays = _load(cache)
    arrays["depth"] = arrays["depth"].view(np.int16)  # torch indexes no uint16
    return HeadPack(**{name: torch.from_numpy(array) for name, array in arrays.items()})


def _load(cache: Path) -> dict[str, np.ndarray]:
    try:
        return {name: np.load(cache / f"{name}.npy", mmap_mode="c") for name in _ARRAYS}
    except (OSError, ValueError) as error:
        got, step = f"{cache} ({error})", f"delete its {_FILE}, and they are made anew"
        raise FileError("The packed data are damaged", got, "the arrays as they were packed", step) from error


def _is_packed(cache: Path, plan: dict) -> bool:
    try:
        return json.loads((cache / _FILE).read_text(encoding="utf-8")) == plan
    except (OSError, ValueError):
        return False


def _pack(folder: ShardFolder, cache: Path, plan: dict) -> None:
    """Write the arrays; ``pack.json`` comes last, so that a folder without it is known to be unfinished."""
    heads = len(folder) // folder.plan.views
    _empty(cache)
    try:
        arrays = _create(cache, heads, folder)
        views = range(heads * folder.plan.views)
        with (
            ThreadPoolExecutor(_THREADS) as pool,
            tqdm(total=len(views), desc="packing", unit="img", mininterval=2) as bar,
        ):
            for sample in _ordered(pool, folder, views):
                _store(arrays, sample)
                bar.update()
        for array in arrays.values():
            array.flush()
        write_text(cache / _FILE, json.dumps(plan))
    except OSError as error:
        raise FileError(
            "Cannot pack the data set", f"{cache} ({error})", "a writable folder with enough space", "choose --cache"
        ) from error


def _empty(cache: Path) -> None:
    """Make the folder, or remove what an earlier packing left there, and that alone.

    Raises:
        FileError: it holds anything else, which may be of value to somebody.
    """
    ours = {_FILE, *(f"{name}.npy" for name in _ARRAYS)}
    others = sorted({path.name for path in make_folder(cache).iterdir()} - ours)
    if others:
        got, step = f"{cache} with {', '.join(others[:4])}", "choose another folder (--cache)"
        raise FileError("The folder for packed data holds other files", got, "an empty or a new folder", step)
    for name in sorted(ours):
        (cache / name).unlink(missing_ok=True)


def _ordered(pool: ThreadPoolExecutor, folder: ShardFolder, indices: range, ahead: int = 64) -> Iterator[Sample]:
    """Samples in order, some decoded ahead of the reader."""
    running = []
    for index in indices:
        running.append(pool.submit(folder.__getitem__, index))
        if len(running) >= ahead:
            yield running.pop(0).result()
    for future in running:
        yield future.result()


def _create(cache: Path, heads: int, folder: ShardFolder) -> dict[str, np.memmap]:
    sizes = {"views": folder.plan.views, "size": folder.plan.size, "latent": len(folder[0].latent)}
    shapes = {name: (heads, *map(int, shape.format(**sizes).split(","))) for name, (_, shape) in _ARRAYS.items()}
    size_bytes = sum(math.prod(shape) * np.dtype(_ARRAYS[name][0]).itemsize for name, shape in shapes.items())
    if shutil.disk_usage(cache).free < size_bytes:  # found out on the way, it would kill the process: mapped memory
        raise write_error(cache / _FILE, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), size_bytes)
    return {
        name: np.lib.format.open_memmap(cache / f"{name}.npy", "w+", _ARRAYS[name][0], shape)
        for name, shape in shapes.items()
    }


def _store(arrays: dict[str, np.ndarray], sample: Sample) -> None:
    place = sample.head, sample.view
    arrays["image"][place], arrays["label"][place] = sample.image, sample.labels
    arrays["depth"][place] = np.rint(sample.depth * DEPTH_PER_UNIT).astype(np.uint16)
    arrays["weight"][place] = pixel_weights(sample.image, sample.labels, sample.depth, sample.camera)
    arrays["camera"][place] = sample.camera
    arrays["latent"][sample.head] = sample.latent
