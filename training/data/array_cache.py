"""Arrays on disk, made once of something slower to read, which trainings map into memory and share."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock

from sat3d.errors import FileError
from sat3d.files.errors import write_error
from sat3d.files.writing import make_folder, write_text

Shapes = Mapping[str, tuple[type, tuple[int, ...]]]  # name -> dtype, shape


class ArrayCache:
    """A folder with the arrays ``shapes``, of what ``facts`` say; ``name``: of the file that keeps the facts.

    Example:
        >>> with cache.locked():
        ...     if not cache.is_filled():
        ...         with cache.filling() as arrays:
        ...             fill(arrays)
        ...     arrays = cache.load()

    Raises:
        FileError: the folder cannot be made or written, holds files of others, or has no room for the arrays.
    """

    def __init__(self, folder: Path, name: str, facts: Mapping[str, object], shapes: Shapes):
        self.folder, self.shapes = folder, shapes
        self._facts_file, self._lock_file = folder / f"{name}.json", folder / f"{name}.lock"
        self.facts = json.loads(json.dumps(facts))
        self._bytes = sum(math.prod(shape) * np.dtype(dtype).itemsize for dtype, shape in shapes.values())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time; others wait, and find the arrays there."""
        make_folder(self.folder)
        lock = FileLock(self._lock_file)
        with self._writing():
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def is_filled(self) -> bool:
        """Whether the arrays are there, complete and of the same facts."""
        try:
            return json.loads(self._facts_file.read_text(encoding="utf-8")) == self.facts
        except (OSError, ValueError):
            return False

    def load(self) -> dict[str, np.ndarray]:
        """The arrays; what is written into them stays in memory.

        Raises:
            FileError: damaged.
        """
        try:
            return {name: np.load(self._path(name), mmap_mode="c") for name in self.shapes}
        except (OSError, ValueError) as error:
            got, step = f"{self.folder} ({error})", f"delete its {self._facts_file.name}, and they are made anew"
            raise FileError("The packed data are damaged", got, "the arrays as they were packed", step) from error

    @contextmanager
    def filling(self) -> Iterator[dict[str, np.ndarray]]:
        """Room for the arrays. The facts come last, so that a folder without them is known to be unfinished."""
        self._empty()
        with self._writing():
            # A mapped file that finds no room on the way ends the process without a word.
            if self._bytes > shutil.disk_usage(self.folder).free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            arrays = {
                name: np.lib.format.open_memmap(self._path(name), "w+", dtype, shape)
                for name, (dtype, shape) in self.shapes.items()
            }
            yield arrays
            for array in arrays.values():
                array.flush()
            write_text(self._facts_file, json.dumps(self.facts))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npy"

    def _empty(self) -> None:
        """Make the folder, or remove what an earlier filling left there, and that alone."""
        ours = [self._facts_file, *map(self._path, self.shapes)]
        names = {path.name for path in (*ours, self._lock_file)}
        others = sorted({path.name for path in make_folder(self.folder).iterdir()} - names)
        if others:
            got, step = f"{self.folder} with {', '.join(others[:4])}", "choose another folder (--cache)"
            raise FileError("The folder for packed data holds other files", got, "an empty or a new folder", step)
        with self._writing():
            for path in ours:
                path.unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_error(self._facts_file, error, self._bytes) from error
