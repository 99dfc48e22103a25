"""A rendered data set as flat arrays on disk, decoded once: any pixel of any head can then be read at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.errors import FileError
from training.synth.dataset import ShardFolder
from training.synth.learning import Learning
from training.synth.shards import DEPTH_PER_UNIT, DatasetPlan

from .array_cache import ArrayCache, Shapes
from .pixel_weights import pixel_weights
from .row_file import RowFile
from .seen_faces import whole_heads

SCHEMA = "sat3d-packed-heads/3"
_THREADS = min(8, os.cpu_count() or 2)
_LARGE = ("image", "weight", "depth")
_ARRAYS = (*_LARGE, "camera")


@dataclass(frozen=True)
class HeadPack:
    """n heads (or other things) of V views: pictures, depths and cameras alone; whatever else is known is left out.

    ``image [n, V, H, W, 3]`` uint8; ``weight`` (how much a pixel deserves to be drawn) ``[n, V, H, W]`` uint8; ``depth
    [n, V, H, W]`` uint16 in 1/20000 world unit along the ray, 0 in the background; ``camera [n, V, 25]``.
    ``learning``: sizes and places that the domain names. ``faces [n, V, D]``: what an encoder is told of the faces in
    the pictures by its look at them, if it has one. ``files``: where the arrays are read from, unless they are in
    memory.
    """

    image: Tensor
    weight: Tensor
    depth: Tensor
    camera: Tensor
    learning: Learning
    faces: Tensor | None = None
    files: Mapping[str, RowFile] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.camera)

    @property
    def views(self) -> int:
        return self.image.shape[1]

    @property
    def size(self) -> int:
        return self.image.shape[2]

    def to(self, device: torch.device) -> HeadPack:
        """All arrays on ``device`` (a GPU's memory holds some tens of thousands of heads)."""
        return replace(self, files={}, **{name: getattr(self, name).to(device) for name in _ARRAYS})

    def some(self, heads: Tensor) -> HeadPack:
        """A copy of ``heads [B]`` alone, read at once: pixel after pixel would wait for the disk."""
        rows = (heads[:, None] * self.views + torch.arange(self.views, device=heads.device)).flatten()
        parts = {name: self._views(name, rows).unflatten(0, (len(heads), self.views)) for name in _ARRAYS}
        return replace(self, faces=None, files={}, **parts)

    def pictures(self, heads: Tensor, view: int | Tensor = 0) -> Tensor:
        """``heads [B]``, one view of all or of each ``[B]`` -> ``[B, 3, S, S]`` float32 in -1..1."""
        return self._views("image", heads * self.views + view).permute(0, 3, 1, 2).float() / 127.5 - 1

    def _views(self, name: str, rows: Tensor) -> Tensor:
        """Of an array, some of all n · V views."""
        if name in self.files:
            return self.files[name].read(rows)
        return getattr(self, name).flatten(0, 1)[rows]

    def told(self, heads: Tensor, view: int | Tensor, device: torch.device) -> Tensor | None:
        """``[B, D]``: what an encoder is told of the faces in :meth:`pictures`; None if it is told nothing."""
        if self.faces is None:
            return None
        return self.faces.flatten(0, 1)[(heads * self.views + view).to(self.faces.device)].to(device)

    def read_depth(self, index: Tensor) -> Tensor:
        """Depths in world units at flat positions of ``[n · V · H · W]``; 0 in the background."""
        return (self.depth.reshape(-1)[index].int() & 0xFFFF).float() / DEPTH_PER_UNIT


def open_pack(data: Path | Sequence[Path], cache: Path | None = None) -> HeadPack:
    """The packed heads of one or several data sets, packed now if they are not yet.

    ``cache``: where they go; None: inside the first.

    Raises:
        FileError: not a complete data set, data sets of different pictures, or the cache cannot be written.
    """
    folders = [ShardFolder(path, ("image", "depth")) for path in ([data] if isinstance(data, Path) else data)]
    if not folders:
        raise FileError("No data set is named", "--data without a folder", "one or several data sets", "name one")
    kinds = {(folder.plan.size, folder.plan.views, folder.plan.domain) for folder in folders}
    if len(kinds) > 1:
        wanted = "one domain, one size of picture and one number of views of each head"
        raise FileError("The data sets do not go together", sorted(kinds), wanted, "render them alike")
    places = [(folder, i) for folder in folders for i in range(whole_heads(folder))]
    facts = {"schema": SCHEMA, "data": [folder.plan.to_dict() for folder in folders]}
    kept = ArrayCache(cache or folders[0].path / "packed", "pack", facts, _shapes(len(places), folders[0].plan))
    if not kept.is_filled():
        with kept.filling() as arrays:
            _pack(places, folders[0].plan.views, arrays)
    arrays = kept.load()
    arrays["depth"] = arrays["depth"].view(np.int16)  # torch indexes no uint16
    learning = folders[0].domain.learning
    files = {name: RowFile(Path(arrays[name].filename), leading=2) for name in _LARGE}
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return HeadPack(**tensors, learning=learning, files=files)


def _shapes(count: int, plan: DatasetPlan) -> Shapes:
    views = (count // plan.views, plan.views)
    picture = (*views, plan.size, plan.size)
    return {
        "image": (np.uint8, (*picture, 3)),
        "weight": (np.uint8, picture),
        "depth": (np.uint16, picture),
        "camera": (np.float32, (*views, 25)),
    }


def _pack(places: Sequence[tuple[ShardFolder, int]], views: int, arrays: dict[str, np.ndarray]) -> None:
    with (
        ThreadPoolExecutor(_THREADS) as pool,
        tqdm(total=len(places), desc="packing", unit="img", mininterval=2) as bar,
    ):
        for number, packed in enumerate(_ordered(pool, places)):
            for name, values in packed.items():
                arrays[name][divmod(number, views)] = values
            bar.update()


def _ordered(
    pool: ThreadPoolExecutor, views: Sequence[tuple[ShardFolder, int]], ahead: int = 64
) -> Iterator[dict[str, np.ndarray]]:
    """What is packed of each view, in order, some decoded ahead of the reader."""
    running: list[Future] = []
    for folder, index in views:
        running.append(pool.submit(_packed, folder, index))
        if len(running) >= ahead:
            yield running.pop(0).result()
    for future in running:
        yield future.result()


def _packed(folder: ShardFolder, index: int) -> dict[str, np.ndarray]:
    seen = folder[index]  # of which pictures, depth and camera alone are taken
    return {
        "image": seen.image,
        "weight": pixel_weights(seen.image, seen.depth, seen.camera, folder.domain.learning.places),
        "depth": np.rint(seen.depth * DEPTH_PER_UNIT).astype(np.uint16),
        "camera": seen.camera,
    }
