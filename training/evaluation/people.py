"""Fresh people to judge networks on, and the same people with another look."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from training.common.settings import Maybe, Range, Settings
from training.data.views import Piece, Views, gather
from training.synth.cameras import Pose
from training.synth.population import Population
from training.synth.streams import SEED_LIMIT, random_stream
from training.synth.views import check_device
from training.synthheads.parameters import HeadParameters
from training.synthheads.populations import FIRST
from training.synthheads.views import render_head

VIEWS_PER_PERSON = 2
_POSE_STREAM = 3
_PITCH_LIMIT_DEG = 12.0
# What stays when somebody changes hair, beard, glasses, clothes, make-up, face, place and light.
_OWN = (
    "shape",
    "sex",
    "age",
    "weight",
    "ancestry",
    "skin_tone",
    "skin_warmth",
    "skin_redness",
    "freckles",
    "iris_colour",
)


PeopleSeed = Annotated[int, Range(0, SEED_LIMIT - 1)]
Count = Annotated[int, Range(2 * VIEWS_PER_PERSON, 10**6)]
Size = Annotated[int, Range(64, 1024)]
YawDeg = Annotated[float, Range(0, 50), tyro.conf.arg(name="yaw")]


@dataclass(frozen=True, kw_only=True)
class Judging(Settings):
    """What every suite can be told."""

    json: Maybe[Path] = None  # write the report here
    seed: PeopleSeed = 7  # which people; not a seed that was trained on


@dataclass(frozen=True, kw_only=True)
class CrowdJudging(Judging):
    """Of a suite about a :class:`Crowd`."""

    count: Count = 200  # number of pictures, two of each person
    yaw_deg: YawDeg = 35.0  # largest yaw, in degrees


@dataclass(frozen=True)
class Crowd(Settings):
    """``count`` views of people of a ``population`` drawn with ``seed``, at yaws up to ``yaw_deg`` either way."""

    seed: PeopleSeed
    count: Count
    size: Size = 256
    yaw_deg: YawDeg = 35.0
    population: Population = FIRST

    @property
    def people(self) -> int:
        return -(-self.count // VIEWS_PER_PERSON)

    def person(self, head: int) -> HeadParameters:
        return self.population.draw(self.seed, head)

    def disguised(self, head: int) -> HeadParameters:
        """The same person with the next one's hair, beard, glasses, clothes, face, background and light."""
        person = self.person(head)
        return replace(self.person(head + 1), **{name: getattr(person, name) for name in _OWN})

    def poses(self, head: int) -> list[Pose]:
        """One pose for each plain view and one for the disguised."""
        draws = random_stream(self.seed, head, _POSE_STREAM).uniform(-1, 1, (VIEWS_PER_PERSON + 1, 2)).tolist()
        return [Pose(math.radians(self.yaw_deg * yaw), math.radians(_PITCH_LIMIT_DEG * pitch)) for yaw, pitch in draws]


def render_crowd(crowd: Crowd, device: str = "cpu") -> tuple[Views, Views]:
    """``count`` plain views, and one view of each person with another look."""
    plain = render_plain(crowd, device)
    disguised = gather(_disguised(crowd, device), crowd.people, crowd.size, "rendering disguises")
    return plain, disguised


def render_plain(crowd: Crowd, device: str = "cpu") -> Views:
    """``count`` plain views."""
    check_device(device)
    return gather(_plain(crowd, device), crowd.count, crowd.size, "rendering people")


def _plain(crowd: Crowd, device: str) -> Iterator[Piece]:
    for head in range(crowd.people):
        yield from _pieces(crowd.person(head), crowd.poses(head)[:VIEWS_PER_PERSON], head, crowd.size, device)


def _disguised(crowd: Crowd, device: str) -> Iterator[Piece]:
    for head in range(crowd.people):
        yield from _pieces(crowd.disguised(head), crowd.poses(head)[VIEWS_PER_PERSON:], head, crowd.size, device)


def _pieces(p: HeadParameters, poses: list[Pose], head: int, size: int, device: str) -> Iterator[Piece]:
    for pose, view in zip(poses, render_head(p, poses, size, device), strict=True):
        yield Piece(view.image, view.labels, head, p, pose.yaw_rad, pose.pitch_rad)
