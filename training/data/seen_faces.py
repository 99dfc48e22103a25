"""What the landmark network sees in every picture of a data set, found once and kept beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.faces.mesh import FEATURES, POINTS
from sat3d.inversion.face_look import SeenFaces, see_faces
from training.synth.render_command import read_plan

from .array_cache import ArrayCache
from .packed import HeadPack

SCHEMA = "sat3d-seen-faces/1"
_BATCH = {"cpu": 16, "cuda": 256}


def open_seen_faces(data: Sequence[Path], pack: HeadPack, folder: Path, device: torch.device) -> SeenFaces:
    """``points [n, V, 1434]``, ``features [n, V, 512]`` in half precision, of all pictures of a ``pack`` of ``data``.

    Raises:
        FileError: ``folder`` cannot be written, or holds other files.
    """
    facts = {"schema": SCHEMA, "data": [read_plan(path).to_dict() for path in data]}
    shape = (len(pack), pack.views)
    shapes = {"points": (np.float16, (*shape, 3 * POINTS)), "features": (np.float16, (*shape, FEATURES))}
    kept = ArrayCache(folder, "faces", facts, shapes)
    if not kept.is_filled():
        with kept.filling() as arrays:
            _fill(arrays, pack, device)
    return SeenFaces(**{name: torch.from_numpy(array) for name, array in kept.load().items()})


@torch.no_grad()
def _fill(arrays: dict[str, np.ndarray], pack: HeadPack, device: torch.device) -> None:
    places = torch.cartesian_prod(torch.arange(len(pack)), torch.arange(pack.views))
    with tqdm(total=len(places), desc="looking at faces", unit="img", mininterval=2) as bar:
        for part in places.split(_BATCH[device.type]):
            seen = see_faces(_pictures(pack, part).to(device))
            for name, array in arrays.items():
                array[part[:, 0], part[:, 1]] = getattr(seen, name).half().cpu()
            bar.update(len(part))


def _pictures(pack: HeadPack, places: Tensor) -> Tensor:
    heads, views = places.to(pack.image.device).unbind(1)
    return pack.pictures(heads, views)
