"""Measure edits that are pasted back into photos, where the truth is known: rendered heads and their true edits.

    python -m training.tools.measure_paste --seed 9 --count 12

A photo is a rendering of 1024 pixels. The generator shows the head from its true latent, and the edit twice: as the
latent of the head that is edited truly, which is the best that the generator could be asked for, and as the attribute
masks make it. With ``--steps`` the photo is also inverted, and what was found is edited by the masks. Each is pasted as
a difference and by layers. Prints the table of docs/inversion.md.
"""

import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from training.common.console import script
from sat3d.generators import load_generator
from sat3d.inversion import FeatureLoss, InversionOptions, Inverter, invert, load_encoder
from sat3d.inversion.align import Crop
from sat3d.inversion.layers import paste_layers
from sat3d.inversion.paste import paste_back, widen_mask
from sat3d.inversion.scores import psnr
from sat3d.inversion.smoothing import blur, largest_around
from sat3d.masks import load_masks
from sat3d.networks.built_in import GENERATOR, MASKS
from sat3d.networks.loading import resize
from sat3d.networks.reader import load_reader
from sat3d.parsing.labels import BACKGROUND, CLOTH
from sat3d.parsing.parser import HeadParser, load_parser
from sat3d.pictures import save_picture, to_pil
from training.common.settings import Maybe, Range, Settings
from training.evaluation.people import Crowd, PeopleSeed
from training.synthheads.edits import true_edit
from training.synthheads.populations import FIRST
from training.synthheads.views import render_head

# Attribute -> the parameter by which two people must differ in it.
EDITED = {
    "beard": "beard", "eyeglasses": "glasses", "hairstyle": "hair_style", "hair_colour": "hair_colour",
    "expression": "actions", "eye_region": "iris_colour",
}  # fmt: skip
SIDE_PX = 1024
_FEATHER = 24 / SIDE_PX
_NO_CHANGE = 2.5 / 127.5  # in any channel of -1..1
_BAND_PX = 8  # either side of a contour
WAYS = ("the photo as it was", "difference", "layers", "the generator's picture", "the true edit at its size")


@dataclass(frozen=True, kw_only=True)
class MeasurePaste(Settings):
    count: Annotated[int, Range(1)] = 12  # edits, of the six attributes in turn
    seed: PeopleSeed = 9
    steps: Annotated[int, Range(0)] = 0  # of an inversion in W+ of each photo; 0: none
    pictures: Maybe[Path] = None  # a folder for photo, true edit, difference and layers side by side
    threads: Annotated[int, Range(1)] = 2  # of torch


@dataclass(frozen=True)
class Scores:
    """``psnr``: dB where the true edit changed the photo; ``edge``: gradients along the contours of that region, of
    those of the true edit; ``seam``: the same along the contour of what was pasted; ``beside``: mean change, in levels
    of 255, away from the true change; ``share``: of the photo that was changed."""

    psnr: float
    edge: float
    seam: float
    beside: float
    share: float


@script(MeasurePaste)
@torch.no_grad()
def main(settings: MeasurePaste) -> int:
    torch.set_num_threads(settings.threads)
    rows: dict[tuple[str, str], list[Scores]] = {}
    for number, attribute, photo, truth, edits in cases(settings):
        for name, (before, edited) in edits.items():
            made = ways(photo, truth, before, edited)
            for way, (picture, weight) in made.items():
                rows.setdefault((name, way), []).append(score(photo, truth, picture, weight))
            if settings.pictures:
                shown = [photo, truth, *(made[way][0] for way in WAYS[1:4])]
                save_picture(to_pil(torch.cat(shown, 3))[0], settings.pictures / f"{number}_{attribute}_{name}.png")
        print("\n".join(table(rows)), flush=True)
    return 0


def cases(settings: MeasurePaste) -> Iterator[tuple[int, str, Tensor, Tensor, dict[str, tuple[Tensor, Tensor]]]]:
    """Number, attribute, photo and true edit ``[1, 3, 1024, 1024]``, and the generator's pictures before and after, by
    the names of the edits."""
    network = load_generator(GENERATOR).network
    tools = Inverter(network, "", load_encoder(), FeatureLoss(load_reader())) if settings.steps else None
    masks = load_masks(MASKS, network.layout)
    crowd = Crowd(settings.seed, 2 * settings.count, network.config.img_resolution, 25.0, FIRST)
    for number in range(settings.count):
        attribute = tuple(EDITED)[number % len(EDITED)]
        person, pose = crowd.person(number), crowd.poses(number)[0]
        other = next(
            other for other in map(crowd.person, range(number + 1, number + 1000))
            if getattr(person, EDITED[attribute]) != getattr(other, EDITED[attribute])
        )  # fmt: skip
        edit = true_edit(person, other, attribute)
        styles = [network.styles(network.map(torch.from_numpy(FIRST.latent(p).astype(np.float32))[None]))
                  for p in (person, edit, other)]  # fmt: skip
        own, theirs = (network.layout.editable(each) for each in (styles[0], styles[2]))
        chosen = masks.mask([attribute])
        moved = network.layout.with_editable(styles[0], own + chosen * (theirs - own))
        label = network.rig.label(pose.yaw_rad, pose.pitch_rad)
        before, best, by_masks = (network.synthesize(each, label).image for each in (styles[0], styles[1], moved))
        photo, truth = (picture_of(p, pose) for p in (person, edit))
        edits = {"its best": (before, best), "masks": (before, by_masks)}
        if tools is not None:
            edits["masks, after inversion"] = edit_inverted(tools, photo, settings.steps, chosen, theirs)
        yield number, attribute, photo, truth, edits


