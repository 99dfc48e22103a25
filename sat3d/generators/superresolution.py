"""Super-resolution of EG3D: two style blocks that turn the feature image into the picture."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import SuperresolutionConfig
from .synthesis import Noise, SynthesisBlock


class Superresolution(nn.Module):
    """``block0``, ``block1``, … as configured; every layer is fed by the last row of w+."""

    def __init__(self, config: SuperresolutionConfig, features: int, w_dim: int):
        super().__init__()
        self.config = config
        resolution, width = config.in_resolution, features
        for i, (channels, up) in enumerate(zip(config.channels, config.upsample, strict=True)):
            resolution <<= up
            self.add_module(f"block{i}", SynthesisBlock(width, channels, w_dim, resolution, 3, up, config.conv_clamp))
            width = channels

    def blocks(self) -> list[tuple[str, SynthesisBlock]]:
        return [(name, block) for name, block in self.named_children() if isinstance(block, SynthesisBlock)]

    def forward(
        self,
        features: Tensor,
        styles: dict[str, Tensor],
        noise: Noise,
        dtype: torch.dtype,
        raw_image: Tensor | None = None,
    ) -> Tensor:
        """``features [V, C, r, r]``, ``raw_image [V, 3, r, r]`` (None: their first three) -> image ``[V, 3, H, H]``.

        ``styles``: ``block0.conv0`` … -> ``[1 or V, channels]``. ``dtype`` of the convolutions; the image is float32.
        """
        x = self.resize(features)
        image = x[:, :3] if raw_image is None else self.resize(raw_image)
        x = x.to(dtype, memory_format=torch.channels_last)
        blocks = self.blocks()
        for i, (name, block) in enumerate(blocks):
            own = [styles[f"{name}.{layer}"] for layer, _ in block.style_layers()]
            x, image = block(x, image, own, noise, keep_features=i + 1 < len(blocks))
        return image

    def resize(self, x: Tensor) -> Tensor:
        """``[V, C, r, r]`` at the input resolution of the first block (bilinear)."""
        size = self.config.in_resolution
        if x.shape[-1] == size:
            return x
        return F.interpolate(
            x, size=(size, size), mode="bilinear", align_corners=False, antialias=self.config.antialias
        )
