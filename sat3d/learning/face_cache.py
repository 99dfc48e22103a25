"""Faces measured once: styles, cameras, QMM scores, pictures and labels, kept in a folder of small files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor

from ..errors import FileError
from ..files.safetensors_io import open_safetensors, parse_json, read_header, write_tensors
from ..files.writing import make_folder, write_text

SCHEMA = "sat3d-mask-pairs/1"
_SETTINGS = "settings.json"


@dataclass(frozen=True)
class Pairs:
    """N sampled (z, camera) pairs and all that training asks of them, so that it is computed once.

    ``camera`` is ``[N, 0]`` for flat generators, ``labels`` ``[N, 0, 0]`` where nothing is parsed.
    """

    styles: Tensor  # [N, S] float32
    camera: Tensor  # [N, 25] float32
    scores: Tensor  # [N, K] float32, QMM
    images: Tensor  # [N, 3, p, p] float16, about -1..1
    labels: Tensor  # [N, p, p] uint8

    def __len__(self) -> int:
        return len(self.styles)

    def select(self, index: Tensor, device: torch.device | str | None = None) -> Pairs:
        """Those with the numbers ``index``, on ``device``."""
        return Pairs(*(getattr(self, item.name)[index].to(device or self.styles.device) for item in fields(self)))

    @property
    def mib(self) -> float:
        return sum(getattr(self, item.name).nbytes for item in fields(self)) / 2**20


def join(parts: list[Pairs]) -> Pairs:
    return Pairs(*(torch.cat([getattr(part, item.name) for part in parts]) for item in fields(Pairs)))


@dataclass(frozen=True)
class Drawn:
    """How far drawing has got: ``candidates`` looked at, and how many kept pictures lack each quota's label."""

    candidates: int = 0
    lacking: Mapping[str, int] | None = None


class PairFolder:
    """Chunks of pairs beside the masks; each appears whole or not at all, so that a kill costs one chunk."""

    def __init__(self, folder: Path, settings: Mapping[str, object]):
        self.folder, self.settings = folder, json.loads(json.dumps(settings))

    def open(self) -> None:
        """Make the folder, or check that what is in it was made with the same settings.

        Raises:
            FileError: it holds other pairs, or cannot be made.
        """
        path = self.folder / _SETTINGS
        if not path.exists():
            make_folder(self.folder)
            write_text(path, json.dumps(self.settings, indent=1) + "\n")
            return
        self._check(path)

    def _check(self, path: Path) -> None:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            names = sorted(found.keys() | self.settings.keys())
        except (OSError, ValueError, AttributeError) as error:
            raise FileError("The folder of pairs is damaged", f"{path} ({error})", None, "delete the folder") from error
        other = [
            f"{name}: {found.get(name)!r} there, {self.settings.get(name)!r} asked"
            for name in names
            if found.get(name) != self.settings.get(name)
        ]
        if other:
            raise FileError(
                "The folder holds pairs of other settings",
                f"{self.folder}: {'; '.join(other)}",
                "the same generator, domain, models, view and seed",
                "choose another name for what is learned, or delete the folder",
            )

    def path_of(self, number: int) -> Path:
        return self.folder / f"pairs-{number:05d}.safetensors"

    def write(self, number: int, pairs: Pairs, drawn: Drawn) -> None:
        header = {"schema": SCHEMA, "candidates": str(drawn.candidates), "lacking": json.dumps(drawn.lacking or {})}
        write_tensors(self.path_of(number), {item.name: getattr(pairs, item.name) for item in fields(pairs)}, header)

    def read(self, number: int) -> tuple[Pairs, Drawn] | None:
        """Chunk ``number`` and how far drawing was after it; None if it is not there.

        Raises:
            FileError: damaged.
        """
        path = self.path_of(number)
        if not path.exists():
            return None
        header = read_header(path, SCHEMA, "a chunk of sampled pairs", f"delete {path.name}")
        with open_safetensors(path) as stream:  # in the precision they were written in
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
        try:
            drawn = Drawn(int(header["candidates"]), dict(parse_json(header, "lacking", path)))
            return Pairs(**tensors), drawn
        except (TypeError, KeyError, ValueError) as error:
            raise FileError("A chunk of pairs is damaged", f"{path} ({error})", None, "delete it") from error
