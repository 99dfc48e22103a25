"""Rows of a large array on disk by plain reads: a page that is missing from a mapped file brings megabytes with it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sat3d.errors import FileError


class RowFile:
    """An ``.npy`` file of which any rows can be read; its first ``leading`` dimensions count them.

    Raises:
        FileError: it cannot be opened, or is none.
    """

    def __init__(self, path: Path, leading: int = 1):
        try:
            mapped = np.load(path, mmap_mode="r")
            self._stream = path.open("rb", buffering=0)  # for as long as the pack is
        except (OSError, ValueError) as error:
            raise FileError(
                "The packed data cannot be read", f"{path} ({error})", "an array, as it was packed"
            ) from error
        self.path, self.dtype, self.shape = path, mapped.dtype, mapped.shape[leading:]
        self._start, self._row_bytes = mapped.offset, mapped.strides[leading - 1]
        if hasattr(os, "posix_fadvise"):  # rows lie apart: what comes after one is not wanted
            os.posix_fadvise(self._stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM)

    def read(self, rows: Tensor) -> Tensor:
        """``rows [B]`` -> ``[B, …]`` in memory of its own; unsigned words as signed ones (torch has no others).

        Raises:
            FileError: the file has become shorter.
        """
        found = np.empty((len(rows), *self.shape), self.dtype)
        for place, row in zip(found, rows.tolist(), strict=True):
            self._stream.seek(self._start + row * self._row_bytes)
            if self._stream.readinto(place.reshape(-1).view(np.uint8)) != self._row_bytes:
                raise FileError("The packed data have become shorter", self.path, "the array as it was packed")
        return torch.from_numpy(found.view(np.int16) if self.dtype == np.uint16 else found)
