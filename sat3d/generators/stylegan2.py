"""The 2D StyleGAN2 generator (Karras et al. 2020), opened at the style space."""

from torch import Tensor

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

    def synthesize(
        self, styles: Tensor, camera: Tensor | None = None, options: RenderOptions | None = None
    ) -> Rendering:
        options = options or RenderOptions()
        return Rendering(self.skip_image(self.layout.split(styles), options.noise))
