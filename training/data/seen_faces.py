"""What the landmark network sees in every picture of a data set, found once and kept beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.networks.seen_faces import TOLD, see_faces
from training.synth.dataset import ShardFolder
from training.synth.shards import DatasetPlan

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


def faces_of_data(data: Sequence[Path], folder: Path) -> Tensor:
    """``[n, 1946]``: of all views of data sets, whole heads alone, in their order; kept in ``folder``, where a training
    of a generator on them may have put it.

    Raises:
        FileError: not a data set, or ``folder`` cannot be written.
    """
    folders = [ShardFolder(path, ("image",)) for path in data]
    places = [(some, index) for some in folders for index in range(whole_heads(some))]

    def pictures(index: Tensor) -> Tensor:
        images = np.stack([some[at].image for some, at in (places[i] for i in index.tolist())])
        return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1

    return seen_faces(pictures, len(places), facts_of_data([some.plan for some in folders]), folder)


def facts_of_data(plans: Sequence[DatasetPlan]) -> dict[str, object]:
    """What tells the faces of all views of data sets from others."""
    return {"data": [plan.to_dict() for plan in plans]}


def whole_heads(folder: ShardFolder) -> int:
    """How many of its views are of heads of which it has all views."""
    return len(folder) - len(folder) % folder.plan.views
