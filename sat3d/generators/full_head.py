"""Heads that turn all the way round: PanoHead (An et al. 2023) and SphereHead (Li et al. 2024), children of EG3D.

The backbone's planes become grids with depth, or the planes of two balls; a network of its own draws what is behind the
head; a layer with a style makes the raw picture; a small mapping says by how much a training picture's camera was off.
"""

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..camera import check_label
from ..errors import ConfigError
from ..style_space import StyleLayer, StyleLayout
from .base import synthesis_style_layers
from .config import BackboneConfig
from .full_head_config import FullHeadConfig
from .mapping import MappingNetwork
from .planes import plane_projection
from .scene import Volume, composited
from .synthesis import Noise, SkipNetwork, ToRGB
from .triplane import TriplaneGenerator

_TRANSLATION = (3, 7, 11)  # of a camera label: where its 4×4 matrix holds the position
_BACKDROP = "bcg_synthesis"


class PointLayer(nn.Module):
    """Linear layer between the channels of a picture, without a bias: weights are stored divided by their gain."""

    def __init__(self, before: int, after: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, 1, 1))

    @property
    def matrix(self) -> Tensor:
        """``[after, before]``."""
        return self.weight[:, :, 0, 0] / math.sqrt(self.weight.shape[1])


class BallLayers(nn.Sequential):
    """The two layers that make the planes of a ball of the backbone's picture: together one matrix."""

    def __init__(self, before: int, hidden: int, after: int):
        super().__init__(PointLayer(before, hidden), PointLayer(hidden, after))

    @property
    def matrix(self) -> Tensor:
        """``[after, before]``."""
        first, second = (layer.matrix for layer in self if isinstance(layer, PointLayer))
        return second @ first


