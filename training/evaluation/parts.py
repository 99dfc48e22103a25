"""Parts in 3D: masks of unseen views against renders, and parts swapped between heads against other ways to do it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm

from sat3d.camera import split_label
from sat3d.errors import ConfigError
from sat3d.files.writing import make_folder
from sat3d.generators import Rendering, RenderOptions, TriplaneGenerator
from sat3d.generators.rays import camera_rays
from sat3d.latent import Latent
from sat3d.masks import AttributeMasks, load_masks
from sat3d.metrics import d_mean, pixel_changes
from sat3d.networks.built_in import GENERATOR, MASKS
from sat3d.networks.loading import resize
from sat3d.networks.reader import AttributeReader, load_reader
from sat3d.parts.field import Parts, load_parts
from sat3d.parts.generator import views_of
from sat3d.parts.swapping import swap_parts
from sat3d.pictures import contact_sheet, save_picture, to_pil
from sat3d.regions import widen
from sat3d.transfer import transfer
from training.common.settings import BuiltIn, Maybe, Range
from training.networks.coded_heads import Coder, CoderSettings, find_coder, load_domain_generator
from training.networks.metrics import confusion, mean, overlaps
from training.parts.heads import LabelledHead, rendered_heads
from training.synthheads.labels import attributes_of

from .judging import rounded
from .people import Judging

VIEWS = 8
# Part -> labels that are taken, the truth that shows it, attributes of the masks that move it.
SWAPPED: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "hair": (("hair",), "hair_style", ("hairstyle", "hair_colour")),
    "glasses": (("glasses",), "glasses", ("eyeglasses",)),
    "beard": (("beard",), "beard", ("beard",)),
    "eyes": (("eyes", "brows"), "iris_colour", ("eye_region",)),
}
METHODS = ("composition", "style_swap", "paste_2d", "w_swap")
_YAWS_DEG = (-40.0, 0.0, 40.0)
_FRONT = 1
_SAME_DEPTH = 0.01  # world units
_MASK_EDGE = 0.1  # a pixel with so much of a part is of it
_MASK_MARGIN_PX = 3  # what super-resolution carries out of it
_SWAPPED_WS = ("8", "16", "32")  # resolutions of the backbone that hold what hair, eyes and beards look like
_MOST_TRIES = 40  # times the pairs that are wanted
_CELL_PX = 160


@dataclass(frozen=True, kw_only=True)
class JudgeParts(CoderSettings, Judging):
    """Parts in 3D: masks of unseen views against renders, and parts swapped between heads against other ways."""

    checkpoint: BuiltIn = GENERATOR  # the generator's .safetensors file
    parts: Maybe[Path] = None  # the semantic field (the built-in one)
    masks: BuiltIn = MASKS  # for the style swap
    heads: Annotated[int, Range(1, 10**4)] = 24  # whose masks are compared with renders, in 8 views each
    pairs: Annotated[int, Range(0, 10**4)] = 10  # of each part
    pictures: Maybe[Path] = None  # a folder for sheets


@dataclass(frozen=True)
class Bench:
    network: TriplaneGenerator
    coder: Coder
    parts: Parts
    masks: AttributeMasks
    reader: AttributeReader
    seed: int

    def face(self, head: int) -> Latent:
        styles = self.coder.draw(self.seed, [head]).styles
        return Latent(styles, self.network.rig.label(), "", self.network.layout.fingerprint, name=f"head {head}")

    @torch.no_grad()
    def views(self, face: Latent) -> list[Rendering]:
        """At −40°, 0°, 40°, with labels."""
        cameras = torch.cat([self.network.rig.label(math.radians(yaw)) for yaw in _YAWS_DEG])
        options = RenderOptions(fast=True)
        return list(views_of(self.network, face, cameras, options, self.parts.field, labelled=True))


def run(settings: JudgeParts) -> dict:
    """Report with the keys ``masks.{miou, iou, reprojection}`` and ``methods.<method>.<part>.{arrival, d_mean_masked,
    identity}``: see :func:`judge_masks` and :func:`judge_swap`."""
    network, parts = load_domain_generator(settings.checkpoint), load_parts(settings.parts)
    parts.check(network)
    coder = find_coder(network, settings.encoder, settings.population)
    bench = Bench(network, coder, parts, load_masks(settings.masks, network.layout), load_reader(), settings.seed)
    report: dict = {"seed": settings.seed, "heads": settings.heads, "pairs": settings.pairs}
    report["masks"] = judge_masks(bench, settings.heads)
    report["methods"] = judge_methods(bench, settings.pairs, settings.pictures)
    print(summary(report))
    return report


# -- masks


@torch.no_grad()
def judge_masks(bench: Bench, heads: int) -> dict:
    """Overlap of each label with that of renders, over all pixels of 8 views of heads that were never learned from; and
    the share of the pixels of one view whose label is that of the same point in the next."""
    names = bench.parts.field.labels
    table, same, all_ = torch.zeros(len(names), len(names), dtype=torch.int64), 0, 0
    heads_seen = rendered_heads(bench.coder, bench.seed, range(heads), VIEWS)
    for head in tqdm(heads_seen, "masks", heads, disable=None):
        face = Latent(head.styles, head.cameras[:1], "", bench.network.layout.fingerprint)
        options = RenderOptions(fast=True)
        views = list(views_of(bench.network, face, head.cameras, options, bench.parts.field, labelled=True))
        table += _confusion(head, views)
        for i in range(len(views) - 1):
            hits, number = agreement(views[i], views[i + 1], head.cameras[i : i + 1], head.cameras[i + 1 : i + 2])
            same, all_ = same + hits, all_ + number
    shares = overlaps(table)
    return {
        "miou": rounded(mean(shares)),
        "reprojection": rounded(same / max(all_, 1)),
        "iou": dict(zip(names, map(rounded, shares), strict=True)),
    }


def _confusion(head: LabelledHead, views: Sequence[Rendering]) -> Tensor:
    shares = torch.cat([view.parsing for view in views])
    found = resize(shares, *head.labels.shape[1:]).argmax(1)
    return confusion(head.labels.long(), found, shares.shape[1])


def agreement(view: Rendering, other: Rendering, camera: Tensor, other_camera: Tensor) -> tuple[int, int]:
    """How many pixels of ``view`` that show a head at a point that ``other`` sees, too, have its label there; and how
    many such pixels there are."""
    side = view.depth.shape[-1]
    origins, directions = camera_rays(camera, side)
    points = (origins + directions * view.depth.reshape(1, -1, 1))[0]
    pose, intrinsic = split_label(other_camera)
    seen = torch.linalg.inv(pose[0]) @ F.pad(points, (0, 1), value=1.0).T
    place = (intrinsic[0] @ (seen[:3] / seen[2:3]))[:2].T * 2 - 1
    grid = place[None, None]
    look = lambda x: F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)[0, :, 0]  # noqa: E731
    away = (points - pose[0, :3, 3]).norm(dim=1)
    labels = view.parsing[0].argmax(0).flatten()
    valid = (place.abs() < 1).all(1) & (labels > 0) & ((look(other.depth)[0] - away).abs() < _SAME_DEPTH)
    return int((look(other.parsing).argmax(0) == labels)[valid].sum()), int(valid.sum())


# -- swaps


@dataclass(frozen=True)
class Pair:
    """A source and a reference that differ in what a part's truth says, as the reader sees, too."""

    source: Latent
    reference: Latent
    wanted: str
    source_views: list[Rendering]
    reference_views: list[Rendering]


