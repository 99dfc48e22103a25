"""Where values of sliders are read: pictures to numbers, differentiable, by our reader, photo networks or CLIP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from sat3d.errors import ConfigError
from sat3d.faces.expressions import NAMES
from sat3d.faces.finding import find_faces, read_faces, squares_around
from sat3d.faces.networks import FaceNetworks
from sat3d.generators.base import fingerprint_of
from sat3d.networks.reader import AttributeReader, ReaderOutput
from sat3d.qmm.model import ImageTextModel

from .tables import (
    FACE_RATIOS,
    Contrast,
    Pair,
    Phrases,
    contrasts_of,
    group_of_blendshape,
    group_of_number,
    names_of_number,
    unit_of,
)

_SOFT = 4.0  # logits are divided by: a classifier's answer is a step, which cannot be climbed


@dataclass(frozen=True)
class Value:
    """What is read. ``group`` "": it gets no slider, but no slider may change it."""

    name: str
    group: str
    unit: str = ""


@dataclass(frozen=True)
class Readings:
    """Of B pictures: ``values [B, P]``; ``certainty [B, P]``, 0..1: how much each is worth; ``identity [B, D]``, of
    unit length or of no length at all."""

    values: Tensor
    certainty: Tensor
    identity: Tensor


class Source(Protocol):
    """Something that reads."""

    values: tuple[Value, ...]

    def read(self, images: Tensor) -> Readings:
        """``[B, 3, H, W]`` in about -1..1."""
        ...

    def fingerprint(self) -> str:
        """Which one it is."""
        ...


class ReaderSource:
    """Numbers of an attribute reader, and its categories as contrasts."""

    def __init__(self, reader: AttributeReader):
        self.reader, config = reader, reader.config
        told = [(name, size, group) for name, size in config.numbers if (group := group_of_number(name)) is not None]
        self.numbers = [name for name, _, _ in told]
        self.contrasts = contrasts_of(config)
        self._categories = dict(config.categories)
        self.values = (
            *(Value(part, group, unit_of(name)) for name, size, group in told for part in names_of_number(name, size)),
            *(Value(each.name, each.group) for each in self.contrasts),
        )
        sizes = [size for _, size in config.numbers]
        parts = reader.number_std.split(sizes)
        self._std = {name: part for (name, _), part in zip(config.numbers, parts, strict=True)}

    def read(self, images: Tensor) -> Readings:
        output = self.reader(images)
        numbers = [output.numbers[name] for name in self.numbers]
        contrasts = [self._contrast(output, each)[:, None] for each in self.contrasts]
        # How much smaller the error to expect is than what people differ by.
        sure = [1 / (1 + (output.spreads[name].detach() / self._std[name]).square()) for name in self.numbers]
        certainty = [*sure, *(torch.ones_like(contrast.detach()) for contrast in contrasts)]
        return Readings(torch.cat([*numbers, *contrasts], 1), torch.cat(certainty, 1), output.identity)

    def _contrast(self, output: ReaderOutput, contrast: Contrast) -> Tensor:
        names, scores = self._categories[contrast.category], output.scores[contrast.category]
        high = [i for i, name in enumerate(names) if (name == contrast.high if contrast.high else name != contrast.low)]
        return ((scores[:, high].logsumexp(1) - scores[:, names.index(contrast.low)]) / _SOFT).sigmoid()

    def fingerprint(self) -> str:
        return fingerprint_of(self.reader)


class FaceSource:
    """Blendshapes of the photo networks, and the shape of a face by its points; heads must be registered, as those of
    one generator are."""

    def __init__(self, networks: FaceNetworks, mean_head: Tensor):
        """``mean_head [1, 3, H, W]``: a picture of the generator's, in which the face shows where faces are.

        Raises:
            ConfigError: there is no face in it.
        """
        found = find_faces(mean_head.clamp(-1, 1), networks)
        if not found:
            raise ConfigError("The photo networks find no face in the generator's mean head", "none",
                              "a generator of photographs of faces", "choose another --source")  # fmt: skip
        self.networks, self.side = networks, mean_head.shape[-1]
        self.square = squares_around(found[0].points[None].to(mean_head.device))
        groups = [(i, name, group) for i, name in enumerate(NAMES) if (group := group_of_blendshape(name)) is not None]
        self.columns = [i for i, _, _ in groups]
        self.values = (
            *(Value(name, group) for _, name, group in groups),
            *(Value(name, "shape") for name in FACE_RATIOS),
        )

    def read(self, images: Tensor) -> Readings:
        points = torch.cat([self._points(image) for image in images.split(1)])
        values = torch.cat([self.networks.expressions(points)[:, self.columns], ratios(points)], 1)
        return Readings(values, torch.ones_like(values.detach()), values.new_zeros(len(values), 0))

    def _points(self, image: Tensor) -> Tensor:
        """``[1, 478, 3]``, by a second look in the square around what the first look finds."""
        square = self.square.clone()
        square[:, :3] *= image.shape[-1] / self.side
        with torch.no_grad():
            square = squares_around(read_faces(self.networks, image, square)[0])
        return read_faces(self.networks, image, square)[0]

    def fingerprint(self) -> str:
        return fingerprint_of(self.networks)


def ratios(points: Tensor) -> Tensor:
    """``[B, 478, 2 or 3]`` -> ``[B, R]``: shape of faces, in the order of ``FACE_RATIOS``."""

    def apart(pair: Pair) -> Tensor:
        return (points[:, pair[0], :2] - points[:, pair[1], :2]).norm(dim=1)

    found = [sum(map(apart, above)) / apart(below).clamp_min(1e-6) for above, below in FACE_RATIOS.values()]
    return torch.stack([torch.as_tensor(each) for each in found], 1)


class PhraseSource:
    """How much more an image-text model finds the one end of a slider in a picture than the other: logits."""

    def __init__(self, model: ImageTextModel, phrases: Sequence[Phrases]):
        self.model = model
        self.values = tuple(Value(each.name, each.group) for each in phrases)
        with torch.no_grad():
            ends = model.encode_text([text for each in phrases for text in (each.low, each.high)])
            self.directions = ends[1::2] - ends[::2]  # [P, D]

    def read(self, images: Tensor) -> Readings:
        vectors = self.model.encode_image(images)
        values = self.model.logit_scale * vectors @ self.directions.T
        return Readings(values, torch.ones_like(values.detach()), vectors)

    def fingerprint(self) -> str:
        return fingerprint_of(self.model) if isinstance(self.model, torch.nn.Module) else ""


class Sources:
    """Several as one; a name that an earlier one has is left to it."""

    def __init__(self, sources: Sequence[Source]):
        self.sources = tuple(sources)
        named = [(number, i, value) for number, each in enumerate(sources) for i, value in enumerate(each.values)]
        first: dict[str, tuple[int, int]] = {}
        for number, i, value in named:
            first.setdefault(value.name, (number, i))
        self._kept = [[i for k, i in first.values() if k == number] for number in range(len(sources))]
        self.values = tuple(value for number, i, value in named if first[value.name] == (number, i))

    def read(self, images: Tensor) -> Readings:
        parts = [source.read(images) for source in self.sources]
        values, certainty = (
            torch.cat([getattr(part, name)[:, kept] for part, kept in zip(parts, self._kept, strict=True)], 1)
            for name in ("values", "certainty")
        )
        people = [part.identity for part in parts if part.identity.shape[1]]
        identity = torch.cat(people, 1) / len(people) ** 0.5 if people else values.new_zeros(len(values), 0)
        return Readings(values, certainty, identity)

    def fingerprint(self) -> str:
        return " ".join(source.fingerprint() for source in self.sources)

    @property
    def groups(self) -> list[str]:
        """Those of sliders."""
        return [group for group in dict.fromkeys(value.group for value in self.values) if group]


Read = Callable[[Tensor], Readings]
