"""The head parser: a small U-Net that labels every pixel of a head picture."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..checks import check_whole
from ..errors import ConfigError
from ..files.network_files import NetworkKind
from ..networks.blocks import ConvNorm, residuals
from ..networks.loading import check_pictures, resize
from .labels import LABEL_NAMES


@dataclass(frozen=True)
class ParserConfig:
    """``input_px``: the size that pictures are brought to; ``widths``: channels at a half, a quarter, … of it;
    ``depths``: residual blocks there; ``labels``: what the classes are called."""

    input_px: int = 256
    widths: tuple[int, ...] = (24, 32, 64, 96, 128)
    depths: tuple[int, ...] = (0, 1, 1, 1, 1)
    labels: tuple[str, ...] = LABEL_NAMES

    def __post_init__(self):
        for name in ("widths", "depths", "labels"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name, low, high in (("widths", 1, 1024), ("depths", 0, 16)):
            for value in getattr(self, name):
                check_whole(f"The parser's {name}", value, low, high)
        check_whole("The parser's number of levels", len(self.widths), 2, 7)
        check_whole("The parser's input_px", self.input_px, 32, 1024)
        if len(self.depths) != len(self.widths) or self.input_px % 2 ** len(self.widths):
            raise ConfigError(
                "The parser's levels do not fit together",
                self,
                f"one depth per width; input_px a multiple of {2 ** len(self.widths)}",
                "check the file",
            )
        if not all(isinstance(name, str) for name in self.labels) or len(set(self.labels)) != len(self.labels):
            raise ConfigError("The parser's labels are not usable", self.labels, "different names", "check the file")


class HeadParser(nn.Module):
    """Pictures to labels.

    2×2 pixels are folded into channels before the first convolution and unfolded after the last, so that the widest
    level has a quarter of the work and edges are still found at the full size.

    Example:
        >>> load_parser().labels(torch.zeros(2, 3, 128, 96)).shape
        torch.Size([2, 128, 96])
    """

    def __init__(self, config: ParserConfig | None = None):
        super().__init__()
        self.config = config = config or ParserConfig()
        widths = config.widths
        self.stem = ConvNorm(3 * 4, widths[0])
        self.down, self.up, self.merge = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for fine, coarse, depth in zip(widths, widths[1:], config.depths[1:], strict=False):
            self.down.append(nn.Sequential(ConvNorm(fine, coarse, stride=2), *residuals(coarse, depth)))
            self.up.insert(0, ConvNorm(coarse, fine, 1, active=False))
            self.merge.insert(0, ConvNorm(fine, fine))
        self.top = nn.Sequential(*residuals(widths[0], config.depths[0]))
        self.head = nn.Conv2d(widths[0], len(config.labels) * 4, 1)

    def forward(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` in -1..1 -> logits ``[B, labels, H, W]``."""
        check_pictures(images)
        size = self.config.input_px
        return resize(self.logits_at_input_size(resize(images, size, size)), *images.shape[2:])

    def logits_at_input_size(self, images: Tensor) -> Tensor:
        """``[B, 3, S, S]`` with S = ``config.input_px`` -> logits ``[B, labels, S, S]``."""
        return F.pixel_shuffle(self.folded_logits(images), 2)

    def folded_logits(self, images: Tensor) -> Tensor:
        """As :meth:`logits_at_input_size`, ``[B, 4 · labels, S/2, S/2]``: channel 4l + 2i + j is label l at row i and
        column j of the 2×2 pixels."""
        x = self.stem(F.pixel_unshuffle(images, 2))
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x)
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(F.interpolate(up(x), scale_factor=2.0, mode="nearest") + skips.pop())
        return self.head(self.top(x))

    def probabilities(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` in -1..1 -> ``[B, labels, H, W]``, which sum to 1 over the labels."""
        return self(images).softmax(1)

    @torch.no_grad()
    def labels(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` in -1..1 -> the likeliest label of each pixel, ``[B, H, W]`` int64."""
        return self(images).argmax(1)


KIND = NetworkKind(
    "a head parser",
    "sat3d-parser/1",
    "head-parser.safetensors",
    "training/train_parser.py --help",
    ParserConfig,
    HeadParser,
)


load_parser = KIND.load
