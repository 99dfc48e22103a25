"""The 2D StyleGAN2 generator (Karras et al. 2020), opened at the style space."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ..style_space import StyleLayout
from .base import Backbone, Rendering, RenderOptions, StyleGenerator, backbone_style_layers
from .config import StyleGAN2Config


class StyleGAN2(Backbone, StyleGenerator):
    """Backbone whose skip image is the picture. ``camera`` arguments are ignored, except as a class label of
    ``c_dim`` numbers in :meth:`map`."""

    def __init__(self, config: StyleGAN2Config):
        super().__init__(config.backbone)
        self.config = config
        self.layout = StyleLayout(tuple(backbone_style_layers(self, "")))

    def map(
        self, z: Tensor, camera: Tensor | None = None, truncation_psi: float = 1.0, truncation_cutoff: int | None = None
    ) -> Tensor:
        return self.mapping(z, camera, truncation_psi, truncation_cutoff)

    def labels(self, numbers: Sequence[int]) -> Tensor | None:
        """Of a network with classes: class ``number mod c_dim``, since it knows pictures of one class each."""
        classes = self.config.backbone.c_dim
        if not classes:
            return None
        return one_hot(torch.tensor([number % classes for number in numbers]), classes).float().to(self.device)

    def draw(self, styles: Tensor, options: RenderOptions | None = None) -> Tensor:
        """``styles [B, S]`` -> what the network itself draws, ``[B, img_channels, H, H]``: the official output."""
        options = options or RenderOptions()
        return self.skip_image(self.layout.split(styles), options.noise)

    def synthesize(
        self, styles: Tensor, camera: Tensor | None = None, options: RenderOptions | None = None
    ) -> Rendering:
        return as_rendering(self.draw(styles, options))


def as_rendering(picture: Tensor) -> Rendering:
    """A picture of 1 (grey), 3 or 4 channels (RGB and opacity), about -1..1, as RGB; differentiable.

    The one place where channels are made RGB: whoever uses a generator's image gets three of them.
    """
    if picture.shape[1] == 4:
        return Rendering(picture[:, :3], opacity=((picture[:, 3:] + 1) / 2).clamp(0, 1))
    return Rendering(picture.repeat(1, 3, 1, 1) if picture.shape[1] == 1 else picture)
