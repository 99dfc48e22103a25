"""Parts swapped between heads: by composition in 3D, and by what else could be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from sat3d.errors import ConfigError
from sat3d.files.writing import make_folder
from sat3d.generators import Rendering
from sat3d.latent import Latent
from sat3d.metrics import d_mean, pixel_changes
from sat3d.networks.loading import resize
from sat3d.parts.healing import grow_together
from sat3d.parts.swapping import swap_parts
from sat3d.pictures import contact_sheet, save_picture, to_pil
from sat3d.regions import widen
from sat3d.transfer import transfer
from training.evaluation.judging import rounded

from .bench import Bench

# Part -> labels that are taken, the truth that shows it, attributes of the masks that move it.
SWAPPED: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "hair": (("hair",), "hair_style", ("hairstyle", "hair_colour")),
    "glasses": (("glasses",), "glasses", ("eyeglasses",)),
    "beard": (("beard",), "beard", ("beard",)),
    "eyes": (("eyes", "brows"), "iris_colour", ("eye_region",)),
}
METHODS = ("composition", "grown_together", "style_swap", "paste_2d", "w_swap")
_SIDE_DEG = 40.0  # pairs are seen from the front and, in turn, from the left and from the right
_MASK_EDGE = 0.1  # a pixel with so much of a part is of it
_MASK_MARGIN_PX = 3  # what super-resolution carries out of it
_SWAPPED_WS = ("8", "16", "32")  # resolutions of the backbone that hold what hair, eyes and beards look like
_GROWING_STEPS = 40
_MOST_TRIES = 40  # times the pairs that are wanted
_CELL_PX = 160


@dataclass(frozen=True)
class Pair:
    """A source and a reference that differ in what a part's truth says, as the reader sees, too; seen from
    ``yaws_deg``, of which the first is the front."""

    source: Latent
    reference: Latent
    wanted: str
    yaws_deg: tuple[float, ...]
    source_views: list[Rendering]
    reference_views: list[Rendering]


def judge_methods(bench: Bench, count: int, folder: Path | None) -> dict:
    """Method -> part -> scores of :func:`judge_swap`, means over the pairs."""
    report: dict = {method: {} for method in METHODS}
    for part in SWAPPED if count else ():
        rows, scores = [], {method: [] for method in METHODS}
        for pair in tqdm(find_pairs(bench, part, count), part, count, disable=None):
            made = {method: _WAYS[method](bench, pair, part) for method in METHODS}
            mask = outside(bench, part, pair, made["composition"])
            for method, views in made.items():
                scores[method].append(judge_swap(bench, part, pair, [view.image for view in views], mask))
            rows.append((pair, made))
        for method in METHODS:
            report[method][part] = _means(scores[method])
            tqdm.write(f"{part}, {method}: {report[method][part]}")
        if folder is not None and rows:
            save_sheet(rows, folder / f"parts_{part}.png")
    return report


def find_pairs(bench: Bench, part: str, count: int) -> Iterator[Pair]:
    """Heads of the seed, one after the other, until there are enough; at most 40 times as many are looked at."""
    truth, found, source = SWAPPED[part][1], 0, None
    for head in range(count * _MOST_TRIES):
        said = bench.truth(head)[truth]
        if source is not None and said in (bench.truth(source)[truth], "hidden", "other"):
            continue
        if bench.read(bench.view(head, 0.0).image)[0][truth] != said:
            continue
        if source is None:
            source = head
            continue
        yaws = (0.0, _SIDE_DEG if found % 2 else -_SIDE_DEG)
        views = [[bench.view(each, yaw) for yaw in yaws] for each in (source, head)]
        yield Pair(bench.face(source), bench.face(head), said, yaws, *views)
        source, found = None, found + 1
        if found == count:
            return


@torch.no_grad()
def outside(bench: Bench, part: str, pair: Pair, made: Sequence[Rendering]) -> list[Tensor]:
    """``[1, H, W]`` bool per view: where the part is neither in the source nor, composed, in the result."""
    numbers, found = bench.parts.field.numbers(SWAPPED[part][0]), []
    for before, after in zip(pair.source_views, made, strict=True):
        part_of = [view.parsing[:, numbers].sum(1, keepdim=True) for view in (before, after)]
        shares = resize(torch.maximum(*part_of), *before.image.shape[2:])
        found.append(~widen(shares > _MASK_EDGE, _MASK_MARGIN_PX)[:, 0])
    return found


def judge_swap(bench: Bench, part: str, pair: Pair, images: Sequence[Tensor], mask: Sequence[Tensor]) -> dict:
    """``arrival``: the reader says of the front what is true of the reference; ``d_mean_masked``: mean |ΔRGB| outside
    of the part, in levels, mean over views; ``identity``: cosine of the reader's vectors of source and result."""
    names, person = bench.read(images[0])
    own = bench.read(pair.source_views[0].image)[1]
    changes = [
        float(d_mean(pixel_changes(before.image.clamp(-1, 1), image.clamp(-1, 1)), where))
        for before, image, where in zip(pair.source_views, images, mask, strict=True)
    ]
    return {
        "arrival": float(names[SWAPPED[part][1]] == pair.wanted),
        "d_mean_masked": sum(changes) / len(changes),
        "identity": float(F.cosine_similarity(own, person)),
    }


