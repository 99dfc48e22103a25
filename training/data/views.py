"""Pictures for training in memory: from shards, or rendered on the spot; split into people to learn from and others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from sat3d.errors import ConfigError
from sat3d.networks.loading import resize
from training.synth.dataset import ShardFolder
from training.synth.population import Population
from training.synth.views import check_device
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import INDEPENDENT
from training.synthheads.views import render_head

from .array_cache import ArrayCache
from .geometric import mirror
from .seen_faces import seen_faces, whole_heads

SCHEMA = "sat3d-pictures/1"
HELD_OUT_EVERY = 16  # every 16th person is never learned from
VIEWS_PER_HEAD = 4
_SHARE_FOR_PICTURES = 0.6  # of a GPU's free memory


@dataclass(frozen=True)
class Piece:
    """One view: ``image`` [S, S, 3], ``labels`` [S, S] uint8 where they are wanted; ``head`` says who is seen,
    ``number`` which of all views of its data sets it is."""

    image: np.ndarray | None
    labels: np.ndarray | None
    head: int
    parameters: HeadParameters
    yaw_rad: float
    pitch_rad: float
    latent: np.ndarray | None = None
    number: int | None = None


@dataclass
class Views:
    """N views: ``images`` [N, S, S, 3] and ``labels`` [N, S, S] uint8, ``heads`` [N] int64, angles [N] in radians.

    ``labels`` is None where nobody asked for them. ``latents`` [N, Z]: z of each head, where it is known and all heads
    are of one population. ``faces`` [N, 1946]: what the landmark network sees in them, where somebody asked.
    ``numbers`` [N]: of each among all views of the data sets that it was read from.
    """

    images: Tensor
    labels: Tensor | None
    heads: Tensor
    parameters: list[HeadParameters]
    yaw_rad: np.ndarray
    pitch_rad: np.ndarray
    latents: Tensor | None = None
    faces: Tensor | None = None
    numbers: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    def select(self, chosen: Tensor | slice) -> Views:
        """The views where ``chosen`` [N] is true, or with these numbers; a slice copies nothing."""
        if isinstance(chosen, slice):
            index, numbers = chosen, range(len(self))[chosen]
        else:
            index = chosen.nonzero()[:, 0] if chosen.dtype == torch.bool else chosen
            numbers = index.tolist()
        angles = index if isinstance(index, slice) else index.numpy()
        return Views(
            self.images[index],
            None if self.labels is None else self.labels[index],
            self.heads[index],
            [self.parameters[i] for i in numbers],
            self.yaw_rad[angles],
            self.pitch_rad[angles],
            None if self.latents is None else self.latents[index],
            None if self.faces is None else self.faces[index],
            None if self.numbers is None else self.numbers[index],
        )

    def split(self) -> tuple[Views, Views]:
        """Views to learn from and views to test on, of different people; without copies if the latter are the last.

        Raises:
            ConfigError: too few people.
        """
        held_out = self.heads % HELD_OUT_EVERY == 0
        if held_out.all() or not held_out.any():
            raise ConfigError("Too few people to learn from", len(self.heads.unique()), "2 or more", "make more data")
        first = int((~held_out).sum())
        if held_out[first:].all():
            return self.select(slice(first)), self.select(slice(first, None))
        return self.select(~held_out), self.select(held_out)

    def near(self, device: torch.device | str) -> Views:
        """The same views with their pictures in the memory of ``device``, if it is a GPU that has room for them."""
        kept = [part for part in (self.images, self.labels) if part is not None]
        if torch.device(device).type != "cuda" or sum(part.nbytes for part in kept) > _room(device):
            return self
        images, *labels = (part.to(device) for part in kept)
        return replace(self, images=images, labels=labels[0] if labels else None)

    def inputs(self, index: Tensor, device: torch.device | str = "cpu", mirrored: Tensor | None = None) -> Tensor:
        """``[B, 3, S, S]`` float32 in -1..1; those whose flag in ``mirrored`` [B] is set, mirrored."""
        # as bytes until the last moment: a quarter of the memory to move
        images = self.images[index.to(self.images.device)].to(device)
        if mirrored is not None:
            images = mirror(images, mirrored, 2)
        return images.permute(0, 3, 1, 2).contiguous().float().div_(127.5).sub_(1)

    def told(self, index: Tensor, device: torch.device | str = "cpu") -> Tensor | None:
        """``[B, 1946]`` float32: what is told of the faces in :meth:`inputs` that are not mirrored."""
        return None if self.faces is None else self.faces[index.cpu()].to(device).float()

    def with_faces(self, facts: Mapping[str, object], folder: Path | None, device: str = "cpu") -> Views:
        """The same views, looked at by the landmark network; see :func:`training.data.seen_faces.seen_faces`."""
        return replace(self, faces=seen_faces(self.inputs, len(self), facts, folder, device))

    def labels_at(self, index: Tensor, device: torch.device | str = "cpu") -> Tensor:
        """``[B, S, S]`` uint8: the labels that belong to :meth:`inputs`."""
        return self.labels[index.to(self.labels.device)].to(device)


def stacked(parts: Sequence[Views]) -> Views:
    """All of them, one after the other, their heads numbered as before; what not all have is left out."""
    whole = {}
    for name in ("images", "labels", "heads", "faces"):
        some = [getattr(part, name) for part in parts]
        whole[name] = None if any(part is None for part in some) else torch.cat(some)
    z = [part.latents for part in parts]
    known = all(some is not None for some in z) and len({some.shape[1] for some in z}) == 1
    angles = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("yaw_rad", "pitch_rad")}
    people = [person for part in parts for person in part.parameters]
    return Views(**whole, **angles, parameters=people, latents=torch.cat(z) if known else None)


def _room(device: torch.device | str) -> float:
    """Bytes that pictures may take on a GPU."""
    free, _ = torch.cuda.mem_get_info(device)
    return _SHARE_FOR_PICTURES * free


@dataclass(frozen=True)
class Pixels:
    """``images`` [N, S, S, 3] and ``labels`` [N, S, S] uint8; ``filled``: whether they are there already."""

    images: Tensor
    labels: Tensor | None
    filled: bool = False

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], filled: bool = False) -> Pixels:
        return cls(torch.from_numpy(arrays["images"]), torch.from_numpy(arrays["labels"]), filled)


def pixels_in_memory(count: int, size: int, labels: bool) -> Pixels:
    """Room for ``count`` pictures."""
    made = torch.empty(count, size, size, dtype=torch.uint8) if labels else None
    return Pixels(torch.empty(count, size, size, 3, dtype=torch.uint8), made)


def load_views(
    folders: Sequence[Path],
    size: int,
    count: int | None = None,
    *,
    labels: bool = True,
    smallest: int | None = None,
    cache: Path | None = None,
) -> Views:
    """``count`` views of the data sets (all by default) as pictures of ``size`` pixels, as many of each as it has and
    the others leave; those of people who are never learned from come last.

    Larger pictures are shrunk; smaller ones are enlarged if they have ``smallest`` pixels (``size`` by default).
    Without ``labels`` they take three quarters of the memory. ``cache``: a folder that keeps the decoded pictures.

    Raises:
        FileError: not a data set, or a damaged one; ConfigError: its pictures are too small.
    """
    data = [ShardFolder(folder, ("image", "labels")) for folder in folders]
    for folder in data:
        _check_size(folder, size if smallest is None else smallest)
    shares = even_shares([len(folder) for folder in data], count)
    if cache is None:
        return _read(data, shares, labels, pixels_in_memory(sum(shares), size, labels))
    sources, shape = [folder.plan.to_dict() for folder in data], (sum(shares), size, size)
    facts = {"schema": SCHEMA, "count": sum(shares), "size": size, "data": sources}
    kept = ArrayCache(cache, "pictures", facts, {"images": (np.uint8, (*shape, 3)), "labels": (np.uint8, shape)})
    with kept.locked():
        if kept.is_filled():
            return _read(data, shares, labels, Pixels.of(kept.load(), filled=True))
        with kept.filling() as arrays:
            return _read(data, shares, labels, Pixels.of(arrays))


def _check_size(folder: ShardFolder, least: int) -> None:
    if folder.plan.size < least:
        raise ConfigError(
            "The pictures of the data set are too small",
            f"{folder.path}: {folder.plan.size} pixels",
            f"at least {least}",
            f"render them with --size {least}",
        )


def even_shares(sizes: Sequence[int], count: int | None) -> list[int]:
    """How many of each of some sets make ``count`` together (all by default): as even as their ``sizes`` allow."""
    left, shares = sum(sizes) if count is None else min(count, sum(sizes)), [0] * len(sizes)
    smallest_first = sorted(range(len(sizes)), key=sizes.__getitem__)
    for position, index in enumerate(smallest_first):
        shares[index] = min(sizes[index], left // (len(sizes) - position))
        left -= shares[index]
    return shares


def _read(data: Sequence[ShardFolder], shares: Sequence[int], labels: bool, pixels: Pixels) -> Views:
    wanted = [] if pixels.filled else ["image"] if pixels.labels is None else ["image", "labels"]
    for folder in data:
        folder.pictures = tuple(wanted)
    count, size = pixels.images.shape[:2]
    views = gather(_pieces(data, shares), count, size, "reading", pixels, held_out_last=True)
    return views if labels else replace(views, labels=None)


def _pieces(folders: Sequence[ShardFolder], shares: Sequence[int]) -> Iterator[Piece]:
    first_head, first, one_population = 0, 0, len({folder.plan.population for folder in folders}) == 1
    for folder, share in zip(folders, shares, strict=True):
        known: dict[int, HeadParameters] = {}
        for sample in islice(folder, share):
            parameters = known.setdefault(sample.head, sample.parameters)
            head = first_head + sample.head
            latent = sample.latent if one_population else None
            angles, number = (sample.yaw_rad, sample.pitch_rad), first + sample.index
            yield Piece(sample.image, sample.labels, head, parameters, *angles, latent, number)
        first_head += 1 + max(known, default=-1)
        first += whole_heads(folder)


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


def gather(
    pieces: Iterable[Piece],
    count: int,
    size: int,
    doing: str,
    pixels: Pixels | None = None,
    *,
    held_out_last: bool = False,
) -> Views:
    """``count`` pieces as arrays, their pictures brought to ``size``, in ``pixels`` or in memory.

    ``held_out_last``: views of people who are never learned from come at the end, in any order.
    """
    pixels = pixels or pixels_in_memory(count, size, labels=True)
    kept: list[Piece] = [None] * count
    first, last = 0, count - 1
    for piece in tqdm(islice(pieces, count), doing, count, unit="img", disable=None):
        if held_out_last and piece.head % HELD_OUT_EVERY == 0:
            at, last = last, last - 1
        else:
            at, first = first, first + 1
        if piece.image is not None:
            pixels.images[at] = _sized(piece.image, size)
        if piece.labels is not None:
            pixels.labels[at] = _sized_labels(piece.labels, size)
        kept[at] = replace(piece, image=None, labels=None)
    angles = np.array([(piece.yaw_rad, piece.pitch_rad) for piece in kept], np.float32)
    heads = torch.tensor([piece.head for piece in kept])
    latents = [piece.latent for piece in kept]
    known = None if any(z is None for z in latents) else torch.from_numpy(np.stack(latents)).float()
    people = [piece.parameters for piece in kept]
    numbers = None if any(piece.number is None for piece in kept) else torch.tensor([piece.number for piece in kept])
    return Views(pixels.images, pixels.labels, heads, people, *angles.T.copy(), known, numbers=numbers)


def _sized(image: np.ndarray, size: int) -> Tensor:
    image = torch.from_numpy(image.copy())
    if image.shape[0] == size:
        return image
    return resize(image.permute(2, 0, 1)[None].float(), size, size)[0].round().byte().permute(1, 2, 0)


def _sized_labels(labels: np.ndarray, size: int) -> Tensor:
    rows = (torch.arange(size) * 2 + 1) * len(labels) // (2 * size)
    return torch.from_numpy(labels.copy())[rows][:, rows]
