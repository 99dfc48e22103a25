"""The attribute reader: a small network from head pictures to categories, numbers and an identity vector."""

import math
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from ..files.network_files import NetworkKind
from .blocks import ConvNorm, halving_trunk, residuals
from .close_look import close_look, close_width
from .face_zoom import zoom_matrices
from .loading import check_pictures, resize
from .reader_config import TWO_LOOKS, ReaderConfig
from .seen_faces import TOLD, see_faces
from .two_looks import TwoLooks, two_looks

_BATCH = 32
_DROPPED = 0.1


@dataclass(frozen=True)
class ReaderOutput:
    """Differentiable. ``scores``: logits [B, values] of each category; ``numbers`` and ``spreads`` (the standard
    deviation of the error to expect): [B, size] of each number, in its own units; ``identity``: [B, D], unit length."""

    scores: dict[str, Tensor]
    numbers: dict[str, Tensor]
    spreads: dict[str, Tensor]
    identity: Tensor


@dataclass(frozen=True)
class Reading:
    """What one picture shows. ``names``: category to value; ``confidence``: the probability of that value;
    ``numbers`` and ``spreads``: number to one or more values; ``identity`` [D]: compare by the cosine."""

    names: dict[str, str]
    confidence: dict[str, float]
    numbers: dict[str, tuple[float, ...]]
    spreads: dict[str, tuple[float, ...]]
    identity: Tensor


@dataclass(frozen=True)
class RawOutput:
    """As it leaves the network: ``scores`` [B, all values], ``values`` and ``log_spreads`` [B, all numbers] in standard
    units, ``identity`` [B, D] of any length."""

    scores: Tensor
    values: Tensor
    log_spreads: Tensor
    identity: Tensor