def _means(scores: Sequence[Mapping[str, float]]) -> dict[str, float | None]:
    names = ("arrival", "d_mean_masked", "identity")
    return {name: rounded(sum(one[name] for one in scores) / len(scores)) if scores else None for name in names}


@torch.no_grad()
def _composed_face(bench: Bench, pair: Pair, part: str) -> Latent:
    """As SAT3DSwapParts makes it."""
    return swap_parts(
        bench.network, bench.parts.field, pair.source, pair.reference, SWAPPED[part][0], masks=bench.masks,
        examine=bench.examine,
    )  # fmt: skip


def _composed(bench: Bench, pair: Pair, part: str) -> list[Rendering]:
    return bench.views(_composed_face(bench, pair, part), pair.yaws_deg, labelled=True)


def _grown_together(bench: Bench, pair: Pair, part: str) -> list[Rendering]:
    face = grow_together(bench.network, _composed_face(bench, pair, part), _GROWING_STEPS)
    return bench.views(face, pair.yaws_deg)


def _style_swapped(bench: Bench, pair: Pair, part: str) -> list[Rendering]:
    known = [name for name in SWAPPED[part][2] if name in bench.masks.attributes]
    if not known:
        raise ConfigError("The masks know no attribute of this part", bench.masks.attributes, SWAPPED[part][2],
                          "pass masks of the built-in domain")  # fmt: skip
    return bench.views(transfer(pair.source, pair.reference, bench.masks, known, bench.network.layout), pair.yaws_deg)


def _w_swapped(bench: Bench, pair: Pair, part: str) -> list[Rendering]:
    """The reference's styles in the middle layers, whatever the part."""
    layout = bench.network.layout
    own, theirs = (layout.split(face.styles) for face in (pair.source, pair.reference))
    taken = {name for name in own if any(f".b{level}." in name for level in _SWAPPED_WS)}
    styles = torch.cat([(theirs if name in taken else own)[name] for name in own], 1)
    return bench.views(Latent(styles, pair.source.camera, "", layout.fingerprint), pair.yaws_deg)


def _pasted(bench: Bench, pair: Pair, part: str) -> list[Rendering]:
    """The reference's pixels of the part over the source's picture, view by view."""
    numbers, found = bench.parts.field.numbers(SWAPPED[part][0]), []
    for own, other in zip(pair.source_views, pair.reference_views, strict=True):
        mask = resize(other.parsing[:, numbers].sum(1, keepdim=True), *own.image.shape[2:])
        found.append(Rendering(torch.lerp(own.image, other.image, mask.clamp(0, 1))))
    return found


_WAYS: dict[str, Callable[[Bench, Pair, str], list[Rendering]]] = {
    "composition": _composed,
    "grown_together": _grown_together,
    "style_swap": _style_swapped,
    "paste_2d": _pasted,
    "w_swap": _w_swapped,
}


def save_sheet(rows: Sequence[tuple[Pair, Mapping[str, Sequence[Rendering]]]], path: Path) -> None:
    """A row per pair: source, reference, then each method, from the front and from a side."""
    make_folder(path.parent)
    cells = []
    for pair, made in rows:
        columns = [pair.source_views, pair.reference_views, *(made[method] for method in METHODS)]
        cells.append([to_pil(view.image)[0] for views in columns for view in views])
    label = "front and side of each: source, reference, " + ", ".join(METHODS)
    save_picture(contact_sheet(cells, [label] * len(cells), _CELL_PX), path)