class FullHeadGenerator(TriplaneGenerator):
    """Everything that :class:`TriplaneGenerator` offers, and views from behind. Parameter names are the published ones.

    ``planes`` are grids ``[B, H, W, P, D, C]``, or those of two balls ``[B, H, W, 2P, C]``.
    """

    config: FullHeadConfig

    def __init__(self, config: FullHeadConfig):
        super().__init__(config)
        backbone, layers = config.backbone, list(self.layout.layers)
        if config.raw_torgb:
            self.torgb = ToRGB(config.features, 3, backbone.w_dim, None)
            layers.append(StyleLayer("torgb", config.features, -1, "superresolution_torgb"))
        if config.backdrop is not None:
            self.bcg_synthesis = SkipNetwork(config.backdrop)
            layers += self._backdrop_layers(backbone.num_ws)
        if config.in_balls:
            sizes = (backbone.img_channels, config.ball_hidden, config.features * len(config.plane_axes))
            self.ConvA, self.ConvB = (BallLayers(*sizes) for _ in range(2))
        if config.parsing_labels:
            self.toparsing = ToRGB(config.features, config.parsing_labels, backbone.w_dim, None)
            layers.append(StyleLayer("toparsing", config.features, -1, "superresolution_torgb"))
        self.t_mapping = MappingNetwork(shift_config(backbone), lr_mul=1.0, linear_end=True)
        self.layout = StyleLayout(tuple(layers))

    def _backdrop_layers(self, num_ws: int) -> list[StyleLayer]:
        """Fed by the first rows of w+; where there are too few, by the last one again."""
        found = synthesis_style_layers(self.bcg_synthesis.blocks(), f"{_BACKDROP}.", ("background", "background"))
        return [replace(layer, ws_index=min(layer.ws_index, num_ws - 1)) for layer in found]

    def arrange(self, image: Tensor) -> Tensor:
        """The backbone's picture as grids, or as the planes of two balls."""
        if self.config.in_balls:
            matrix = torch.cat([self.ConvA.matrix, self.ConvB.matrix])
            image = torch.einsum("oi,bihw->bhwo", matrix, image)
            return image.unflatten(3, (2 * len(self.config.plane_axes), -1)).contiguous()
        sizes = (len(self.config.plane_axes), self.config.features, self.config.grid_depth)
        return image.permute(0, 2, 3, 1).unflatten(3, sizes).transpose(4, 5).contiguous()

    def volume(self, planes: Tensor) -> Volume:
        box, in_balls = self.config.rendering.box_warp, self.config.in_balls
        size, coordinates = (2.0, 2) if in_balls else (box, 3)
        projection = plane_projection(self.config.plane_axes, size, planes.device, coordinates)
        half_seen = box / 2 - self.config.crop_margin
        return Volume(planes, projection, self.decoder, box, in_balls=in_balls, half_seen=half_seen)

    def behind(self, styles: Tensor, noise: Noise | None = None) -> Tensor | None:
        """``styles [B, S]`` -> features ``[B, C, R, R]``."""
        if self.config.backdrop is None:
            return None
        layers = {name.removeprefix(f"{_BACKDROP}."): style for name, style in self.layout.split(styles).items()}
        return self.bcg_synthesis(layers, noise or Noise())

    def before_background(
        self,
        features: Tensor,
        opacity: Tensor,
        styles: Tensor,
        pixels: Tensor | None = None,
        behind: Tensor | None = None,
    ) -> Tensor:
        behind = self.behind(styles) if behind is None else behind
        if behind is None:
            return features
        if pixels is not None:
            grid = pixels.permute(0, 2, 3, 1)
            behind = F.grid_sample(behind.expand(len(grid), -1, -1, -1), grid, "bilinear", "border", False)
        elif behind.shape[2:] != features.shape[2:]:
            size, smooth = features.shape[2:], self.config.smooth_backdrop
            behind = F.interpolate(behind, size=size, mode="bilinear", align_corners=False, antialias=smooth)
        return features + (1 - opacity) * behind

    def raw_image(self, features: Tensor, styles: Tensor) -> Tensor:
        if not self.config.raw_torgb:
            return super().raw_image(features, styles)
        return self.torgb(features, styles[:, self.layout.slices["torgb"]])

    def point_colours(self, features: Tensor, shares: Tensor, styles: Tensor | None = None) -> Tensor:
        if styles is None:
            raise ConfigError("The colours of this head depend on its styles", "no styles", "those of the latent")
        picture = self.decoder.signed(composited(shares, features)).T[None, :, :, None]
        return (self.raw_image(picture, styles)[0, :, :, 0].T + 1) / 2

    def parse(self, features: Tensor, styles: Tensor) -> Tensor | None:
        if not self.config.parsing_labels:
            return None
        return self.toparsing(features, styles[:, self.layout.slices["toparsing"]]).softmax(1)

    def camera_shift(
        self, z: Tensor, camera: Tensor | None = None, truncation_psi: float = 1.0, truncation_cutoff: int | None = None
    ) -> Tensor:
        """By how much a training picture of this face and conditioning ``camera [B, 25]`` was off: ``[B, 3]``, world
        units, to be added to the camera's position (see :func:`shifted`). The published scripts do without, but that
        which fits photos."""
        camera = self.rig.label().to(z.device) if camera is None else camera
        check_label(camera)
        rendering = self.config.rendering
        scale = 0.0 if rendering.c_gen_conditioning_zero else rendering.c_scale
        label = camera.expand(len(z), -1) * scale if self.config.backbone.c_dim else None
        return self.t_mapping(z, label, truncation_psi, truncation_cutoff)[:, 0]


def shift_config(backbone: BackboneConfig) -> BackboneConfig:
    """The mapping of z and a label to a shift of the camera, three numbers."""
    return BackboneConfig(
        backbone.z_dim, backbone.c_dim, 3, backbone.num_mapping_layers, resolution=4, channel_base=4, channel_max=1
    )


def shifted(camera: Tensor, shift: Tensor) -> Tensor:
    """Camera labels ``[V, 25]`` moved by ``shift [V or 1, 3]`` (see :meth:`FullHeadGenerator.camera_shift`)."""
    moved = camera.clone()
    moved[:, list(_TRANSLATION)] += shift
    return moved
