"""Writing data: things as members of tar files whose bytes depend on nothing but the data set's settings.

A shard holds a fixed number of things (called heads in its files, whatever they are), so who writes it, and beside how
many others, does not matter. For each view it has ``NNNNNNNN.image.png`` (sRGB), ``.labels.png`` and ``.behind.png``
(label numbers of the domain; the second looks through lenses), ``.depth.png`` (16 bit: distance along the ray in
1/20000 world unit, 0 background), ``.normals.png`` (unit vectors in world axes, 127 · n + 128 in red, green and blue;
0 background) and ``.json``. NNNNNNNN is the number of the view in the whole data set: head · views + view.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sat3d.errors import ConfigError, FileError
from sat3d.files.writing import atomic_path

from .cameras import Pose
from .domain import SynthDomain, find_domain
from .looks import STYLES
from .population import Population
from .serialise import encode_png, to_dict, to_json
from .streams import SEED_LIMIT, caption_stream
from .views import render_views

if TYPE_CHECKING:
    from .render import View

DEPTH_PER_UNIT = 20000.0  # steps of the depth picture in one world unit; 65535 of them are 3.28 units
HEADS_PER_SHARD = 32
MEMBERS = ("image.png", "labels.png", "behind.png", "depth.png", "normals.png", "json")
CAMERAS = ("population", "wide")
SMALLEST_SIZE, LARGEST_SIZE = 16, 1024
_LARGEST_COUNT = 10**8  # the names have eight digits
_LARGEST_VIEWS = 64


@dataclass(frozen=True)
class DatasetPlan:
    """What a data set is: ``count`` views of ``size`` pixels, ``views`` of each thing (each head).

    ``look``: the style in which they are rendered; ``cameras``: as the population is seen, or once from the front and
    then evenly from all sides; ``domain``: its name and version.

    Raises:
        ConfigError: a number out of range, an unknown domain, population, look or kind of cameras.
    """

    seed: int
    size: int
    count: int
    views: int = 4
    heads_per_shard: int = HEADS_PER_SHARD
    population: str = "independent"
    look: str = STYLES[0]
    cameras: str = CAMERAS[0]
    domain: str = "synthheads.3"

    def __post_init__(self):
        for name, low, high in (
            ("seed", 0, SEED_LIMIT - 1),
            ("size", SMALLEST_SIZE, LARGEST_SIZE),
            ("count", 1, _LARGEST_COUNT),
            ("views", 1, _LARGEST_VIEWS),
            ("heads_per_shard", 1, 4096),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                raise ConfigError(f"{name} is out of range", value, f"a whole number from {low} to {high}")
        for name, known in (("population", tuple(self.kind.populations)), ("look", STYLES), ("cameras", CAMERAS)):
            if getattr(self, name) not in known:
                raise ConfigError(f"{name} is unknown", getattr(self, name), ", ".join(known), "choose one of these")

    @property
    def people(self) -> Population:
        return self.kind.populations[self.population]

    @property
    def kind(self) -> SynthDomain:
        """The domain itself."""
        return find_domain(self.domain)

    def draw_poses(self, head: int) -> tuple[Pose, ...]:
        """The cameras of all views of a head."""
        if self.cameras == "wide":
            others = self.people.draw_poses(self.seed, head, self.views - 1, wide=True) if self.views > 1 else ()
            return (self.kind.views.front, *others)
        return self.people.draw_poses(self.seed, head, self.views)

    @property
    def shard_count(self) -> int:
        return -(-self.count // (self.heads_per_shard * self.views))

    def shard_name(self, shard: int) -> str:
        return f"shard-{shard:06d}.tar"

    def indices(self, shard: int) -> range:
        """The numbers of the views in one shard."""
        step = self.heads_per_shard * self.views
        return range(shard * step, min((shard + 1) * step, self.count))

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def member_names(index: int) -> tuple[str, ...]:
    """The names of the files of view ``index``, in the order they are written."""
    return tuple(f"{index:08d}.{member}" for member in MEMBERS)


def write_shard(plan: DatasetPlan, shard: int, folder: Path, device: str, progress: Callable[[int], None]) -> None:
    """Render one shard; it appears whole under its name, or not at all.

    ``progress`` gets the number of views done since its last call and may raise to stop.

    Raises:
        FileError: the folder cannot be written, or the disk is full.
    """
    try:
        with atomic_path(folder / plan.shard_name(shard)) as temporary, temporary.open("wb") as stream:
            _write_tar(plan, shard, stream, device, progress)
            stream.flush()
            os.fsync(stream.fileno())  # a name that is there after a power cut must not stand for an empty file
    except FileError as error:
        again = "then run the same command again; finished shards are kept"
        raise error.with_next_step(f"{error.next_step}; {again}") from error


def _write_tar(plan: DatasetPlan, shard: int, stream: io.BufferedIOBase, device: str, progress) -> None:
    indices = plan.indices(shard)
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for head in range(indices[0] // plan.views, indices[-1] // plan.views + 1):
            done = 0
            for index, contents in head_files(plan, head, device):
                for name, data in zip(member_names(index), contents, strict=True):
                    archive.addfile(_member(name, len(data)), io.BytesIO(data))
                done += 1
            progress(done)


def _member(name: str, size: int) -> tarfile.TarInfo:
    """An entry without a time, an owner or rights of its own."""
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o644, 0
    return member


def head_files(plan: DatasetPlan, head: int, device: str) -> Iterator[tuple[int, list[bytes]]]:
    """``(number of the view, contents in the order of MEMBERS)`` of each view of a head."""
    latent = plan.people.draw_latent(plan.seed, head)
    p = plan.people.parameters(latent)
    first = head * plan.views
    poses = plan.draw_poses(head)[: plan.count - first]
    views = render_views(plan.kind, p, poses, plan.size, device, plan.look)
    for number, (pose, view) in enumerate(zip(poses, views, strict=True)):
        facts = {
            "domain": plan.domain,
            "head": head,
            "view": number,
            **_camera_facts(pose, view),
            "caption": plan.kind.caption(p, caption_stream(plan.seed, head, number)),
            "population": plan.population,
            "look": plan.look,
            **plan.kind.facts(p),
            "parameters": to_dict(p),
        }
        latent_numbers = [float(f"{float(number):.9g}") for number in latent]
        told = to_json({**facts, "latent": latent_numbers}).encode()
        yield first + number, [*view_pngs(view, plan.kind.name, facts), told]


def _camera_facts(pose: Pose, view: View) -> dict[str, object]:
    label = np.asarray(view.label_25, dtype=np.float64).reshape(25)
    return {"yaw_rad": pose.yaw_rad, "pitch_rad": pose.pitch_rad, "camera": np.round(label, 7).tolist()}


def view_pngs(view: View, key: str, facts: dict[str, object]) -> list[bytes]:
    """Image (with ``facts`` in it, under ``key``), labels, labels behind lenses, depth, normals."""
    return [
        encode_png(view.image, key, facts),
        encode_png(view.labels),
        encode_png(view.labels_behind),
        encode_png(depth_to_steps(view.depth)),
        encode_png(normals_to_bytes(view.normal)),
    ]


def normals_to_bytes(normal: np.ndarray) -> np.ndarray:
    """Unit vectors [H, W, 3] to uint8; no normal (the background) is 0, 0, 0."""
    there = np.any(normal != 0, -1, keepdims=True)
    return np.where(there, np.rint(127 * normal) + 128, 0).astype(np.uint8)


def bytes_to_normals(pixels: np.ndarray) -> np.ndarray:
    """The inverse of :func:`normals_to_bytes`, float32 of unit length."""
    vectors = np.where(np.any(pixels != 0, -1, keepdims=True), (pixels.astype(np.float32) - 128) / 127, 0)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)


def depth_to_steps(depth: np.ndarray) -> np.ndarray:
    """World units to uint16 steps; the background stays 0, and nothing else becomes 0."""
    steps = np.clip(np.rint(depth * DEPTH_PER_UNIT), 1, 65535)
    return np.where(depth > 0, steps, 0).astype(np.uint16)


def steps_to_depth(steps: np.ndarray) -> np.ndarray:
    """uint16 steps to world units, float32."""
    return (np.asarray(steps, np.float64) / DEPTH_PER_UNIT).astype(np.float32)