def edit_inverted(tools: Inverter, photo: Tensor, steps: int, mask: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
    """What is found in the photo, and its edit with the editable styles ``theirs`` under ``mask``, as taken."""
    network, layout = tools.network, tools.network.layout
    latent = invert(tools, photo, InversionOptions("W+", steps, 0)).latent
    own = layout.editable(latent.styles)
    moved = layout.with_editable(latent.styles, own + mask * (theirs - own))
    before, edited = (network.synthesize(each, latent.camera).image for each in (latent.styles, moved))
    return before, edited


def picture_of(person, pose) -> Tensor:
    image = render_head(person, [pose], SIDE_PX)[0].image
    return torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1


def ways(photo: Tensor, truth: Tensor, before: Tensor, edited: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """By the names of ``WAYS``: a picture, and where it is not the photo."""
    parser, crop, everywhere = load_parser(), Crop(0, 0, SIDE_PX), torch.ones_like(photo[:, :1])
    head = head_of(parser, photo, edited)
    layered = paste_layers(photo, before, edited, crop, parser.probabilities, feather=_FEATHER)
    small = resize(truth, *edited.shape[2:])
    enlarged = [F.interpolate(each, photo.shape[2:], mode="bicubic", align_corners=False) for each in (edited, small)]
    added = paste_back(photo, edited, crop, before, head, _FEATHER)
    whole = [(each, everywhere) for each in enlarged]
    return dict(zip(WAYS, ((photo, everywhere), (added, resize(head, SIDE_PX, SIDE_PX)), layered, *whole), strict=True))


def head_of(parser: HeadParser, photo: Tensor, edited: Tensor) -> Tensor:
    """As the node pastes differences."""
    side = edited.shape[-1]
    shares = parser.probabilities(torch.cat([resize(photo, side, side), edited]))
    return widen_mask(1 - shares[:, [BACKGROUND, CLOTH]].sum(1, keepdim=True).amin(0, keepdim=True), _FEATHER)


def score(photo: Tensor, truth: Tensor, picture: Tensor, weight: Tensor) -> Scores:
    changed = ((truth - photo).abs().amax(1, keepdim=True) > _NO_CHANGE).float()
    beside = 1 - largest_around(changed, 2 * _BAND_PX)
    moved = (picture - photo).abs().mean(1, keepdim=True) * beside
    return Scores(
        psnr(picture, truth, changed),
        _gradients(picture, contour(blur(changed, 3.0))) / _gradients(truth, contour(blur(changed, 3.0))) - 1,
        _gradients(picture, contour(weight)) / _gradients(truth, contour(weight)) - 1,
        127.5 * float(moved.sum() / beside.sum()),
        float((weight > 1 / 255).float().mean()),
    )


def contour(share: Tensor) -> Tensor:
    """``[1, 1, H, W]`` 0 or 1: around where the share passes one half."""
    inside = (share > 0.5).float()
    return largest_around(inside, _BAND_PX) + largest_around(-inside, _BAND_PX)


def _gradients(picture: Tensor, counted: Tensor) -> float:
    across, down = picture.diff(dim=3)[:, :, :-1], picture.diff(dim=2)[:, :, :, :-1]
    size = (across.square() + down.square()).mean(1, keepdim=True).sqrt() * counted[:, :, :-1, :-1]
    return float(size.sum() / counted.sum().clamp_min(1)) + 1e-9


def table(rows: dict[tuple[str, str], Sequence[Scores]]) -> Iterator[str]:
    yield "| edit | way | dB in the change | contour, mean and mean of sizes | seam | beside, levels | changed |"
    for (name, way), scores in rows.items():
        mean = {key: statistics.mean(getattr(each, key) for each in scores) for key in vars(scores[0])}
        sizes = statistics.mean(abs(each.edge) for each in scores)
        yield (
            f"| {name} | {way} | {mean['psnr']:.1f} | {mean['edge']:+.0%}, {sizes:.0%} | {mean['seam']:+.0%} "
            f"| {mean['beside']:.2f} | {mean['share']:.0%} |"
        )


if __name__ == "__main__":
    sys.exit(main())
