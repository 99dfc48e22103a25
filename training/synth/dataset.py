"""Reading data sets back: lazily view by view, or whole into arrays."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sat3d.errors import FileError
from sat3d.files.reading import reading

from .domain import SynthDomain
from .render_command import read_plan
from .serialise import from_json
from .shards import MEMBERS, DatasetPlan, bytes_to_normals, member_names, steps_to_depth
from .tarindex import broken_shard, tar_members

_MODES = {
    "image.png": ("RGB",), "labels.png": ("L",), "behind.png": ("L",), "depth.png": ("I;16", "I"),
    "normals.png": ("RGB",),
}  # fmt: skip
PICTURES = tuple(member.removesuffix(".png") for member in _MODES)
_FACTS = ("head", "view", "yaw_rad", "pitch_rad", "camera", "caption", "parameters", "latent")
_CONVERSIONS = {"depth": steps_to_depth, "normals": bytes_to_normals}


@dataclass(frozen=True)
class Sample:
    """One view. ``image`` [S, S, 3], ``labels`` and ``behind`` [S, S] uint8; ``depth`` [S, S] float32 world units, 0
    background; ``normals`` [S, S, 3] float32 in world axes, 0 background; ``camera`` [25], ``latent`` [Z] float32.

    Pictures that the folder was not asked for are None."""

    index: int
    head: int
    view: int
    image: np.ndarray | None
    labels: np.ndarray | None
    behind: np.ndarray | None
    depth: np.ndarray | None
    normals: np.ndarray | None
    camera: np.ndarray
    latent: np.ndarray
    yaw_rad: float
    pitch_rad: float
    caption: str
    parameters: Any


@dataclass(frozen=True)
class Arrays:
    """N views: ``images`` [N, S, S, 3], ``labels`` and ``behind`` [N, S, S] uint8, ``depth`` [N, S, S] float32 world
    units, ``normals`` [N, S, S, 3], ``cameras`` [N, 25] and ``latents`` [N, Z] float32, ``heads`` [N] int64: who is
    seen."""

    images: np.ndarray
    labels: np.ndarray
    behind: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    cameras: np.ndarray
    latents: np.ndarray
    heads: np.ndarray
    captions: list[str]
    parameters: list[Any]


class ShardFolder:
    """A data set on disk: ``len(folder)``, ``folder[i]``, ``for sample in folder``, ``folder.load()``.

    ``pictures``: those of a view that are decoded, all by default; the image alone takes a fifth of the time.

    Raises:
        FileError: not a data set, another version of the domain, a shard missing (render again to complete it).
    """

    def __init__(self, path: str | os.PathLike, pictures: Sequence[str] = PICTURES):
        self.path, self.pictures = Path(path), tuple(pictures)
        self.plan: DatasetPlan = read_plan(self.path)
        self.domain: SynthDomain = self.plan.kind
        self._places: dict[int, np.ndarray] = {}
        if self.plan.domain != self.domain.id:
            got, wanted = self.plan.domain, self.domain.id
            raise FileError("The data set is of another version of the domain", got, wanted, "render anew")
        self.shards = [self.path / self.plan.shard_name(shard) for shard in range(self.plan.shard_count)]
        if missing := [shard.name for shard in self.shards if not shard.is_file()]:
            raise FileError(
                "The data set is not complete",
                f"{len(missing)} of {len(self.shards)} shards missing, the first {missing[0]}",
                "all shards",
                "run the same render command again; it keeps what is there",
            )

    def __len__(self) -> int:
        return self.plan.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(index)  # what lets Python iterate, and what callers of a sequence expect
        shard, row = divmod(index, self.plan.heads_per_shard * self.plan.views)
        if shard not in self._places:
            self._places[shard] = _member_places(self.shards[shard], self.plan, shard)
        with reading(self.shards[shard]), self.shards[shard].open("rb") as stream:
            return _read_view(stream, self._places[shard][row], index, self.plan, self.pictures)

    def __iter__(self) -> Iterator[Sample]:
        return (self[index] for index in range(len(self)))

    def load(self, count: int | None = None) -> Arrays:
        """The first ``count`` views, or all of them, in memory, with all their pictures."""
        whole = self if self.pictures == PICTURES else ShardFolder(self.path)
        total = len(self) if count is None else min(count, len(self))
        size = self.plan.size
        arrays = Arrays(
            images=np.empty((total, size, size, 3), np.uint8),
            labels=np.empty((total, size, size), np.uint8),
            behind=np.empty((total, size, size), np.uint8),
            depth=np.empty((total, size, size), np.float32),
            normals=np.empty((total, size, size, 3), np.float32),
            cameras=np.empty((total, 25), np.float32),
            latents=np.empty((total, self.plan.people.z_dim), np.float32),
            heads=np.empty(total, np.int64),
            captions=[],
            parameters=[],
        )
        for index in range(total):
            _store(arrays, index, whole[index])
        return arrays


def _store(arrays: Arrays, index: int, sample: Sample) -> None:
    arrays.images[index], arrays.labels[index], arrays.behind[index] = sample.image, sample.labels, sample.behind
    arrays.depth[index], arrays.cameras[index], arrays.latents[index] = sample.depth, sample.camera, sample.latent
    arrays.heads[index], arrays.normals[index] = sample.head, sample.normals
    arrays.captions.append(sample.caption)
    arrays.parameters.append(sample.parameters)


def _member_places(path: Path, plan: DatasetPlan, shard: int) -> np.ndarray:
    """[views, members, 2]: start and length in bytes of each member. The members must be exactly those expected."""
    found = tar_members(path)
    wanted = [name for index in plan.indices(shard) for name in member_names(index)]
    if list(found) != wanted:
        strange = next(
            (name for name in found if name not in wanted), f"{len(found)} members in place of {len(wanted)}"
        )
        raise broken_shard(path, strange, "the members that the data set's settings give")
    return np.array(list(found.values())).reshape(-1, len(MEMBERS), 2)


def _read_view(
    stream: io.BufferedIOBase, places: np.ndarray, index: int, plan: DatasetPlan, wanted: Sequence[str]
) -> Sample:
    contents = {}
    for name, member, (start, size) in zip(member_names(index), MEMBERS, places.tolist(), strict=True):
        if member in _MODES and member.removesuffix(".png") not in wanted:
            continue
        stream.seek(start)
        contents[member] = (name, stream.read(size))
    facts = _read_facts(*contents["json"], plan.people.z_dim)
    if (facts["head"], facts["view"]) != divmod(index, plan.views):
        raise FileError(
            "A view is not the one its name says", f"{index:08d}: head {facts['head']}", None, "render anew"
        )
    pictures = {
        name: _CONVERSIONS.get(name, np.asarray)(_decode(*contents[f"{name}.png"], f"{name}.png", plan))
        for name in wanted
    }
    return _sample(index, facts, pictures, plan.kind)


def _sample(index: int, facts: Mapping, pictures: Mapping[str, np.ndarray], domain: SynthDomain) -> Sample:
    return Sample(
        index=index,
        head=facts["head"],
        view=facts["view"],
        **{name: pictures.get(name) for name in PICTURES},
        camera=facts["camera"],
        latent=facts["latent"],
        yaw_rad=float(facts["yaw_rad"]),
        pitch_rad=float(facts["pitch_rad"]),
        caption=str(facts["caption"]),
        parameters=domain.parameters_of(facts, f"{index:08d}.json"),
    )


def _read_facts(name: str, data: bytes, z_dim: int) -> dict:
    facts = from_json(data, name)
    if missing := [key for key in _FACTS if key not in facts]:
        raise FileError("A view's facts are not complete", f"{name} lacks {missing}", ", ".join(_FACTS), "render anew")
    for key, length in (("camera", 25), ("latent", z_dim), ("yaw_rad", None), ("pitch_rad", None)):
        facts[key] = _floats(facts[key], length, f"{name}: {key}")
    return facts


def _floats(values: object, length: int | None, name: str) -> np.ndarray:
    """``values`` as float32 [length], or a scalar where ``length`` is None."""
    try:
        array = np.asarray(values, np.float32)
    except (TypeError, ValueError, OverflowError):
        array = np.array(np.nan)
    if array.shape != (() if length is None else (length,)) or not np.isfinite(array).all():
        raise FileError("A view's facts are damaged", name, f"{length or 1} finite numbers", "render anew")
    return array


def _decode(name: str, data: bytes, member: str, plan: DatasetPlan) -> np.ndarray:
    size, last = plan.size, len(plan.kind.labels) - 1
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            if picture.size != (size, size) or picture.mode not in _MODES[member]:
                raise ValueError(f"{picture.mode}, {picture.size[0]} × {picture.size[1]} pixels")
            pixels = np.asarray(picture)
    except Exception as error:  # Pillow raises many kinds on damaged files
        wanted = f"a PNG of mode {_MODES[member][0]}, {size} × {size} pixels"
        raise FileError("A picture of the data set is damaged", f"{name} ({error})", wanted, "render anew") from error
    if member in ("labels.png", "behind.png") and pixels.max() > last:
        raise FileError("A label picture holds an unknown label", f"{name}: {pixels.max()}", f"0 to {last}")
    return pixels
