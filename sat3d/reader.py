"""A small network that says what a head picture shows: names, numbers, and a vector that tells people apart."""

import os
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .conv_blocks import ConvNorm, halving_trunk
from .errors import ConfigError
from .face_zoom import zoom_matrices
from .small_networks import NetworkKind, check_pictures, check_whole, load_network, resize

Fields = tuple[tuple[str, int], ...]
_BATCH = 32
_LAST_CELLS = 4  # the last feature map is this many cells wide: faces are registered, so where something is matters


@dataclass(frozen=True)
class ReaderConfig:
    """``categories``: (name, its values) each; ``numbers``: (name, how many numbers: 3 for a colour) each.

    ``widths`` are the channels at a half, a quarter, … of ``input_px``; ``depths`` the residual blocks there.
    ``face_zoom``: how much more room than elsewhere the face gets (0: none), see ``face_zoom.py``.
    """

    categories: tuple[tuple[str, tuple[str, ...]], ...]
    numbers: Fields
    identity_size: int = 64
    input_px: int = 128
    widths: tuple[int, ...] = (24, 48, 96, 160, 192)
    depths: tuple[int, ...] = (0, 1, 1, 1, 0)
    squeezed: int = 64
    hidden: int = 256
    face_zoom: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "categories", tuple((name, tuple(values)) for name, values in self.categories))
        object.__setattr__(self, "numbers", tuple((name, size) for name, size in self.numbers))
        for name in ("widths", "depths"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        sizes = (self.identity_size, self.squeezed, self.hidden, *self.widths, *(size for _, size in self.numbers))
        for size in sizes:
            check_whole("A size of the reader", size, 1, 4096)
        for depth in self.depths:
            check_whole("A depth of the reader", depth, 0, 16)
        if not 0 <= self.face_zoom <= 8:
            raise ConfigError("The reader's face_zoom is out of range", self.face_zoom, "0 to 8", "check the file")
        if self.input_px != _LAST_CELLS * 2 ** len(self.widths) or len(self.depths) != len(self.widths):
            wanted = f"one depth a width, input_px = {_LAST_CELLS} · 2^widths"
            raise ConfigError("The reader's levels do not fit together", self, wanted, "check the file")
        names = [name for name, _ in self.categories] + [name for name, _ in self.numbers]
        if len(set(names)) != len(names) or not all(values for _, values in self.categories):
            raise ConfigError(
                "The reader's names are not usable", names, "different names with values", "check the file"
            )

    @property
    def class_counts(self) -> list[int]:
        return [len(values) for _, values in self.categories]

    @property
    def number_sizes(self) -> list[int]:
        return [size for _, size in self.numbers]


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
        >>> reading = load_reader().read(images)[0]
        >>> reading.names["glasses"], reading.confidence["glasses"], reading.numbers["yaw_rad"]
    """

    def __init__(self, config: ReaderConfig):
        super().__init__()
        self.config = config
        count = sum(config.number_sizes)
        self.trunk = halving_trunk(config.widths, config.depths)
        self.squeeze = nn.Sequential(ConvNorm(config.widths[-1], config.squeezed, 1), nn.Flatten(), nn.Dropout(0.1))
        self.hidden = nn.Sequential(nn.Linear(config.squeezed * _LAST_CELLS**2, config.hidden), nn.ReLU())
        self.scores = nn.Linear(config.hidden, sum(config.class_counts))
        self.values = nn.Linear(config.hidden, 2 * count)
        self.identity = nn.Linear(config.hidden, config.identity_size)
        rows, columns = zoom_matrices(config.input_px, config.face_zoom)
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns, persistent=False)
        self.register_buffer("number_mean", torch.zeros(count))
        self.register_buffer("number_std", torch.ones(count))
        self.register_buffer("temperature", torch.ones(len(config.categories)))

    def raw(self, images: Tensor) -> RawOutput:
        """``[B, 3, S, S]`` with S = ``config.input_px``, in -1..1."""
        images = self.rows @ images @ self.columns.T
        features = self.hidden(self.squeeze(self.trunk(images)))
        values, log_spreads = self.values(features).chunk(2, 1)
        return RawOutput(self.scores(features), values, log_spreads, self.identity(features))

    def forward(self, images: Tensor) -> ReaderOutput:
        """``[B, 3, H, W]`` in -1..1, at least 64 pixels; square as the camera made them."""
        check_pictures(images)
        raw = self.raw(resize(images, self.config.input_px, self.config.input_px))
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


KIND = NetworkKind(
    "an attribute reader",
    "sat3d-reader/1",
    "attribute-reader.safetensors",
    "training/train_reader.py --help",
    ReaderConfig,
    AttributeReader,
)


def load_reader(path: str | os.PathLike | None = None) -> AttributeReader:
    """The reader in a file, or the one that comes with the package; in eval mode, without gradients.

    Raises:
        FileError: missing, damaged or of another kind; ConfigError: its configuration is not usable.
    """
    return load_network(KIND, path)
