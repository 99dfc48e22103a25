"""First codes w of heads, before there is a generator: principal components of their pictures from the front.

Given w, everything that is learned in 3D goes into the generator; learning an encoder along with it from nothing gives
an average head for hours. Pictures are looked at with the middle magnified, as the domain wants it, and together with
their gradients across.
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

SCHEMA = "sat3d-first-codes/1"
_SIDE_PX, _ZOOM, _GRADIENT_WEIGHT = 72, 1.6, 1.5
_FLATTENING = 0.5  # a component's spread in w is its spread in pictures to this power: faint ones count, too
_BATCH = 64
_POWER_ITERATIONS = 3
_LEAST_SIZE = 1e-4  # of a component, in units of the largest: what is below is noise


@dataclass(frozen=True)
class FirstCodes:
    """``codes [n, w_dim]`` of all heads of a pack, of mean 0 and mean square 1; ``explained``: share of the pictures'
    variance that they hold."""

    codes: Tensor
    explained: float


def features_of(images: Tensor, magnified: float = 0.0) -> Tensor:
    """``[B, 3, S, S]`` in -1..1 -> ``[B, F]``: small, the middle ``magnified``, with the gradient of grey across."""
    rows, columns = zoom_matrices(_SIDE_PX, _ZOOM * magnified)
    small = rows.to(images) @ resize(images, _SIDE_PX, _SIDE_PX) @ columns.to(images).T
    return torch.cat([small.flatten(1), _GRADIENT_WEIGHT * small.mean(1).diff(dim=2).flatten(1)], 1)


@torch.no_grad()
def find_codes(pack: HeadPack, w_dim: int, held_out: int, seed: int = 0) -> FirstCodes:
    """Principal components of every head's first view; the first ``held_out`` heads have no part in finding them."""
    parts = torch.arange(len(pack)).split(_BATCH)
    features = torch.cat([features_of(_seen(pack, part), pack.learning.magnified) for part in parts])
    mean = features[held_out:].mean(0)
    features -= mean
    torch.manual_seed(seed)
    rank = min(w_dim, len(pack) - held_out - 1)  # n pictures less their mean have n - 1 components
    _, sizes, directions = torch.pca_lowrank(features[held_out:], rank, center=False, niter=_POWER_ITERATIONS)
    scale = torch.where(sizes > _LEAST_SIZE * sizes[0], sizes ** (_FLATTENING - 1), 0.0)
    codes = torch.nn.functional.pad(features @ (directions * scale), (0, w_dim - rank))
    codes /= codes[held_out:].square().mean().sqrt()
    return FirstCodes(codes, float(sizes.square().sum() / features[held_out:].square().sum()))


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
