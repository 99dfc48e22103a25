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
from .layers import FIRST_OF_HEAD, group_shares
from .scores import FAR_DB, psnr

_SIDE_PX = 256

Parse = Callable[[Tensor], Tensor]


class Answer(Enum):
    """What can be said of an inversion, in words for people."""

    GOOD = "good: the face was found again"
    LIKE_A_DRAWING = (
        "like a drawing of it: this generator does not make faces of that kind, or the picture was cut otherwise than "
        "its own. Choose method avatar for a character of its own, or an official checkpoint for photographs"
    )
    NO_FACE = "not a face: none was found in the picture, and what came of it is an invention"


# Measured, see docs/inversion.md.
_FARTHEST_POINTS, _LEAST_REGIONS, _MOST_COLOURS = 0.10, 0.60, 0.08
_SURE_REGIONS = 0.80  # with the PSNR of FAR_DB: the inversion is near, whatever the face networks say of profiles


@dataclass(frozen=True)
class Verdict:
    """``face``, ``found_face``: whether one is seen in the picture, and in what was found. ``points``: mean distance of
    the points of both, in distances of the eyes; None unless both are seen. ``regions`` 0..1: intersection over union
    of the parts of the head, by their areas. ``colours``: mean difference of their mean colours, in values of -1..1.
    ``db``: PSNR."""

    face: bool
    found_face: bool
    points: float | None
    regions: float
    colours: float
    db: float

    @property
    def answer(self) -> Answer | None:
        """None where neither shows a face, as of cars: then only the PSNR tells."""
        if not self.face and not self.found_face:
            return None
        if self.regions >= _SURE_REGIONS and self.db >= FAR_DB:
            return Answer.GOOD
        if not self.face:
            return Answer.NO_FACE
        near = self.points is not None and self.points <= _FARTHEST_POINTS
        alike = self.regions >= _LEAST_REGIONS and self.colours <= _MOST_COLOURS
        return Answer.GOOD if near and alike else Answer.LIKE_A_DRAWING

    @property
    def numbers(self) -> str:
        """For people: what the answer is from."""
        points = (
            "no face to compare" if self.points is None else f"points {self.points:.0%} of the eyes' distance apart"
        )
        return f"{points}, parts {self.regions:.0%} alike, colours {self.colours / 2:.0%} off, {self.db:.1f} dB"


def examine(picture: Tensor, found: Tensor, parse: Parse, networks: FaceNetworks | None = None) -> Verdict:
    """``picture [1, 3, H, H]`` and what an inversion ``found [1, 3, S, S]``, both in -1..1. ``parse``: pictures to
    shares of ``LABEL_NAMES``, such as ``HeadParser.probabilities``."""
    both = torch.cat([resize(each.float().cpu(), _SIDE_PX, _SIDE_PX) for each in (picture, found)]).clamp(-1, 1)
    with torch.no_grad():
        shares = group_shares(parse(both))[:, FIRST_OF_HEAD:].cpu()
    faces = [find_faces(each, networks) for each in both.split(1)]
    points = None
    if all(faces):
        apart = (faces[0][0].points[:, :2] - faces[1][0].points[:, :2]).norm(dim=1).mean()
        points = float(apart / max(faces[0][0].eyes_apart_px, 1.0))
    seen, again = map(bool, faces)
    return Verdict(seen, again, points, _overlap(shares), _colour_gap(both, shares), psnr(both[1:], both[:1]))


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
