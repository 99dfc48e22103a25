"""What the landmark network sees in every picture of a data set, found once and kept beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.networks.seen_faces import TOLD, see_faces

from .array_cache import ArrayCache

SCHEMA = "sat3d-seen-faces/2"
_BATCH = {"cpu": 16, "cuda": 256}
Pictures = Callable[[Tensor], Tensor]  # index [B] -> [B, 3, S, S] in -1..1


def seen_faces(
    pictures: Pictures, count: int, facts: Mapping[str, object], folder: Path | None, device: str = "cpu"
) -> Tensor:
    """``[count, 1946]`` in half precision, of registered heads; kept in ``folder`` if there is one. ``facts``: what
    tells these pictures from others.

    Raises:
        FileError: ``folder`` cannot be written, or holds other files.
    """
    if folder is None:
        return torch.from_numpy(_look(np.empty((count, TOLD), np.float16), pictures, device))
    kept = ArrayCache(folder, "faces", {"schema": SCHEMA, **facts}, {"faces": (np.float16, (count, TOLD))})
    with kept.locked():
        if not kept.is_filled():
            with kept.filling() as arrays:
                _look(arrays["faces"], pictures, device)
        return torch.from_numpy(kept.load()["faces"])


@torch.no_grad()
def _look(found: np.ndarray, pictures: Pictures, device: str) -> np.ndarray:
    with tqdm(total=len(found), desc="looking at faces", unit="img", mininterval=2) as bar:
        for part in torch.arange(len(found)).split(_BATCH[torch.device(device).type]):
            found[part.numpy()] = see_faces(pictures(part).to(device)).joined().half().cpu()
            bar.update(len(part))
    return found