def judge_methods(bench: Bench, count: int, folder: Path | None) -> dict:
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
        said = attributes_of(bench.coder.population.draw(bench.seed, head))[truth]
        if source is not None and said in (source[1], "hidden", "other"):
            continue
        face = bench.face(head)
        views = bench.views(face)
        if read(bench, views[_FRONT].image)[0][truth] != said:
            continue
        if source is None:
            source = (face, said, views)
            continue
        yield Pair(source[0], face, said, source[2], views)
        source, found = None, found + 1
        if found == count:
            return


def read(bench: Bench, image: Tensor) -> tuple[dict[str, str], Tensor]:
    """What the reader says of a picture ``[1, 3, H, W]``, and its vector of the person."""
    image = image.clamp(-1, 1)
    return bench.reader.read(image)[0].names, bench.reader(image).identity


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
    names, person = read(bench, images[_FRONT])
    own = read(bench, pair.source_views[_FRONT].image)[1]
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


def _composed(bench: Bench, pair: Pair, part: str) -> list[Rendering]:
    with torch.no_grad():
        face = swap_parts(bench.network, bench.parts.field, pair.source, pair.reference, SWAPPED[part][0])
    return bench.views(face)


def _style_swapped(bench: Bench, pair: Pair, part: str) -> list[Rendering]:
    known = [name for name in SWAPPED[part][2] if name in bench.masks.attributes]
    if not known:
        raise ConfigError("The masks know no attribute of this part", bench.masks.attributes, SWAPPED[part][2],
                          "pass masks of the built-in domain")  # fmt: skip
    return bench.views(transfer(pair.source, pair.reference, bench.masks, known, bench.network.layout))


