"""Drawing the faces that masks are learned from (METHOD: training recipe): at random, filtered, measured once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..domains import PictureSampling, Quota
from ..errors import ConfigError
from ..generators import StyleGenerator, TriplaneGenerator
from ..progress import Watch, no_watch
from ..regions import pixels_labelled
from ..seeds import generator_of
from .face_cache import Drawn, PairFolder, Pairs, join
from .sheets import FaceSheet
from .studio import Studio

_CHUNK = 64
_DRAWN_AT_ONCE = 8
_MOST_CANDIDATES = 40  # times the wanted number of pairs


@torch.no_grad()
def draw_candidates(network: StyleGenerator, sampling: PictureSampling, seed: int, first: int, count: int):
    """Styles ``[count, S]`` and cameras ``[count, 25]`` ([count, 0] if flat) from number ``first`` on of a seed."""
    latents, angles = zip(*(_draw(network.config.backbone.z_dim, seed, first + i) for i in range(count)), strict=True)
    z, share = torch.stack(latents).to(network.device), torch.stack(angles)
    if not isinstance(network, TriplaneGenerator):
        ws = network.map(z, network.labels(range(first, first + count)), sampling.truncation_psi)
        return network.styles(ws), torch.zeros(count, 0, device=network.device)
    yaw, pitch = _within(sampling.yaw_deg, share[:, 0]), _within(sampling.pitch_deg, share[:, 1])
    camera = network.rig.label(yaw, pitch).to(network.device)
    # As in the paper, the mapping hears of the very camera the face is seen from; but not of one behind the head, from
    # where no identity is to be expected.
    heard = None if network.knows_all_sides else camera
    return network.styles(network.map(z, heard, sampling.truncation_psi)), camera


@torch.no_grad()
def draw_faces(studio: Studio, seed: int, first: int, count: int) -> tuple[Tensor, Tensor]:
    """The same for a studio: faces that it knows, where it knows some, as seen by the cameras of the drawn ones."""
    styles, camera = draw_candidates(studio.network, studio.domain.sampling, seed, first, count)
    known = studio.faces
    return (styles if known is None else known.draw(seed, first, count).to(styles)), camera


def _draw(z_dim: int, seed: int, number: int) -> tuple[Tensor, Tensor]:
    generator = generator_of("cpu", seed, number)
    return torch.randn(z_dim, generator=generator), torch.rand(2, generator=generator)


def _within(limits_deg: tuple[float, float], share: Tensor) -> Tensor:
    low, high = (math.radians(limit) for limit in limits_deg)
    return low + (high - low) * share


class Admission:
    """Which pictures are kept: none with too much of a dropped label, and enough with each label of a quota.

    ``count``: pictures wanted in all. ``lacking``: kept so far without the label of each quota.
    """

    def __init__(self, sampling: PictureSampling, count: int, lacking: Mapping[str, int] | None = None):
        self.sampling = sampling
        self.room = {label: count - math.ceil(quota.share * count) for label, quota in sampling.at_least.items()}
        self.lacking = dict.fromkeys(sampling.at_least, 0) | dict(lacking or {})

    def admits(self, shares: Mapping[str, float]) -> bool:
        """``shares``: of the picture, by label. Counts the picture if it is kept."""
        if any(shares[label] > most for label, most in self.sampling.drop.items()):
            return False
        without = [label for label, quota in self.sampling.at_least.items() if not _has(shares[label], quota)]
        if any(self.lacking[label] >= self.room[label] for label in without):
            return False
        for label in without:
            self.lacking[label] += 1
        return True


def _has(share: float, quota: Quota) -> bool:
    return share > quota.pixels


@torch.no_grad()
def measure(studio: Studio, styles: Tensor, camera: Tensor) -> Pairs:
    """Pictures, scores and labels of ``styles [B, S]`` seen by ``camera [B, 25]``; kept in the processor's memory."""
    images = studio.pictures(styles, camera)
    scores, labels = studio.qmm.measure(images).probabilities, studio.labels(images, styles, camera)
    return Pairs(styles.cpu(), camera.cpu(), scores.float().cpu(), images.half().cpu(), labels.cpu())


def sample_pairs(studio: Studio, folder: Path, seed: int, count: int, watch: Watch = no_watch) -> Pairs:
    """``count`` pairs: read from ``folder`` what is there, draw and write what is missing.

    ``watch`` counts faces and sees the last ones; where it raises, all but the faces since the last chunk are kept.

    Raises:
        FileError: the folder holds pairs of other settings. ConfigError: the domain's filters leave too few.
    """
    store = PairFolder(folder, {**studio.facts(), "seed": seed, "count": count})
    store.open()
    chunks: list[Pairs] = []
    drawn, sheet = Drawn(), FaceSheet()
    for number in range(-(-count // _CHUNK)):
        found = store.read(number)
        if found is None:
            watch_chunk = _watch_from(number * _CHUNK, count, sheet, watch)
            found = _draw_chunk(studio, seed, count, min(_CHUNK, count - number * _CHUNK), drawn, watch_chunk)
            store.write(number, *found)
        else:
            sheet.add(found[0].images)
        chunk, drawn = found
        chunks.append(chunk)
        watch(number * _CHUNK + len(chunk), count, sheet.picture)
    return join(chunks)


def _watch_from(before: int, total: int, sheet: FaceSheet, watch: Watch) -> Callable[[int, Tensor | None], None]:
    """Told how many of a chunk are kept, and the picture of the one that was kept now."""

    def told(kept: int, picture: Tensor | None) -> None:
        if picture is not None:
            sheet.add(picture)
        watch(before + kept, total, sheet.picture)

    return told


def _draw_chunk(
    studio: Studio, seed: int, count: int, wanted: int, drawn: Drawn, told: Callable[[int, Tensor | None], None]
) -> tuple[Pairs, Drawn]:
    """The next ``wanted`` pairs that are admitted."""
    admission = Admission(studio.domain.sampling, count, drawn.lacking)
    kept: list[Pairs] = []
    candidates = drawn.candidates
    for pair, shares in _candidates(studio, seed, candidates):
        candidates += 1
        admitted = admission.admits(shares)
        if admitted:
            kept.append(pair)
        told(len(kept), pair.images if admitted else None)
        if len(kept) == wanted:
            return join(kept), Drawn(candidates, admission.lacking)
        if candidates >= _MOST_CANDIDATES * count:
            break
    raise ConfigError(
        "The domain's sampling leaves too few pictures",
        f"{candidates} pictures drawn, {count} wanted",
        f"drop {dict(studio.domain.sampling.drop)}, at_least {dict(studio.domain.sampling.at_least)} to be met",
        "change 'sampling' in the domain's file, or check parser and generator",
    )


@torch.no_grad()
def _candidates(studio: Studio, seed: int, first: int) -> Iterator[tuple[Pairs, dict[str, float]]]:
    """All candidates from number ``first`` on, one by one, each with the shares of the labels that filters ask for."""
    sampling = studio.domain.sampling
    while True:
        measured = measure(studio, *draw_faces(studio, seed, first, _DRAWN_AT_ONCE))
        for i in range(_DRAWN_AT_ONCE):
            pair = measured.select(torch.tensor([i]))
            yield pair, {label: _share(studio, pair, label) for label in {*sampling.drop, *sampling.at_least}}
        first += _DRAWN_AT_ONCE


def _share(studio: Studio, pair: Pairs, label: str) -> float:
    return float(pixels_labelled(pair.labels.long(), [label], studio.label_names).float().mean())
