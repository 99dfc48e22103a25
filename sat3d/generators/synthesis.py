"""StyleGAN2 synthesis (Karras et al. 2020, skip architecture), driven by style vectors instead of w.

Parameter names are those of the published checkpoints (``b8.conv0.weight``, ``b8.torgb.affine.bias``, …).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from . import banded_backward, layers
from .bands import Band, split_rows, whole
from .config import BackboneConfig, SynthesisConfig


@dataclass(frozen=True)
class Noise:
    """Per-pixel noise: ``const`` uses the stored maps, ``random`` draws one per sample, ``none`` adds nothing."""

    mode: str = "const"
    generator: torch.Generator | None = None


class SynthesisLayer(nn.Module):
    """Modulated 3×3 convolution (optionally upsampling ×2), noise, bias, leaky ReLU."""

    noise_const: Tensor

    def __init__(self, in_channels: int, out_channels: int, w_dim: int, resolution: int, up: bool, clamp: float | None):
        super().__init__()
        self.affine = layers.FullyConnected(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.up, self.clamp, self.resolution = up, clamp, resolution

    def draw_noise(self, noise: Noise, batch: int) -> Tensor | None:
        """``[1 or B, 1, H, W]`` noise, or None; carries the gain of the activation."""
        if noise.mode == "none":
            return None
        maps = self.noise_const[None, None]
        if noise.mode == "random":
            shape = (batch, 1, self.resolution, self.resolution)
            device = noise.generator.device if noise.generator else maps.device
            maps = torch.randn(shape, generator=noise.generator, device=device).to(maps.device)
        return maps * (self.noise_strength * layers.LRELU_GAIN)

    def forward(self, x: Tensor, style: Tensor, noise: Noise) -> Tensor:
        """``x [B, I, H, W]``, ``style [1 or B, I]`` -> ``[B, O, H', H']``, H' the layer's resolution."""
        return self.rows(whole(x), style, self.draw_noise(noise, x.shape[0]), 0, self.resolution)

    def rows(self, source: Band, style: Tensor, noise: Tensor | None, low: int, high: int) -> Tensor:
        """Output rows ``low … high - 1`` from a band that holds the input rows they need."""
        gain = layers.demodulation(self.weight, style) * layers.LRELU_GAIN
        convolve = self._convolve_up if self.up else self._convolve_same
        y = convolve(source, style, gain, low, high)
        if noise is not None:
            y = y.add_(noise[:, :, low:high].to(y.dtype))
        return layers.bias_act(y, self.bias, self.clamp)

    def _convolve_same(self, source: Band, style: Tensor, gain: Tensor, low: int, high: int) -> Tensor:
        if high - low == source.total:
            return layers.modulated_conv(source.rows, self.weight, style, gain, layers.conv_same)
        return layers.modulated_conv(source.take(low - 1, high + 1), self.weight, style, gain, layers.conv_rows)

    def _convolve_up(self, source: Band, style: Tensor, gain: Tensor, low: int, high: int) -> Tensor:
        if high - low == 2 * source.total:
            y = layers.modulated_conv(source.rows, self.weight, style, gain, layers.conv_transpose)
            return layers.fir_after_transpose(y)
        # The filter needs rows low-1 … high+1 of the transposed convolution (2·total + 1 rows); row r of that
        # gathers input rows (r-2)/2 … r/2.
        first = max((low - 2) // 2, 0)
        last = min((high + 1) // 2, source.total - 1)
        y = layers.modulated_conv(source.take(first, last + 1), self.weight, style, gain, layers.conv_transpose)
        wide = Band(y, 2 * first, 2 * source.total + 1)
        return layers.fir_after_transpose(wide.take(low - 1, high + 2), rows_padded=True)


class ToRGB(nn.Module):
    """Modulated 1×1 convolution without demodulation or noise: features -> image (or plane) channels."""

    def __init__(self, in_channels: int, out_channels: int, w_dim: int, clamp: float | None):
        super().__init__()
        self.affine = layers.FullyConnected(w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.weight_gain, self.clamp = 1 / math.sqrt(in_channels), clamp

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """``x [B, I, H, W]``, ``style [1 or B, I]`` (the bare affine output) -> float32 ``[B, O, H, W]``."""
        y = layers.modulated_conv(x, self.weight, style * self.weight_gain, None, layers.conv_same)
        y = y.float() + self.bias[:, None, None]
        return y if self.clamp is None else layers.clamp_to(y, self.clamp)


class SynthesisBlock(nn.Module):
    """One resolution: (conv0,) conv1, toRGB added to the upsampled skip image.

    ``in_channels`` 0 makes the first block, which starts from a learned constant.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        w_dim: int,
        resolution: int,
        img_channels: int,
        up: bool = True,
        clamp: float | None = None,
    ):
        super().__init__()
        self.resolution, self.up, self.is_first = resolution, up, in_channels == 0
        if self.is_first:
            self.const = nn.Parameter(torch.randn(out_channels, resolution, resolution))
        else:
            self.conv0 = SynthesisLayer(in_channels, out_channels, w_dim, resolution, up, clamp)
        self.conv1 = SynthesisLayer(out_channels, out_channels, w_dim, resolution, False, clamp)
        self.torgb = ToRGB(out_channels, img_channels, w_dim, clamp)

    def style_layers(self) -> list[tuple[str, SynthesisLayer | ToRGB]]:
        """The modulated layers in execution order."""
        return [(name, getattr(self, name)) for name in ("conv0", "conv1", "torgb") if hasattr(self, name)]

    def forward(
        self, x: Tensor | None, image: Tensor, styles: Sequence[Tensor], noise: Noise, keep_features: bool = True
    ) -> tuple[Tensor | None, Tensor]:
        """Features ``[B, I, h, w]`` and skip image ``[B, c, h, w]`` -> both at this block's resolution. The first block
        takes None, and any image.

        ``styles``: one ``[1 or B, channels]`` for each of :meth:`style_layers`. Without ``keep_features`` (the last
        block) the features are not returned, and need never exist as a whole.
        """
        if x is None:
            x = self.const[None].expand(styles[0].shape[0], -1, -1, -1).contiguous(memory_format=torch.channels_last)
            x = self.conv1(x, styles[0], noise)
            return x, self.torgb(x, styles[1])
        skip = layers.upsample_image(image) if self.up else image
        maps = [layer.draw_noise(noise, x.shape[0]) for layer in (self.conv0, self.conv1)]
        if not torch.is_grad_enabled() and x.device.type == "cpu":
            return self.forward_in_bands(x, skip, styles, maps, keep_features)
        if banded_backward.pays(self, x):
            x, own = banded_backward.run_in_bands(self, x, styles, maps, keep_features)
        else:
            x, own = self.band(whole(x), styles, maps, 0, self.resolution)
        return (x if keep_features else None), skip + own

    def forward_in_bands(
        self, x: Tensor, skip: Tensor, styles: Sequence[Tensor], maps: Sequence[Tensor | None], keep_features: bool
    ):
        """The same without gradients and in bands of rows; ``maps``: the noise of both convolutions."""
        batch, channels, size = x.shape[0], self.conv1.weight.shape[0], self.resolution
        features = _empty_channels_last(x, (batch, channels, size, size)) if keep_features else None
        image = torch.empty_like(skip)
        for low, high in split_rows(size, batch * channels * size * x.element_size()):
            rows, own = self.band(whole(x), styles, maps, low, high)
            image[:, :, low:high] = skip[:, :, low:high] + own
            if features is not None:
                features[:, :, low:high] = rows
        return features, image

    def band(
        self, source: Band, styles: Sequence[Tensor], maps: Sequence[Tensor | None], low: int, high: int
    ) -> tuple[Tensor, Tensor]:
        """Rows ``low … high - 1`` of the features and of what is added to the skip image."""
        first, last = max(low - 1, 0), min(high + 1, self.resolution)
        between = Band(self.conv0.rows(source, styles[0], maps[0], first, last), first, self.resolution)
        rows = self.conv1.rows(between, styles[1], maps[1], low, high)
        return rows, self.torgb(rows, styles[2])

    def input_rows(self, low: int, high: int) -> tuple[int, int]:
        """The rows of the block's input that :meth:`band` reads: first, and one past the last."""
        low, high = low - 2, high + 2
        if self.up:
            low, high = (low - 1) // 2, high // 2 + 1
        total = self.resolution // 2 if self.up else self.resolution
        return max(low, 0), min(high, total)


