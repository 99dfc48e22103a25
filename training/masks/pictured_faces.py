"""Faces that an encoder finds in a folder of pictures, found once and kept beside the masks."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from sat3d.files.safetensors_io import read_header, read_tensors, require_tensor, write_tensors
from sat3d.generators import StyleGenerator
from sat3d.inversion import load_encoder
from sat3d.inversion.encoder import FaceEncoder
from sat3d.inversion.foreign_encoder import load_foreign_encoder
from sat3d.learning.known_faces import KnownFaces
from training.animation.clips import open_film
from training.common.bars import progress_bar
from training.networks.coded_heads import as_picture
from training.synth.dataset import ShardFolder

SCHEMA = "sat3d-known-faces/1"
MOST = 4000  # more tell little more


def find_encoder(path: Path | None) -> FaceEncoder:
    """The built-in one, one of ours, or e4e, pSp or TriPlaneNet.

    Raises:
        FileError: missing, damaged or none.
    """
    if path is None or path.suffix.lower() == ".safetensors":
        return load_encoder(path)
    return load_foreign_encoder(path)


def faces_in(folder: Path, network: StyleGenerator, encoder: FaceEncoder, kept: Path) -> KnownFaces:
    """Faces of the first MOST people in ``folder``: rendered shards, or pictures that are cropped as the generator's
    own are. ``kept``: the file that holds them once they are found.

    Raises:
        ConfigError: an encoder for another generator, or too few pictures. FileError: none, or a damaged one.
    """
    encoder.check(network)
    if not kept.exists():
        pictures, total = _pictures(folder)
        write_tensors(kept, {"styles": _styles(pictures, total, network, encoder)}, {"schema": SCHEMA})
    read_header(kept, SCHEMA, "faces found in pictures", f"delete {kept.name}")
    return KnownFaces(require_tensor(read_tensors(kept), "styles", 2, kept))


@torch.no_grad()
def _styles(pictures: Iterable[Tensor], total: int, network: StyleGenerator, encoder: FaceEncoder) -> Tensor:
    found: list[Tensor] = []
    with progress_bar("faces in pictures", "face") as watch:
        for picture in pictures:
            ws = encoder.find(picture).ws.to(network.device)
            rows = network.broadcast(ws[:, 0]) if ws.shape[1] == 1 else ws
            found.append(network.styles(rows).cpu())
            watch(len(found), total)
    return torch.cat(found)


def _pictures(folder: Path) -> tuple[Iterable[Tensor], int]:
    """``[1, 3, H, W]`` in -1..1 each, and how many: of shards the first view of each person."""
    if not any(folder.glob("*.tar")):
        film = open_film(folder)
        total = min(film.frames, MOST)
        return islice(film.pieces, total), total
    shards = ShardFolder(folder, ("image",))
    firsts = range(0, len(shards), shards.plan.views)[:MOST]
    return (as_picture(shards[view].image)[None] for view in firsts), len(firsts)
