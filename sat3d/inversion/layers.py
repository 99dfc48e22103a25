"""An edited head in its photo, by layers: the photo where nothing changed, the generator's picture where something did.

Adding the difference of two generator pictures to a photo keeps the photo's details, but where the inversion missed an
outline the outline is seen twice. So the difference is added where photo and both pictures agree in what they show, as
of skin that is tinted; elsewhere the generator's picture itself is put in, its colours shifted, part by part, by what
the inversion missed around, and its edges as steep as the photo's. The seam is blended in two bands, fine ones in a
narrow seam, coarse ones in a wide one (Burt & Adelson 1983), all of it within the changed region.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..networks.loading import resize
from ..parsing.labels import BACKGROUND, BEARD, BROWS, CLOTH, EARS, EYES, GLASSES, HAIR, MOUTH, NECK, NOSE, SKIN
from .align import Crop, cut, turn, turn_upright
from .paste import check_crops, enlarge, pixels_of
from .sharpness import matching_strength, steepen
from .smoothing import blur, distance_within, grown_from, largest_around, smoothstep

# What is told apart: where skin ends and a nose begins makes no outline.
GROUPS = ((BACKGROUND,), (CLOTH,), (SKIN, NOSE, EARS, NECK), (HAIR,), (BROWS,), (EYES,), (MOUTH,), (BEARD,), (GLASSES,))
FIRST_OF_HEAD = 2  # among the groups
_RIM_PX = 2  # of the maps
_STRANDS = (3, 7)  # hair and beard: their generated picture is too soft to tell whether strands moved
_MAP_PX = 256  # side of the maps
_WORK_PX = 1024  # largest side at which the generator's picture is sharpened and the seam computed
# Of the values -1..1. An edit of one attribute touches others a little; that is not carried over.
_CHANGED, _CERTAINLY_CHANGED = 0.08, 0.18
_STEADY = 0.85  # intersection over union of a group before and after: it was not edited, its outline trembles
# Shares of the crop's side.
_SMOOTH, _NEAR, _MISSED, _MARGIN = 0.006, 0.03, 0.04, 0.006
_STRUCTURE = 0.012  # of the side: where structures are compared around a pixel
_CORRELATED = (0.4, 0.8)  # correlation of structures: those that moved, and those that are the same
_FLAT = 0.02  # of the values -1..1: less is no structure
_SAME = (0.3, 0.8)  # share of a pixel that shows the same in all three pictures
_FAINT = 0.02  # weight of the whole head where a part is not seen around
_FINE = 0.35  # width of the seam of fine bands, of that of coarse ones

Parse = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Layers:
    """At the side N of the work: ``before`` and ``edited [1, 3, N, N]``, sharpened; ``shift [1, 3, N, N]``: what is
    added to the generator's colours; ``kept [1, 1, N, N]`` 0..1: where the photo's details lie beneath the edit;
    ``around [1, 1, N, N]`` 0..1: where nothing is edited, whatever the generator does there; ``distance [1, 1, N, N]``:
    pixels from the edge of the changed region inwards, 0 outside of it."""

    before: Tensor
    edited: Tensor
    shift: Tensor
    kept: Tensor
    around: Tensor
    distance: Tensor


def paste_layers(
    photo: Tensor,
    before: Tensor,
    edited: Tensor,
    crop: Crop,
    parse: Parse,
    mask: Tensor | None = None,
    feather: float = 0.04,
) -> tuple[Tensor, Tensor]:
    """``photo [1, 3, H, W]`` with the edit that made ``edited [1, 3, S, S]`` of ``before``, where ``crop`` was cut; and
    ``[1, 1, H, W]`` 0..1, how much each pixel is of the edit: where it is 0 the photo is exactly as it was.

    ``before``: the generator's picture of the unedited face. ``parse``: pictures ``[B, 3, h, w]`` in -1..1 to shares of
    ``LABEL_NAMES``, such as ``HeadParser.probabilities``. ``mask [1, 1, S, S]`` 0..1: where the edit is wanted.
    ``feather``: width of the seam, of the crop's side.

    Raises:
        ShapeError: see :func:`sat3d.inversion.paste.paste_back`.
    """
    check_crops(photo, edited, before, mask)
    if crop.quarter_turns:
        upright = turn_upright(photo, crop)
        pasted, weights = paste_layers(upright[0], before, edited, upright[1], parse, mask, feather)
        return turn(pasted, -crop.quarter_turns), turn(weights, -crop.quarter_turns)
    pixels = pixels_of(photo, crop)
    x0, y0, x1, y1 = pixels
    side = min(_WORK_PX, max(edited.shape[-1], round(crop.side)))
    own = cut(photo, crop, side)
    layers = make_layers(own, before.to(own), edited.to(own), parse, feather)
    coarse, fine = (_seam(layers, share * feather) for share in (1.0, _FINE))
    if mask is not None:
        wanted = resize(mask.to(own), side, side)
        coarse, fine = coarse * wanted, fine * wanted
    low = blur(_layer(layers, own) - own, feather * side / 3)
    low, coarse, fine = (enlarge(part, crop, pixels) for part in (low, coarse, fine))
    coarse, fine = (part.clamp(0, 1) * (part > 1e-3) for part in (coarse, fine))
    there = photo[:, :, y0:y1, x0:x1]
    high = _layer(Layers(*(enlarge(part, crop, pixels) for part in vars(layers).values())), there) - there - low
    new = there + coarse * low + fine * high
    weight = torch.maximum(coarse, fine)
    result, weights = photo.clone(), torch.zeros_like(photo[:, :1])
    result[:, :, y0:y1, x0:x1] = torch.where(weight > 0, new.clamp(-1, 1), there)
    weights[:, :, y0:y1, x0:x1] = weight
    return result, weights


def make_layers(own: Tensor, before: Tensor, edited: Tensor, parse: Parse, feather: float = 0.0) -> Layers:
    """Of the photo's crop ``own [1, 3, N, N]`` and the generator's pictures ``[1, 3, S, S]``. The changed region is
    wider by ``feather``, so that the seam lies where photo and edit are alike."""
    side = own.shape[-1]
    small = torch.cat([resize(picture, _MAP_PX, _MAP_PX) for picture in (own, before, edited)]).clamp(-1, 1)
    shares = group_shares(parse(small).to(own))
    of_photo, of_before, of_edit = shares.split(1)
    change = small[2:] - small[1:2]
    changed = changed_region(change, shares)
    same = shares.amin(0, keepdim=True)  # what all three show
    alike = strands_apart(_alike(small[1:2], small[2:]), of_before, of_edit)
    kept = blur(smoothstep(same.sum(1, keepdim=True), *_SAME), _SMOOTH * _MAP_PX) * alike
    # Not as far as the head's outline in the photo: a rim of it would be left where the edit's is narrower.
    around = 1 - largest_around(1 - smoothstep(same[:, :FIRST_OF_HEAD].sum(1, keepdim=True), *_SAME), _RIM_PX)
    trusted = of_photo * of_before
    shift = part_colours(small[:1] - small[1:2], trusted, of_edit)
    large = lambda picture: enlarge(picture, Crop(0, 0, side), (0, 0, side, side))  # noqa: E731
    soft, reach = large(before), max(1, round(side / before.shape[-1]))
    head = large(1 - of_photo[:, :1]).clamp(0, 1) * large(_agreement(of_photo, of_before)).clamp(0, 1)
    strength = matching_strength(soft, own, head, reach)
    region = largest_around((large(blur(changed.float(), 1.0)) > 0.5).float(), round((_MARGIN + feather) * side)) > 0
    distance = distance_within(region)
    of_both = steepen(soft, strength, reach), steepen(large(edited), strength, reach)
    return Layers(of_both[0], of_both[1], large(shift), large(kept).clamp(0, 1), large(around).clamp(0, 1), distance)


def group_shares(shares: Tensor) -> Tensor:
    """``[B, labels, H, W]`` -> ``[B, groups, H, W]``, see ``GROUPS``."""
    return torch.stack([shares[:, list(group)].sum(1) for group in GROUPS], 1)


def changed_region(change: Tensor, shares: Tensor) -> Tensor:
    """``change [1, 3, M, M]`` of the generator's picture, ``shares [3, groups, M, M]`` of photo, before and edited ->
    ``[1, 1, M, M]`` bool: where the photo must give way.

    That is where the change is more than the little that an edit does to everything, behind the head and below it only
    where it is covered or uncovered; and where the photo shows a part that the edit changed near by, and the edit does
    not: what the inversion missed of it.
    """
    size = change.shape[-1]
    of_photo, of_before, of_edit = shares.argmax(1, keepdim=True).split(1)
    changed = clearly_changed(change, _may_change(of_before, of_edit, shares.shape[1]))
    left = torch.zeros_like(changed)
    for number in range(1, shares.shape[1]):
        touched = (changed & (of_before == number)).to(change)
        near = largest_around(touched, round(_MISSED * size)) > 0
        left |= near & (of_photo == number) & (of_edit != number)
    return changed | left


def clearly_changed(change: Tensor, where: Tensor | None = None) -> Tensor:
    """``change [1, 3, M, M]`` -> ``[1, 1, M, M]`` bool: what changed much, and what changed beside; only ``where``."""
    amount = blur(change, _SMOOTH * change.shape[-1]).abs().amax(1, keepdim=True)
    where = torch.ones_like(amount, dtype=torch.bool) if where is None else where
    return grown_from((amount > _CERTAINLY_CHANGED) & where, (amount > _CHANGED) & where)


def _may_change(before: Tensor, edited: Tensor, groups: int) -> Tensor:
    """``[1, 1, M, M]`` bool, by the groups of each pixel: not what is behind the head or worn below it, and not where
    two parts meet of which neither was edited."""
    steady = steady_groups(before, edited, groups)
    around = (before == edited) & (before < FIRST_OF_HEAD)
    return ~around & ~((before != edited) & steady[before] & steady[edited])


def steady_groups(before: Tensor, edited: Tensor, groups: int) -> Tensor:
    """``[groups]`` bool, from the group of each pixel: which have the same outline before and after."""
    both = [((before == n) & (edited == n)).sum() for n in range(groups)]
    either = [((before == n) | (edited == n)).sum().clamp_min(1) for n in range(groups)]
    return torch.stack([one / other >= _STEADY for one, other in zip(both, either, strict=True)])


def strands_apart(alike: Tensor, before: Tensor, edited: Tensor) -> Tensor:
    """``alike [1, 1, M, M]`` 0..1, but in hair, by shares ``[1, groups, M, M]``, 1 where hair kept its outline, and so
    its strands, and else 0."""
    steady = steady_groups(before.argmax(1), edited.argmax(1), before.shape[1])
    for number in _STRANDS:
        alike = torch.lerp(alike, steady[number].to(alike), edited[:, [number]])
    return alike


def part_colours(missed: Tensor, trusted: Tensor, shares: Tensor) -> Tensor:
    """What the inversion missed of the photo's colours, ``missed [1, 3, M, M]``, as a smooth field for each group, put
    together by the ``shares [1, groups, M, M]`` of the picture that is shifted. ``trusted``: where each group is seen
    in photo and inversion alike. A group that is not seen around gets what the head has."""
    sigma = _NEAR * missed.shape[-1]
    everywhere = blur(trusted[:, 1:].sum(1, keepdim=True), 2 * sigma) + 1e-4
    common = blur(missed * trusted[:, 1:].sum(1, keepdim=True), 2 * sigma) / everywhere
    total = torch.zeros_like(missed)
    for number in range(shares.shape[1]):
        weight = trusted[:, number : number + 1]
        near = (blur(missed * weight, sigma) + _FAINT * common) / (blur(weight, sigma) + _FAINT)
        total = total + shares[:, number : number + 1] * near
    return total


def _agreement(one: Tensor, other: Tensor) -> Tensor:
    """0..1: whether two pictures show the same group."""
    return torch.minimum(one, other).sum(1, keepdim=True)


def _alike(one: Tensor, other: Tensor) -> Tensor:
    """0..1: whether the same structure is seen in two pictures, whatever its colour: how their fine brightness
    correlates around each pixel. Where neither has any, it is the same."""
    sigma = _STRUCTURE * one.shape[-1]
    fine = [picture.mean(1, keepdim=True) for picture in (one, other)]
    fine = [picture - blur(picture, 2 * sigma) for picture in fine]
    powers = [blur(part.square(), sigma) + _FLAT**2 for part in fine]
    both = blur(fine[0] * fine[1], sigma) + _FLAT**2
    return smoothstep(both / (powers[0] * powers[1]).sqrt(), *_CORRELATED)


def _layer(layers: Layers, own: Tensor) -> Tensor:
    """The edit as it is seen where it covers ``own`` wholly."""
    missed = own - layers.before - layers.shift
    return torch.lerp(layers.edited + layers.shift + layers.kept * missed, own, layers.around)


def _seam(layers: Layers, feather: float) -> Tensor:
    width = feather * layers.distance.shape[-1]
    return (layers.distance > 0).float() if width < 1 else smoothstep(layers.distance, 0.0, width)
