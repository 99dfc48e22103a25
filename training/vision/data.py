"""Pictures for training in memory: from shards, or rendered on the spot; split into people to learn from and others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.errors import ConfigError
from sat3d.small_networks import resize
from training.synthheads.dataset import ShardFolder
from training.synthheads.parameters import HeadParameters
from training.synthheads.population import Population
from training.synthheads.populations import INDEPENDENT
from training.synthheads.views import check_device, render_head

from .place import mirror

HELD_OUT_EVERY = 16  # every 16th person is never learned from
VIEWS_PER_HEAD = 4


@dataclass(frozen=True)
class Piece:
    """One view: ``image`` [S, S, 3], ``labels`` [S, S] uint8 where they are wanted; ``head`` says who is seen."""

    image: np.ndarray | None
    labels: np.ndarray | None
    head: int
    parameters: HeadParameters
    yaw_rad: float
    pitch_rad: float
    latent: np.ndarray | None = None


@dataclass
class Views:
    """N views: ``images`` [N, S, S, 3] and ``labels`` [N, S, S] uint8, ``heads`` [N] int64, angles [N] in radians.

    ``labels`` is None where nobody asked for them. ``latents`` [N, Z]: z of each head, where it is known and all heads
    are of one population.
    """

    images: Tensor
    labels: Tensor | None
    heads: Tensor
    parameters: list[HeadParameters]
    yaw_rad: np.ndarray
    pitch_rad: np.ndarray
    latents: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    def select(self, chosen: Tensor) -> Views:
        """The views where ``chosen`` [N] is true, or with these numbers."""
        index = chosen.nonzero()[:, 0] if chosen.dtype == torch.bool else chosen
        return Views(
            self.images[index],
            None if self.labels is None else self.labels[index],
            self.heads[index],
            [self.parameters[i] for i in index.tolist()],
            self.yaw_rad[index.numpy()],
            self.pitch_rad[index.numpy()],
            None if self.latents is None else self.latents[index],
        )

    def split(self) -> tuple[Views, Views]:
        """Views to learn from and views to test on, of different people.

        Raises:
            ConfigError: too few people.
        """
        held_out = self.heads % HELD_OUT_EVERY == 0
        if held_out.all() or not held_out.any():
            raise ConfigError("Too few people to learn from", len(self.heads.unique()), "2 or more", "make more data")
        return self.select(~held_out), self.select(held_out)

    def inputs(self, index: Tensor, device: torch.device | str = "cpu", mirrored: Tensor | None = None) -> Tensor:
        """``[B, 3, S, S]`` float32 in -1..1; those whose flag in ``mirrored`` [B] is set, mirrored."""
        images = self.images[index].to(device)  # as bytes until the last moment: a quarter of the memory to move
        if mirrored is not None:
            images = mirror(images, mirrored, 2)
        return images.permute(0, 3, 1, 2).contiguous().float().div_(127.5).sub_(1)


def load_views(
    folders: Sequence[Path], size: int, count: int | None = None, *, labels: bool = True, smallest: int | None = None
) -> Views:
    """The first ``count`` views of the data sets (all by default) as pictures of ``size`` pixels.

    Larger pictures are shrunk; smaller ones are enlarged if they have ``smallest`` pixels (``size`` by default).
    Without ``labels`` they take three quarters of the memory.

    Raises:
        FileError: not a data set, or a damaged one; ConfigError: its pictures are too small.
    """
    data = [ShardFolder(folder, ("image", "labels") if labels else ("image",)) for folder in folders]
    least = size if smallest is None else smallest
    for folder in data:
        if folder.plan.size < least:
            raise ConfigError(
                "The pictures of the data set are too small",
                f"{folder.path}: {folder.plan.size} pixels",
                f"at least {least}",
                f"render them with --size {size}",
            )
    total = sum(map(len, data))
    total = total if count is None else min(count, total)
    return gather(_pieces(data), total, size, "reading")


def _pieces(folders: Sequence[ShardFolder]) -> Iterator[Piece]:
    first_head, one_population = 0, len({folder.plan.population for folder in folders}) == 1
    for folder in folders:
        known: dict[int, HeadParameters] = {}
        for sample in folder:
            parameters = known.setdefault(sample.head, sample.parameters)
            head = first_head + sample.head
            latent = sample.latent if one_population else None
            yield Piece(sample.image, sample.labels, head, parameters, sample.yaw_rad, sample.pitch_rad, latent)
        first_head += 1 + max(known)


def render_views(seed: int, size: int, count: int, device: str = "cpu", population: Population = INDEPENDENT) -> Views:
    """``count`` freshly rendered views, four of each person, as a data set of that seed would have."""
    check_device(device)
    return gather(_rendered(seed, size, count, device, population), count, size, "rendering")


def _rendered(seed: int, size: int, count: int, device: str, population: Population) -> Iterator[Piece]:
    for head in range(-(-count // VIEWS_PER_HEAD)):
        z = population.draw_latent(seed, head)
        p = population.parameters(z)
        poses = population.draw_poses(seed, head, VIEWS_PER_HEAD)
        for pose, view in zip(poses, render_head(p, poses, size, device), strict=True):
            yield Piece(view.image, view.labels, head, p, pose.yaw_rad, pose.pitch_rad, z)


def gather(pieces: Iterable[Piece], count: int, size: int, doing: str) -> Views:
    """``count`` pieces as arrays, their pictures brought to ``size``."""
    images, labels = torch.empty(count, size, size, 3, dtype=torch.uint8), None
    kept: list[Piece] = []
    for i, piece in enumerate(tqdm(pieces, doing, count, unit="img", disable=None)):
        images[i] = _sized(piece.image, size)
        if piece.labels is not None:
            labels = torch.empty(count, size, size, dtype=torch.uint8) if labels is None else labels
            labels[i] = _sized_labels(piece.labels, size)
        kept.append(replace(piece, image=None, labels=None))
        if len(kept) == count:
            break
    angles = np.array([(piece.yaw_rad, piece.pitch_rad) for piece in kept], np.float32)
    heads = torch.tensor([piece.head for piece in kept])
    latents = [piece.latent for piece in kept]
    known = None if any(z is None for z in latents) else torch.from_numpy(np.stack(latents)).float()
    return Views(images, labels, heads, [piece.parameters for piece in kept], angles[:, 0], angles[:, 1], known)


def _sized(image: np.ndarray, size: int) -> Tensor:
    image = torch.from_numpy(image.copy())
    if image.shape[0] == size:
        return image
    return resize(image.permute(2, 0, 1)[None].float(), size, size)[0].round().byte().permute(1, 2, 0)


def _sized_labels(labels: np.ndarray, size: int) -> Tensor:
    rows = (torch.arange(size) * 2 + 1) * len(labels) // (2 * size)
    return torch.from_numpy(labels.copy())[rows][:, rows]


def batch_of(step: int, batch: int, total: int, seed: int) -> Tensor:
    """The numbers of the views of one step: each once an epoch, in an order that depends on seed and epoch only."""
    per_epoch = max(1, total // batch)
    epoch, place = divmod(step, per_epoch)
    order = torch.randperm(total, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
    return order[place * batch : (place + 1) * batch]
