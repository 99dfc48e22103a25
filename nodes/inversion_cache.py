"""Inversions kept in the host's user folder, so that a restart does not cost them again; bounded, the oldest go."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from ..sat3d import generators, inversion
from ..sat3d.errors import Sat3dError
from ..sat3d.files.safetensors_io import parse_json, read_header
from ..sat3d.latent import SCHEMA, Latent, load_latent
from . import model_folders
from .inversion_jobs import Work
from .library import file_stamp

MOST_FILES, MOST_BYTES = 200, 256 * 2**20
_INFO, _SUFFIX = "info", ".safetensors"


def folder() -> Path:
    """Faces as numbers, no photos."""
    return model_folders.kept_folder("inversions")


def key_of(work: Work, *networks: str) -> str:
    """Alike for the same pictures, settings, networks and code, and for nothing else."""
    digest = hashlib.sha256()
    settings = (work.method, repr(work.options), repr(work.cameras), work.frames, *networks, _code())
    for text in settings:
        digest.update(f"{len(text)} {text} ".encode())
    for tensor in (work.pictures, work.weight, work.free, work.tuning_weight):
        digest.update(b"none " if tensor is None else _bytes_of(tensor))
    return digest.hexdigest()


def _bytes_of(tensor: Tensor) -> bytes:
    plain = tensor.detach().cpu().contiguous()
    return f"{tuple(plain.shape)} {plain.dtype} ".encode() + plain.numpy().tobytes()


@cache
def _code() -> str:
    """Changes when the code does that inverts: what an older one has found is not what this one would find."""
    packages = [Path(package.__file__).parent for package in (generators, inversion) if package.__file__]
    return " ".join(file_stamp(path) for folder in packages for path in sorted(folder.rglob("*.py")))


def find(key: str) -> tuple[Latent, list[str]] | None:
    """The faces and what was said of them; None where they are not kept, or no longer whole."""
    path = folder() / (key + _SUFFIX)
    try:
        lines = parse_json(read_header(path, SCHEMA, "a kept inversion", "it is made anew"), _INFO, path)
        latent = load_latent(path)
        os.utime(path)  # used last: kept longest
    except (Sat3dError, OSError):
        return None
    return latent, [str(line) for line in lines] if isinstance(lines, list) else []


def keep(key: str, latent: Latent, lines: Iterable[str]) -> None:
    """Keep it, and no more than is allowed in all. A folder that cannot be written costs nothing but the next run."""
    with suppress(Sat3dError, OSError):
        folder().mkdir(parents=True, exist_ok=True)
        latent.save(folder() / (key + _SUFFIX), notes={_INFO: json.dumps(list(lines))})
        _forget_oldest()


def _forget_oldest() -> None:
    stats = [(path, path.stat()) for path in folder().glob("*" + _SUFFIX)]
    total = 0
    for i, (path, stat) in enumerate(sorted(stats, key=lambda each: -each[1].st_mtime_ns)):
        total += stat.st_size
        if i >= MOST_FILES or total > MOST_BYTES:
            path.unlink(missing_ok=True)


def picture_of(network: generators.StyleGenerator, latent: Latent) -> Tensor:
    """``[B, 3, H, H]``: the faces as found, each from its own camera."""
    seen = inversion.tuned_network(network, latent)
    cameras = latent.camera.expand(len(latent.styles), -1).to(network.device)
    with torch.inference_mode(False), torch.no_grad():
        styles = latent.styles.to(network.device)
        return torch.cat([seen.synthesize(s, c).image for s, c in zip(styles.split(1), cameras.split(1), strict=True)])