def _empty_channels_last(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)


class SkipNetwork(nn.Module):
    """Blocks ``b4``, ``b8``, … whose skip image is the result; ``config``: a backbone's, or of synthesis alone."""

    def __init__(self, config: BackboneConfig | SynthesisConfig):
        super().__init__()
        width = 0
        for resolution in config.block_resolutions:
            channels = config.channels_at(resolution)
            sizes = (width, channels, config.w_dim, resolution, config.img_channels)
            self.add_module(f"b{resolution}", SynthesisBlock(*sizes, clamp=config.conv_clamp))
            width = channels

    def blocks(self) -> list[tuple[str, SynthesisBlock]]:
        return [(name, block) for name, block in self.named_children() if isinstance(block, SynthesisBlock)]

    def forward(self, styles: dict[str, Tensor], noise: Noise) -> Tensor:
        """``styles``: ``b4.conv1`` … -> ``[B, channels]``; returns the skip image ``[B, c, R, R]``."""
        x, image = None, torch.empty(0)  # the first block begins with its constant
        blocks = self.blocks()
        for i, (name, block) in enumerate(blocks):
            own = [styles[f"{name}.{layer}"] for layer, _ in block.style_layers()]
            x, image = block(x, image, own, noise, keep_features=i + 1 < len(blocks))
        return image
