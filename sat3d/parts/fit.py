"""How one head lies on another: centres of their parts, a similarity between them, and the tone of their skin."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from ..generators import RenderOptions, TriplaneGenerator
from ..generators.rays import camera_rays
from .cells import HIDDEN, find_cells, grown, own_cells, removal_cells
from .field import SKIN_LABELS, PartField
from .generator import Composition, generator_of

_SIDE = 64
_LEAST_PIXELS = 3
_TURNS_DEG = ((0, 0), (-25, 0), (25, 0), (-50, 0), (50, 0), (0, -20), (0, 20))  # yaw, pitch
_ALL_AROUND_DEG = (*_TURNS_DEG, (-100, 0), (100, 0), (150, 0), (-150, 0))
_OPAQUE = 0.5
_SIDES = ("brows", "eyes", "ears")  # parts that there are two of, under one label
# Parts that heads are laid on each other by; hair, which often hides half of an ear, would shift its centre.
_STEADY = ("eyes", "brows", "nose", "mouth", "l_eye", "r_eye", "l_brow", "r_brow", "u_lip", "l_lip")
_SCALE, _TURN_DEG = (0.8, 1.25), 20.0  # a fit beyond these is taken to be a mistake
_LOGIT_EDGE = 0.02


@dataclass(frozen=True)
class Anatomy:
    """What is known of a head. ``centres``: of parts, world units ``[3]``; ``weights``: how many pixels show them;
    ``extents``: highest and lowest y of parts; ``colours``: mean colour features ``[C]`` of parts, of all that is skin
    together.
    ``points [M, 3]``: of the surface, as it was seen, and ``names [M]``: the numbers of their labels."""

    centres: Mapping[str, Tensor]
    weights: Mapping[str, float]
    extents: Mapping[str, tuple[float, float]]
    colours: Mapping[str, Tensor]
    points: Tensor
    names: Tensor


@torch.no_grad()
def examine_head(network: TriplaneGenerator, part_field: PartField, styles: Tensor) -> Anatomy:
    """``styles [1, S]``; looks at small views from the front, the sides, above and below."""
    seeing = generator_of(network, Composition(part_field, labelled=True))
    planes = seeing.planes(styles.to(network.device))
    options, seen = RenderOptions(_SIDE, fast=True, occupancy=seeing.find_matter(planes, quick=True)), []
    turns = _ALL_AROUND_DEG if network.knows_all_sides else _TURNS_DEG
    for yaw, pitch in turns:
        camera = network.rig.label(math.radians(yaw), math.radians(pitch)).to(planes)
        rays, labels = seeing.labelled_rays(planes, camera, options)
        origins, directions = camera_rays(camera, _SIDE)
        points = (origins + directions * rays.depth.reshape(1, -1, 1))[0]
        names = cast(Tensor, labels)[0].argmax(0).flatten()
        seen.append((points, names, rays.features[0].flatten(1).T, rays.opacity.flatten()))
    points, names, features, opacity = (torch.cat(parts) for parts in zip(*seen, strict=True))
    solid = opacity > _OPAQUE
    return _measure(part_field.labels, points[solid], names[solid], features[solid])


def _measure(labels: tuple[str, ...], points: Tensor, names: Tensor, features: Tensor) -> Anatomy:
    centres, weights, extents = {}, {}, {}
    for number, label in enumerate(labels):
        own = points[names == number]
        if number and len(own) >= _LEAST_PIXELS:
            heights = own[:, 1]
            extents[label] = (float(heights.max()), float(heights.min()))
        for name, part in _halves(label, own):
            if number and len(part) >= _LEAST_PIXELS:
                centres[name], weights[name] = part.mean(0).cpu(), float(len(part))
    colours = {label: _mean_colour(labels, label, names, features) for label in labels[1:]}
    seen = {label: colour for label, colour in colours.items() if colour is not None}
    return Anatomy(centres, weights, extents, seen, points.cpu(), names.cpu())


def _mean_colour(labels: tuple[str, ...], label: str, names: Tensor, features: Tensor) -> Tensor | None:
    alike = [labels.index(name) for name in (SKIN_LABELS if label in SKIN_LABELS else (label,)) if name in labels]
    shown = features[torch.isin(names, torch.tensor(alike, device=names.device))]
    return shown.mean(0).cpu() if len(shown) >= _LEAST_PIXELS else None


def _halves(label: str, points: Tensor) -> list[tuple[str, Tensor]]:
    if label not in _SIDES:
        return [(label, points)]
    return [(f"{label} left", points[points[:, 0] < 0]), (f"{label} right", points[points[:, 0] >= 0])]


def fit_heads(base: Anatomy, other: Anatomy, parts: tuple[str, ...]) -> Tensor:
    """``[3, 4]``: points of the base head -> points of the other, by rotation, one scale and a shift.

    Parts that are taken over do not count, unless they are among the features of the face and all that is taken: then
    their own centres must meet.
    """
    steady = [name for name in base.centres if name in other.centres and name.removesuffix(" left").removesuffix(
        " right") in _STEADY and name.split()[0] not in parts]  # fmt: skip
    taken = [name for name in base.centres if name in other.centres and name.split()[0] in parts]
    if len(steady) < 3:
        fit = torch.eye(3, 4)
    else:
        weights = torch.tensor([min(base.weights[name], other.weights[name]) for name in steady]).sqrt()
        here, there = (torch.stack([each.centres[name] for name in steady]) for each in (base, other))
        fit = similarity(here, there, weights)
    if taken and all(name.split()[0] in _STEADY for name in parts):
        here, there = (torch.stack([each.centres[name] for name in taken]).mean(0) for each in (base, other))
        fit[:, 3] = there - fit[:, :3] @ here
    return fit


def similarity(here: Tensor, there: Tensor, weights: Tensor) -> Tensor:
    """The similarity ``[3, 4]`` that takes ``here [N, 3]`` nearest to ``there [N, 3]``, weighted (Umeyama 1991); one
    that turns or scales more than heads do becomes a shift."""
    shares = (weights / weights.sum())[:, None]
    mean_here, mean_there = (shares * here).sum(0), (shares * there).sum(0)
    a, b = here - mean_here, there - mean_there
    u, s, vt = torch.linalg.svd((shares * b).T @ a)
    mirror = torch.ones(3)
    mirror[2] = torch.sign(torch.linalg.det(u @ vt))
    turn = u @ torch.diag(mirror) @ vt
    scale = float((s * mirror).sum() / (shares * a.square()).sum().clamp_min(1e-12))
    angle = math.degrees(math.acos(max(-1.0, min(1.0, (float(turn.trace()) - 1) / 2))))
    if not _SCALE[0] <= scale <= _SCALE[1] or angle > _TURN_DEG:
        turn, scale = torch.eye(3), 1.0
    linear = scale * turn
    return torch.cat([linear, (mean_there - linear @ mean_here)[:, None]], 1)


def part_cells(
    network: TriplaneGenerator, numbers: Sequence[int], base: Anatomy, other: Anatomy, around: Sequence[int] = ()
) -> Tensor:
    """``[2, N, N, N]`` uint8: what is known of the parts with these labels in the base head and in the other, see
    :mod:`.cells`. ``around``: for the first of the labels, within how many cells of such a part of either head all that
    there is comes from the other (of heads that lie on each other as they are)."""
    # Only the planes' coordinates count, which are alike for all faces.
    scene = network.volume(network.planes(torch.zeros(1, network.layout.num_channels, device=network.device)))
    found = []
    for head, cells in ((base, removal_cells), (other, own_cells)):
        own = torch.isin(head.names, torch.tensor(numbers))
        points = [head.points[chosen].to(network.device) for chosen in (own, ~own & (head.names > 0))]
        found.append(cells(scene, *points))
    for label, margin in zip(numbers, around, strict=False):
        points = torch.cat([head.points[head.names == label] for head in (base, other)]).to(network.device)
        found[0][grown(find_cells(scene, points), margin)] = HIDDEN
    return torch.stack(found).cpu()


def tones(
    base: Anatomy, other: Anatomy, labels: Sequence[str], taken: Sequence[str], channels: int, sigmoid: bool
) -> Tensor:
    """``[K, channels]``: what is to be added to the colour logits of each label of the other head, so that its mean is
    that of the base head; 0 for parts that are ``taken`` over as they are, or that one of them lacks. ``sigmoid``:
    colours are sigmoids that were brought to -1..1, else they are what is composited themselves."""
    shared = [label for label in labels if label in base.colours and label in other.colours and label not in taken]
    found = torch.zeros(len(labels), channels)
    for label in shared:
        here, there = (_as_logits(each.colours[label], sigmoid) for each in (base, other))
        found[list(labels).index(label)] = here - there
    return found


def _as_logits(colour: Tensor, sigmoid: bool) -> Tensor:
    return torch.logit(((colour + 1) / 2).clamp(_LOGIT_EDGE, 1 - _LOGIT_EDGE)) if sigmoid else colour