class AttributeReader(nn.Module):
    """Pictures to attributes.

    Example:
        >>> reading = load_reader().read(torch.zeros(1, 3, 128, 128))[0]
        >>> 0 < reading.confidence["glasses"] <= 1, len(reading.numbers["yaw_rad"])
        (True, 1)
    """

    rows: Tensor
    columns: Tensor
    number_mean: Tensor
    number_std: Tensor
    temperature: Tensor

    def __init__(self, config: ReaderConfig):
        super().__init__()
        self.config = config
        count = sum(config.number_sizes)
        self.trunk, self.squeeze = _trunk(config), _squeeze(config)
        self.close = _close(config) if config.close_levels else None
        self.told = _told(config) if config.told else None
        self.shared = config.close_levels + sum(config.depths[: config.close_levels])  # layers of both looks
        self.hidden = nn.Sequential(nn.Linear(_feature_count(config), config.hidden), nn.ReLU())
        self.scores = nn.Linear(config.hidden, sum(config.class_counts))
        self.values = nn.Linear(config.hidden, 2 * count)
        self.identity = nn.Linear(config.hidden, config.identity_size)
        if config.architecture != TWO_LOOKS:
            rows, columns = zoom_matrices(config.input_px, config.face_zoom, config.picture_px)
            self.register_buffer("rows", rows, persistent=False)
            self.register_buffer("columns", columns, persistent=False)
        self.register_buffer("number_mean", torch.zeros(count))
        self.register_buffer("number_std", torch.ones(count))
        self.register_buffer("temperature", torch.ones(len(config.categories)))

    def seen(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` -> what the network looks at: ``[B, 3, S, S]`` zoomed into the face, to the right of it the
        close look ``[B, 3, S, 3S/4]`` if there is one; or two looks in ``[B, 6, S, S]``; S = ``config.input_px``."""
        images = resize(images, self.config.picture_px, self.config.picture_px)
        if self.config.architecture == TWO_LOOKS:
            return two_looks(images, self.config.input_px)
        zoomed = self.rows @ images @ self.columns.T
        return zoomed if self.close is None else torch.cat([zoomed, close_look(images, self.config.input_px)], 3)

    def faces(self, images: Tensor) -> Tensor | None:
        """``[B, 3, H, W]`` -> what the landmark network tells of them, ``[B, 1946]``; None if it is not asked."""
        return None if self.told is None else see_faces(images).joined()

    def features(self, seen: Tensor, faces: Tensor | None = None) -> Tensor:
        """What :meth:`seen` and :meth:`faces` gave -> ``[B, config.hidden]``, from which everything is said."""
        told = [] if self.told is None or faces is None else [self.told(faces)]
        return self.hidden(torch.cat([*self._squeezed(seen), *told], 1))

    def _squeezed(self, seen: Tensor) -> list[Tensor]:
        if self.close is None:
            return [self.squeeze(self.trunk(seen))]
        # Side by side through what they share, so that batch norm has one set of statistics for both.
        trunk = cast(nn.Sequential, self.trunk)
        shared = trunk[: self.shared](seen)
        side = shared.shape[2]
        whole, face = trunk[self.shared :](shared[..., :side]), self.close(shared[..., side:])
        return [self.squeeze(whole), face]

    def raw(self, seen: Tensor, faces: Tensor | None = None) -> RawOutput:
        """What follows from what :meth:`seen` and :meth:`faces` gave."""
        features = self.features(seen, faces)
        values, log_spreads = self.values(features).chunk(2, 1)
        return RawOutput(self.scores(features), values, log_spreads, self.identity(features))

    def forward(self, images: Tensor) -> ReaderOutput:
        """``[B, 3, H, W]`` in -1..1, at least 64 pixels; square as the camera made them."""
        check_pictures(images)
        raw = self.raw(self.seen(images), self.faces(images))
        config, std = self.config, self.number_std
        scores = raw.scores.split(config.class_counts, 1)
        numbers = (raw.values * std + self.number_mean).split(config.number_sizes, 1)
        spreads = (raw.log_spreads.clamp(-6, 3).exp() * std).split(config.number_sizes, 1)
        return ReaderOutput(
            {name: s / t for (name, _), s, t in zip(config.categories, scores, self.temperature, strict=True)},
            {name: value for (name, _), value in zip(config.numbers, numbers, strict=True)},
            {name: value for (name, _), value in zip(config.numbers, spreads, strict=True)},
            nn.functional.normalize(raw.identity, dim=1),
        )

    @torch.no_grad()
    def read(self, images: Tensor) -> list[Reading]:
        """``[B, 3, H, W]`` in -1..1 -> B readings."""
        return [reading for part in images.split(_BATCH) for reading in self._readings(self(part))]

    def _readings(self, output: ReaderOutput) -> list[Reading]:
        values = dict(self.config.categories)
        best = {name: scores.softmax(1).max(1) for name, scores in output.scores.items()}
        return [
            Reading(
                {name: values[name][int(index[b])] for name, (_, index) in best.items()},
                {name: float(probability[b]) for name, (probability, _) in best.items()},
                {name: tuple(numbers[b].tolist()) for name, numbers in output.numbers.items()},
                {name: tuple(numbers[b].tolist()) for name, numbers in output.spreads.items()},
                identity.cpu(),
            )
            for b, identity in enumerate(output.identity)
        ]


def _trunk(config: ReaderConfig) -> nn.Module:
    if config.architecture == TWO_LOOKS:
        return TwoLooks(config.cells, config.widths, config.depths, config.attention_blocks)
    return halving_trunk(config.widths, config.depths)


def _squeeze(config: ReaderConfig) -> nn.Sequential:
    """``[B, C, h, w]`` -> ``[B, squeezed · h · w]``."""
    if config.architecture == TWO_LOOKS:
        layers = [nn.Conv2d(config.widths[-1], config.squeezed, 1), nn.SiLU()]
    else:
        layers = [ConvNorm(config.widths[-1], config.squeezed, 1)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(_DROPPED))


def _close(config: ReaderConfig) -> nn.Sequential:
    """What the shared layers see of the face, ``[B, C, h, 3h/4]`` -> ``[B, close_squeezed · 3h²/16]``."""
    inputs, width = config.widths[config.close_levels - 1], config.close_width
    layers = [ConvNorm(inputs, width, stride=2), *residuals(width, config.close_depth)]
    return nn.Sequential(*layers, ConvNorm(width, config.close_squeezed, 1), nn.Flatten(), nn.Dropout(_DROPPED))


def _told(config: ReaderConfig) -> nn.Sequential:
    """``[B, 1946]`` -> ``[B, told]``. Batch norm, since points move little and features much."""
    return nn.Sequential(nn.BatchNorm1d(TOLD), nn.Dropout(_DROPPED), nn.Linear(TOLD, config.told), nn.ReLU())


def _feature_count(config: ReaderConfig) -> int:
    looks = 2 if config.architecture == TWO_LOOKS else 1
    count = looks * config.squeezed * config.cells**2
    if config.close_levels:
        sides = (config.input_px, close_width(config.input_px))
        count += config.close_squeezed * math.prod(side // config.close_shrinking for side in sides)
    return count + config.told


KIND = NetworkKind(
    "an attribute reader",
    "sat3d-reader/1",
    "attribute-reader.safetensors",
    "training/train_reader.py --help",
    ReaderConfig,
    AttributeReader,
)


load_reader = KIND.load
