"""Whether a picture was inverted well enough to be edited: is there a face, is it of the generator's domain, and how
near did the inversion come, by points of the face, parts of the head and colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from ..faces.finding import find_faces
from ..faces.networks import FaceNetworks
from ..networks.loading import resize
from .layers import group_shares
from .scores import psnr

_SIDE_PX = 256
_FIRST_OF_HEAD = 2  # among the groups of parts

Parse = Callable[[Tensor], Tensor]


class Answer(Enum):
    """What can be said of an inversion, in words for people."""

    GOOD = "good: the face was found again"
    LIKE_A_DRAWING = (
        "like a drawing of it: the picture is not of the kind that this generator makes, or was cut otherwise. Use what "
        "was found as a character of its own, or choose an official checkpoint for photographs"
    )
    NO_FACE = "not a face"


@dataclass(frozen=True)
class Verdict:
    """``face``: one was found in the picture. ``points``: mean distance of the points of both faces, in distances of
    the eyes; None where the found picture shows no face. ``regions`` 0..1: intersection over union of the head and its
    parts, by their areas. ``colours``: mean difference of their mean colours, in values of -1..1. ``db``: PSNR."""

    face: bool
    points: float | None
    regions: float
    colours: float
    db: float

    @property
    def answer(self) -> Answer:
        return judge(self)


def examine(picture: Tensor, found: Tensor, parse: Parse, networks: FaceNetworks | None = None) -> Verdict:
    """``picture [1, 3, H, H]`` and what an inversion ``found [1, 3, S, S]``, both in -1..1. ``parse``: pictures to
    shares of ``LABEL_NAMES``, such as ``HeadParser.probabilities``."""
    both = torch.cat([resize(each.float().cpu(), _SIDE_PX, _SIDE_PX) for each in (picture, found)]).clamp(-1, 1)
    with torch.no_grad():
        shares = group_shares(parse(both))[:, _FIRST_OF_HEAD:]
    faces = [find_faces(each, networks) for each in both.split(1)]
    face = bool(faces[0])
    points = None
    if all(faces):
        apart = (faces[0][0].points[:, :2] - faces[1][0].points[:, :2]).norm(dim=1).mean()
        points = float(apart / max(faces[0][0].eyes_apart_px, 1.0))
    return Verdict(face, points, _overlap(shares), _colour_gap(both, shares), psnr(both[1:], both[:1]))


def judge(verdict: Verdict) -> Answer:
    """By thresholds that were measured, see docs/inversion.md."""
    raise NotImplementedError


def _overlap(shares: Tensor) -> float:
    """Of the groups of a head, weighted by how much there is of each."""
    both, either = (reduce(shares, 0).sum((1, 2)) for reduce in (torch.amin, torch.amax))
    return float(both.sum() / either.sum().clamp_min(1))


def _colour_gap(pictures: Tensor, shares: Tensor) -> float:
    """Of the means of each group, weighted by how much of it both pictures show."""
    area = shares.sum((2, 3))
    means = torch.einsum("bchw,bghw->bgc", pictures, shares) / area.clamp_min(1)[..., None]
    gap, weight = (means[0] - means[1]).abs().mean(1), area.amin(0)
    return float((gap * weight).sum() / weight.sum().clamp_min(1))
