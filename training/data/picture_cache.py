"""Decoded pictures of data sets as flat files, which trainings map into memory and share."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from sat3d.files.errors import write_error
from sat3d.files.writing import make_folder, write_text

SCHEMA = "sat3d-pictures/1"
_FACTS, _LOCK = "pictures.json", "pictures.lock"
_FILES = {"images.npy": (3,), "labels.npy": ()}  # name -> channels


@dataclass(frozen=True)
class Pixels:
    """``images`` [N, S, S, 3] and ``labels`` [N, S, S] uint8; ``filled``: whether they are there already."""

    images: Tensor
    labels: Tensor | None
    filled: bool = False


def pixels_in_memory(count: int, size: int, labels: bool) -> Pixels:
    """Room for ``count`` pictures."""
    made = torch.empty(count, size, size, dtype=torch.uint8) if labels else None
    return Pixels(torch.empty(count, size, size, 3, dtype=torch.uint8), made)


class PictureCache:
    """A folder with ``count`` decoded pictures of ``size`` pixels, made from what ``facts`` say.

    Example:
        >>> with cache.locked():
        ...     pixels = cache.open()
        ...     if not pixels.filled:
        ...         fill(pixels)
        ...         cache.close_filled()

    Raises:
        FileError: the folder cannot be written, or there is no room for the pictures.
    """

    def __init__(self, folder: Path, facts: Mapping[str, object], count: int, size: int):
        self.folder, self.shape, self._bytes = folder, (count, size, size), 4 * count * size * size
        self.facts = {"schema": SCHEMA, "count": count, "size": size, **facts}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time; others wait, and find the pictures there."""
        lock = FileLock(make_folder(self.folder) / _LOCK)
        with self._writing():
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def open(self) -> Pixels:
        """The pictures, or room for them."""
        filled = self._read_facts() == self.facts
        with self._writing():
            if not filled:
                (self.folder / _FACTS).unlink(missing_ok=True)
                self._make_room()
            mode = "c" if filled else "r+"
            images, labels = (torch.from_numpy(np.load(self.folder / name, mmap_mode=mode)) for name in _FILES)
        return Pixels(images, labels, filled)

    def close_filled(self) -> None:
        """Say, last of all, that the pictures are complete."""
        write_text(self.folder / _FACTS, json.dumps(self.facts))

    def _make_room(self) -> None:
        for name in _FILES:
            (self.folder / name).unlink(missing_ok=True)
        # A mapped file that finds no room ends the process without a word.
        if self._bytes > shutil.disk_usage(self.folder).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        for name, channels in _FILES.items():
            np.lib.format.open_memmap(self.folder / name, "w+", np.uint8, (*self.shape, *channels)).flush()

    def _read_facts(self) -> object:
        try:
            return json.loads((self.folder / _FACTS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_error(self.folder / _FACTS, error, self._bytes) from error
