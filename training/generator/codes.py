"""First codes w of heads, before there is a generator: principal components of their pictures from the front.

Given w, everything that is learned in 3D goes into the generator; learning an encoder along with it from nothing gives
an average head for hours. Pictures are looked at with the middle magnified, as the domain wants it, and together with
their gradients across. A few linear components say little of a face that moves: where the domain has faces, what the
landmark network sees comes beside them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sat3d.files.safetensors_io import parse_json, read_header, read_tensors, require_tensor, write_tensors
from sat3d.networks.face_zoom import zoom_matrices
from sat3d.networks.loading import resize

from ..data.packed import HeadPack
from .components import find_components

SCHEMA = "sat3d-first-codes/1"
_SIDE_PX, _ZOOM, _GRADIENT_WEIGHT = 72, 1.6, 1.5
_BATCH = 64


@dataclass(frozen=True)
class FirstCodes:
    """``codes [n, w_dim]`` of all heads of a pack, of mean 0 and mean square 1; ``explained``: share of the pictures'
    variance that their components hold."""

    codes: Tensor
    explained: float


def features_of(images: Tensor, magnified: float = 0.0) -> Tensor:
    """``[B, 3, S, S]`` in -1..1 -> ``[B, F]``: small, the middle ``magnified``, with the gradient of grey across."""
    rows, columns = zoom_matrices(_SIDE_PX, _ZOOM * magnified)
    small = rows.to(images) @ resize(images, _SIDE_PX, _SIDE_PX) @ columns.to(images).T
    return torch.cat([small.flatten(1), _GRADIENT_WEIGHT * small.mean(1).diff(dim=2).flatten(1)], 1)


@torch.no_grad()
def find_codes(pack: HeadPack, w_dim: int, held_out: int, seed: int = 0) -> FirstCodes:
    """Principal components of every head's first view, and what is told of the face in it; the first ``held_out`` heads
    have no part in finding them."""
    parts = torch.arange(len(pack)).split(_BATCH)
    features = torch.cat([features_of(_seen(pack, part), pack.learning.magnified) for part in parts])
    told = features.new_zeros(len(pack), 0) if pack.faces is None else pack.faces[:, 0].to(features)
    found = find_components(features[held_out:], w_dim - told.shape[1], seed)
    return FirstCodes(torch.cat([found(features), told], 1), found.explained)


def _seen(pack: HeadPack, heads: Tensor) -> Tensor:
    """First views ``[B, 3, S, S]``, their backdrops nearer to grey where the domain wants it."""
    pictures, share = pack.pictures(heads), pack.learning.backdrop_share
    return pictures if share == 1 else pictures * torch.where(pack.depth[heads, 0] != 0, 1.0, share)[:, None]


def save_codes(path: Path, found: FirstCodes) -> None:
    header = {"schema": SCHEMA, "explained": json.dumps(found.explained)}
    write_tensors(path, {"codes": found.codes}, header)


def load_codes(path: Path) -> FirstCodes:
    """
    Raises:
        FileError: missing, damaged or of another kind.
    """
    header = read_header(path, SCHEMA, "first codes of heads", "begin the training anew")
    explained = parse_json(header, "explained", path)
    return FirstCodes(require_tensor(read_tensors(path), "codes", 2, path), explained)
