"""Pictures of styles, and what reader and parser see in them: everything that takes time."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sat3d.domains import Domain
from sat3d.generators import RenderOptions, TriplaneGenerator
from sat3d.networks.loading import SMALLEST_PICTURE_PX, resize
from sat3d.networks.reader import AttributeReader
from sat3d.parsing.parser import HeadParser
from sat3d.regions import alterable_region
from training.networks.coded_heads import Coder

_BATCH = {"cpu": 4}
_BATCH_ELSEWHERE = 32


@dataclass(frozen=True)
class Quality:
    """How pictures are made: side of the volume-rendered image, coarse and fine samples on a ray."""

    neural_px: int
    samples: tuple[int, int]


@dataclass(frozen=True)
class Seen:
    """What the reader says of N pictures: ``chances`` [N, values] of each category, ``numbers`` [N, size] of each."""

    chances: dict[str, Tensor]
    numbers: dict[str, Tensor]
    identity: Tensor

    def __len__(self) -> int:
        return len(self.identity)

    def select(self, index: Tensor) -> Seen:
        chances, numbers = ({k: v[index] for k, v in part.items()} for part in (self.chances, self.numbers))
        return Seen(chances, numbers, self.identity[index])

    def found(self, category: str) -> Tensor:
        """``[N]``: the number of the likeliest value."""
        return self.chances[category].argmax(1)


def join_seen(parts: Sequence[Seen]) -> Seen:
    first = parts[0]
    return Seen(
        {name: torch.cat([part.chances[name] for part in parts]) for name in first.chances},
        {name: torch.cat([part.numbers[name] for part in parts]) for name in first.numbers},
        torch.cat([part.identity for part in parts]),
    )


@dataclass
class Clock:
    """How many pictures were made and judged, and how long that took."""

    pictures: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Shots:
    """N pictures of one view: ``images`` half precision, what the reader sees, and labels where they were asked for."""

    images: Tensor  # [N, 3, p, p], -1..1
    seen: Seen
    labels: Tensor | None  # [N, p, p] uint8


def pick(shots: Shots, rows: Tensor) -> Shots:
    """Some of the pictures, by number."""
    return Shots(shots.images[rows], shots.seen.select(rows), None if shots.labels is None else shots.labels[rows])


@dataclass(frozen=True)
class Stage:
    """A generator with its heads and judges. All that it returns lies in the processor's memory."""

    network: TriplaneGenerator
    coder: Coder
    reader: AttributeReader
    parser: HeadParser
    domain: Domain
    quality: Quality
    clock: Clock = field(default_factory=Clock)

    def at(self, quality: Quality) -> Stage:
        """The same with pictures of another quality, and a clock of its own."""
        coarse, fine = quality.samples
        network = self.network.with_rendering(depth_resolution=coarse, depth_resolution_importance=fine)
        network = network.to(self.network.device).eval().requires_grad_(False)
        return Stage(network, self.coder, self.reader, self.parser, self.domain, quality)

    @property
    def picture_px(self) -> int:
        return max(self.network.config.img_resolution, SMALLEST_PICTURE_PX)

    def shoot(self, styles: Tensor, parse: bool = False) -> Shots:
        """``styles [N, S]`` from the front."""
        return self.turn(styles, (0.0,), parse)[0]

    @torch.inference_mode()
    def turn(self, styles: Tensor, yaws_deg: Sequence[float], parse: bool = False) -> list[Shots]:
        """``styles [N, S]`` from each of V sides; the backbone runs once a head."""
        started = time.perf_counter()
        size = _BATCH.get(self.network.device.type, _BATCH_ELSEWHERE)
        parts = [self._turn_some(some, yaws_deg, parse) for some in styles.to(self.network.device).split(size)]
        self.clock.seconds += time.perf_counter() - started
        self.clock.pictures += len(styles) * len(yaws_deg)
        return [_join_shots(views) for views in zip(*parts, strict=True)]

    def _turn_some(self, styles: Tensor, yaws_deg: Sequence[float], parse: bool) -> list[Shots]:
        planes, options = self.network.planes(styles), RenderOptions(neural_resolution=self.quality.neural_px)
        shots = []
        for yaw_deg in yaws_deg:
            camera = self.network.rig.label(math.radians(yaw_deg)).to(styles).expand(len(styles), -1)
            images = self.network.render(planes, styles, camera, options).image
            images = resize(images, self.picture_px, self.picture_px).clamp(-1, 1)
            labels = self.parser.labels(images).to(torch.uint8).cpu() if parse else None
            shots.append(Shots(images.half().cpu(), self.see(images), labels))
        return shots

    def see(self, images: Tensor) -> Seen:
        """``[N, 3, p, p]`` on the network's device."""
        output = self.reader(images)
        chances = {name: scores.softmax(1).cpu() for name, scores in output.scores.items()}
        return Seen(chances, {name: v.cpu() for name, v in output.numbers.items()}, output.identity.cpu())

    def region(self, labels: Tensor, attribute: str) -> Tensor:
        """The alterable region: labels ``[N, p, p]`` -> ``[N, p, p]`` bool."""
        return alterable_region(labels.long(), self.domain.regions[attribute], self.parser.config.labels)[:, 0]


def _join_shots(parts: Sequence[Shots]) -> Shots:
    labels = None if parts[0].labels is None else torch.cat([part.labels for part in parts])
    return Shots(torch.cat([part.images for part in parts]), join_seen([part.seen for part in parts]), labels)
