"""Loss weights per pixel for an inversion, from a painted mask and from parts that the parser finds."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..sat3d.errors import ShapeError
from ..sat3d.inversion import drivable_regions, weight_without
from ..sat3d.inversion.target import make_target
from ..sat3d.networks.loading import SMALLEST_PICTURE_PX
from ..sat3d.parsing.parser import HeadParser
from . import host, images
from .inversion_jobs import SEPARATE, Work

NOTHING = "nothing"
PARTS = {NOTHING: (), "glasses": ("glasses",), "mouth": ("mouth",), "glasses and mouth": ("glasses", "mouth")}
PROTECTED = {NOTHING: (), "mouth": ("mouth",), "mouth and eyes": ("mouth", "eyes")}


def weights_from_mask(ignore: Tensor | None, pictures: Tensor) -> Tensor | None:
    """MASK ``[1 or B, h, w]`` of what is ignored in ``pictures [B, 3, H, W]`` -> ``[B, 1, h, w]`` of what counts.

    Raises:
        ShapeError: no MASK, neither one nor as many as pictures, or of other proportions: not a mask of these pictures.
    """
    if ignore is None:
        return None
    mask, (count, _, height, width) = images.mask_from_host(ignore), pictures.shape
    if len(mask) not in (1, count):
        raise ShapeError(
            "Masks and pictures do not pair",
            tuple(ignore.shape),
            f"one mask, or {count}",
            "connect a mask for each picture",
        )
    if abs(mask.shape[2] * height - mask.shape[1] * width) > max(height, width, *mask.shape[1:]):
        raise ShapeError(
            "The mask is not of this picture: its proportions differ",
            f"{mask.shape[2]} x {mask.shape[1]} pixels",
            f"{width} x {height}, or the same at another size",
            "paint the mask on the crop that is connected to image, not on the whole photo",
        )
    return (1 - mask)[:, None].expand(count, -1, -1, -1)


def check_targets(work: Work) -> None:
    """Refuse a picture that cannot be inverted before the first one takes its time; frames of a video are held instead.

    Raises:
        ShapeError: see :func:`sat3d.inversion.target.make_target`.
    """
    if work.frames != SEPARATE:
        return
    for i, picture in enumerate(work.pictures.split(1)):
        with images.naming(i, len(work.pictures)):
            make_target(picture, SMALLEST_PICTURE_PX, work.weight_of(i))


def leave_out_parts(work: Work, parser: HeadParser, parts: Sequence[str], side: int, report: host.Report) -> Work:
    """The same work where ``parts`` (labels of the parser) do not count either: weights ``[B, 1, side, side]``, at
    least 64 pixels per side.

    Raises:
        ShapeError: a separate picture that cannot be inverted; such a frame of a video counts nowhere, and is held.
    """
    device, side = next(parser.parameters()).device, max(side, SMALLEST_PICTURE_PX)
    weights = []
    for i, picture in enumerate(work.pictures.split(1)):
        report(0, 1)
        try:
            with images.naming(i, len(work.pictures)):
                target = make_target(picture.to(device), side, work.weight_of(i))
        except ShapeError:
            if work.frames == SEPARATE:
                raise
            weights.append(torch.zeros(1, 1, side, side, device=device))
            continue
        seen = weight_without(parser, target.image, parts)
        weights.append(seen if target.weight is None else seen * target.weight)
    return replace(work, weight=torch.cat(weights))


def protect_parts(work: Work, parts: Sequence[str], side: int) -> Work:
    """The same work, of which tuning does not learn the inside of ``parts`` (see :func:`drivable_regions`), so that the
    face can be animated; where no face is found, nothing is left out, which is said."""
    side, weights, lost = max(side, SMALLEST_PICTURE_PX), [], []
    for i, picture in enumerate(work.pictures.split(1)):
        target = make_target(picture, side, work.weight_of(i))
        weight = torch.ones_like(target.image[:, :1]) if target.weight is None else target.weight
        region = drivable_regions(target.image, parts)
        if region is None:
            lost.append(i)
        weights.append(weight if region is None else weight.masked_fill(region, 0.0))
    if lost:
        host.warn(f"no face was found in {images.name_pictures(lost, len(work.pictures))}: tuning learns all of it")
    return replace(work, tuning_weight=torch.cat(weights))


def measure_share(weight: Tensor) -> float:
    """Of the pictures with weights ``[B, 1, h, w]``, 0..1; frames that are held tell nothing."""
    shares = weight.mean((1, 2, 3))
    return float(shares[shares > 0].mean())