def _w_swapped(bench: Bench, pair: Pair, part: str) -> list[Rendering]:
    """The reference's styles in the middle layers, whatever the part."""
    layout = bench.network.layout
    own, theirs = (layout.split(face.styles) for face in (pair.source, pair.reference))
    taken = {name for name in own if any(f".b{level}." in name for level in _SWAPPED_WS)}
    styles = torch.cat([(theirs if name in taken else own)[name] for name in own], 1)
    return bench.views(Latent(styles, pair.source.camera, "", layout.fingerprint))


def _pasted(bench: Bench, pair: Pair, part: str) -> list[Rendering]:
    """The reference's pixels of the part over the source's picture, view by view."""
    numbers, found = bench.parts.field.numbers(SWAPPED[part][0]), []
    for own, other in zip(pair.source_views, pair.reference_views, strict=True):
        mask = resize(other.parsing[:, numbers].sum(1, keepdim=True), *own.image.shape[2:])
        found.append(Rendering(torch.lerp(own.image, other.image, mask.clamp(0, 1))))
    return found


_WAYS: dict[str, Callable[[Bench, Pair, str], list[Rendering]]] = {
    "composition": _composed,
    "style_swap": _style_swapped,
    "paste_2d": _pasted,
    "w_swap": _w_swapped,
}


def save_sheet(rows: Sequence[tuple[Pair, Mapping[str, Sequence[Rendering]]]], path: Path) -> None:
    """A row per pair: source, reference, then each method, at −40°, 0°, 40°."""
    make_folder(path.parent)
    cells = []
    for pair, made in rows:
        columns = [pair.source_views, pair.reference_views, *(made[method] for method in METHODS)]
        cells.append([to_pil(view.image)[0] for views in columns for view in views])
    label = "three views each: source, reference, " + ", ".join(METHODS)
    save_picture(contact_sheet(cells, [label] * len(cells), _CELL_PX), path)


def summary(report: dict) -> str:
    """A few lines for people."""
    masks = report["masks"]
    lines = [f"{report['heads']} heads: mIoU {masks['miou']}, the same label in the next view {masks['reprojection']}"]
    for method, parts in report["methods"].items():
        told = (f"{part} {s['arrival']}, {s['d_mean_masked']}, {s['identity']}" for part, s in parts.items())
        lines.append(f"{method} (arrival, D_mean outside, identity): " + "; ".join(told))
    return "\n".join(lines)
