"""The EG3D generator (Chan et al. 2022): style backbone -> feature planes -> volume rendering -> super-resolution."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from ..camera import CameraRig, check_label
from ..domains import shipped_domain
from ..errors import ConfigError, ShapeError
from ..style_space import EDITABLE_GROUPS, StyleLayer, StyleLayout
from .background import LAYER as BACKGROUND_LAYER
from .background import Background, pixel_grid
from .base import (
    Backbone,
    Rendering,
    RenderOptions,
    ViewGenerator,
    backbone_style_layers,
    superresolution_style_layers,
)
from .config import TriplaneConfig
from .decoder import Decoder
from .hardware import quick_dtype
from .mapping import Mapping
from .matter import find_matter
from .occupancy import Occupancy
from .planes import plane_projection
from .renderer import RenderedRays, render_volume
from .scene import Volume, composited, query_points
from .shown import render_shown
from .sparse import render_volume_sparsely
from .superresolution import Superresolution
from .synthesis import Noise


class TriplaneGenerator(ViewGenerator):
    """``map -> styles -> planes -> render``; planes are computed once per latent and rendered from any camera.

    Parameter names are those of the published checkpoints. ``with_rendering`` gives another ray range or box.
    """

    def __init__(self, config: TriplaneConfig):
        super().__init__()
        self.config = config
        self.backbone = Backbone(config.backbone)
        self.superresolution = Superresolution(config.superresolution, config.plane_features, config.backbone.w_dim)
        sizes = (config.plane_features, config.decoder_hidden, config.decoder_lr_mul)
        self.decoder = Decoder(*sizes, config.density_gain, config.decoder_activation)
        layers = backbone_style_layers(self.backbone, "backbone.")
        layers += superresolution_style_layers(self.superresolution.blocks(), "superresolution.")
        if config.background_hidden:
            sizes = (config.background_hidden, config.plane_features, config.backbone.w_dim, config.background_grid)
            self.background = Background(*sizes)
            layers.append(StyleLayer(BACKGROUND_LAYER, config.background_hidden, -1, "background"))
        more = ("backbone_torgb",) if config.edit_torgb else ()
        self.layout = StyleLayout(tuple(layers), (*EDITABLE_GROUPS, *more))

    @property
    def mapping(self) -> Mapping:
        return self.backbone.mapping

    @property
    def rig(self) -> CameraRig:
        """The sphere of cameras this generator was trained with; focal length and front are those of the domain."""
        rendering = self.config.rendering
        focal = _FOCAL_OF_RADIUS.get(rendering.avg_camera_radius, CameraRig().focal)
        known = shipped_domain(self.config.domain)
        yaw_deg, pitch_deg = (0.0, 0.0) if known is None else known.front_deg
        front = (math.radians(yaw_deg), math.radians(pitch_deg))
        return CameraRig(rendering.avg_camera_radius, rendering.avg_camera_pivot, focal, front)

    def map(
        self, z: Tensor, camera: Tensor | None = None, truncation_psi: float = 1.0, truncation_cutoff: int | None = None
    ) -> Tensor:
        """``z [B, z_dim]``, conditioning ``camera [B, 25]`` (None: frontal) -> ``ws [B, L, w_dim]``.

        Keep the conditioning camera fixed when the head is turned: it shifts the identity.
        """
        rendering = self.config.rendering
        if not self.config.backbone.c_dim:
            return self.mapping(z, None, truncation_psi, truncation_cutoff)
        camera = self.rig.label().to(z.device) if camera is None else camera
        check_label(camera)
        scale = 0.0 if rendering.c_gen_conditioning_zero else rendering.c_scale
        return self.mapping(z, camera.expand(len(z), -1) * scale, truncation_psi, truncation_cutoff)

    def planes(self, styles: Tensor, noise: Noise | None = None) -> Tensor:
        """``styles [B, S]`` -> planes ``[B, H, W, P, C]``, texel-major: one texel's features are contiguous."""
        return self.arrange(self.draw(styles, noise))

    def draw(self, styles: Tensor, noise: Noise | None = None) -> Tensor:
        """``styles [B, S]`` -> the picture of the backbone, ``[B, img_channels, H, W]``."""
        layers = {name.removeprefix("backbone."): style for name, style in self.layout.split(styles).items()}
        return self.backbone.skip_image(layers, noise or Noise())

    def arrange(self, image: Tensor) -> Tensor:
        """That picture as planes."""
        return rearrange(image, "b (p c) h w -> b h w p c", p=len(self.config.plane_axes)).contiguous()

    def volume(self, planes: Tensor) -> Volume:
        """Planes with what is needed to look through them."""
        rendering = self.config.rendering
        projection = plane_projection(self.config.plane_axes, rendering.box_warp, planes.device)
        return Volume(planes, projection, self.decoder, rendering.box_warp, rendering.plane_warp)

    def query(self, planes: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """World ``points [B, M, 3]`` -> raw density ``[B, M]`` (before softplus) and colour features ``[B, M, C]``."""
        return query_points(self.volume(planes), points)

    def query_seen(self, planes: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        return query_points(self.volume(planes), points, as_seen=True)

    def point_colours(self, features: Tensor, shares: Tensor, styles: Tensor | None = None) -> Tensor:
        return composited(shares, features[..., :3])

    @torch.no_grad()
    def find_matter(self, planes: Tensor, quick: bool = False) -> Occupancy:
        return find_matter(self.volume(planes), quick)

    def render_features(self, planes: Tensor, camera: Tensor, options: RenderOptions | None = None) -> RenderedRays:
        options = options or RenderOptions()
        check_label(camera)
        if planes.shape[0] not in (1, camera.shape[0]):
            raise ShapeError(
                "Planes and cameras do not pair",
                f"{planes.shape[0]} planes, {camera.shape[0]} cameras",
                "one latent for all cameras, or one camera each",
                "repeat the latent or the camera",
            )
        scene, seen = self.volume(planes), (camera, self._resolution(options), self.config.rendering)
        if options.least_share is not None and not options.couple_batch and torch.is_grad_enabled():
            return render_shown(scene, *seen, options.least_share)
        what = (*seen, options.sampling)
        if options.leaves_out and len(planes) == 1:
            occupancy = options.occupancy or self._matter_for(planes, len(camera), options)
            return render_volume_sparsely(scene, occupancy, *what, options.rays_per_chunk)
        return render_volume(scene, *what, options.couple_batch, options.rays_per_chunk)

    def render(self, planes: Tensor, styles: Tensor, camera: Tensor, options: RenderOptions | None = None) -> Rendering:
        """See :meth:`ViewGenerator.render`.

        Without gradients, views of independent cameras are made one after the other, which bounds memory by one view.
        """
        options = options or RenderOptions()
        check_label(camera)
        if torch.is_grad_enabled() or len(camera) == 1 or options.couple_batch:
            return self._render_batch(planes, styles, camera, options)
        if len(planes) == len(styles) == 1:
            return stacked(list(self._each_view(planes, styles, camera, options)))
        pick = lambda x, v: x if len(x) == 1 else x[v : v + 1]  # noqa: E731
        views = [
            self._render_batch(pick(planes, v), pick(styles, v), camera[v : v + 1], options) for v in range(len(camera))
        ]
        return stacked(views)

    def views(self, styles: Tensor, cameras: Tensor, options: RenderOptions | None = None) -> Iterator[Rendering]:
        options = options or RenderOptions()
        for style in styles.split(1):
            yield from self._each_view(self.planes(style, options.noise), style, cameras, options)

    def _each_view(
        self, planes: Tensor, styles: Tensor, cameras: Tensor, options: RenderOptions
    ) -> Iterator[Rendering]:
        """One face from every camera: what is behind it is drawn once, and its matter is found once."""
        behind = self.behind(styles, options.noise)
        if options.leaves_out and options.occupancy is None:
            options = replace(options, occupancy=self._matter_for(planes, len(cameras), options))
        for camera in cameras.split(1):
            yield self._render_batch(planes, styles, camera, options, behind)

    def _matter_for(self, planes: Tensor, views: int, options: RenderOptions) -> Occupancy:
        return self.find_matter(planes, views * self._resolution(options) ** 2 < _REFINED_FROM)

    def behind(self, styles: Tensor, noise: Noise | None = None) -> Tensor | None:
        """What is behind the head and the same from all cameras, for :meth:`before_background`; None: nothing that
        takes long."""
        return None

    def _render_batch(
        self,
        planes: Tensor,
        styles: Tensor,
        camera: Tensor,
        options: RenderOptions,
        behind: Tensor | None = None,
    ) -> Rendering:
        rays = self.render_features(planes, camera, options)
        behind = self.behind(styles, options.noise) if behind is None else behind
        features = self.before_background(rays.features, rays.opacity, styles, behind=behind)
        image = self.superresolve(features, styles, options)
        raw, parsing = self.raw_image(features, styles), self.parse(features, styles)
        return Rendering(image, raw, rays.depth, rays.opacity, parsing)

    def render_raw(
        self, planes: Tensor, styles: Tensor, camera: Tensor, options: RenderOptions | None = None
    ) -> Tensor:
        """As :meth:`render`, the picture before super-resolution alone, ``[V, 3, r, r]``."""
        options = options or RenderOptions()
        rays = self.render_features(planes, camera, options)
        behind = self.behind(styles, options.noise)
        return self.raw_image(self.before_background(rays.features, rays.opacity, styles, behind=behind), styles)

    def raw_image(self, features: Tensor, styles: Tensor) -> Tensor:
        """The picture before super-resolution: ``features [V, C, r, r]`` -> ``[V, 3, r, r]``, about -1..1."""
        return features[:, :3]

    def parse(self, features: Tensor, styles: Tensor) -> Tensor | None:
        """``features [V, C, r, r]`` -> probabilities of labels ``[V, K, r, r]``, if the generator parses itself."""
        return None

    def before_background(
        self,
        features: Tensor,
        opacity: Tensor,
        styles: Tensor,
        pixels: Tensor | None = None,
        behind: Tensor | None = None,
    ) -> Tensor:
        """Rendered ``features [V, C, h, w]`` over the network's background, if it has one; ``opacity [V, 1, h, w]``.

        ``pixels [V, 2, h, w]``: where they lie in the picture, x and y in -1..1 (None: they are the whole picture).
        ``behind``: see :meth:`behind` (None: computed here).
        """
        if not self.config.background_hidden:
            return features
        pixels = pixel_grid(features) if pixels is None else pixels
        backdrop = self.background(styles[:, self.layout.slices[BACKGROUND_LAYER]], pixels)
        return features + 2 * (1 - opacity) * backdrop

    def superresolve(self, features: Tensor, styles: Tensor, options: RenderOptions | None = None) -> Tensor:
        """``features [V, C, r, r]``, ``styles [1 or V, S]`` -> image ``[V, 3, H, H]``."""
        options = options or RenderOptions()
        layers = {name.removeprefix("superresolution."): style for name, style in self.layout.split(styles).items()}
        noise = Noise(self.config.rendering.superresolution_noise_mode, options.noise.generator)
        raw = self.raw_image(features, styles) if self.config.raw_torgb else None
        dtype = options.superresolution_dtype
        if options.leaves_out and dtype == torch.float32 and min(self.config.superresolution.channels) >= _WIDE:
            dtype = quick_dtype(features.device)
        return self.superresolution(features, layers, noise, dtype, raw)

    def synthesize(
        self, styles: Tensor, camera: Tensor | None = None, options: RenderOptions | None = None
    ) -> Rendering:
        """``styles [B, S]``, ``camera [V, 25]`` (None: frontal) -> views; B is 1 or V."""
        options = options or RenderOptions()
        camera = self.rig.label().to(styles.device) if camera is None else camera
        if len(camera) == 1 and len(styles) > 1:
            camera = camera.expand(len(styles), -1)
        return self.render(self.planes(styles, options.noise), styles, camera, options)

    def _resolution(self, options: RenderOptions) -> int:
        resolution = options.neural_resolution or self.config.neural_rendering_resolution
        if not 4 <= resolution <= 1024:
            raise ConfigError("The rendering resolution is out of range", resolution, "4 … 1024", "use 64 or 128")
        return resolution

    def with_rendering(self, **changes: Any) -> "TriplaneGenerator":
        config = replace(self.config, rendering=replace(self.config.rendering, **changes))
        wanted = [parameter.requires_grad for parameter in self.parameters()]
        with torch.device("meta"):
            other = type(self)(config)
        other.load_state_dict(self.state_dict(keep_vars=True), assign=True)
        for parameter, trained in zip(other.parameters(), wanted, strict=True):  # load_state_dict switches all on
            parameter.requires_grad_(trained)
        return other.train(self.training)


_REFINED_FROM = 40_000  # rays in all: of fewer, what a careful occupancy saves is less than it takes
_WIDE = 32  # channels, from which other numbers than float32 gain time


def stacked(views: Sequence[Rendering]) -> Rendering:
    """Views one after the other as one batch; parts that they lack stay missing."""
    parts = {part.name: [getattr(view, part.name) for view in views] for part in fields(Rendering)}
    return Rendering(**{name: torch.cat(part) for name, part in parts.items() if part[0] is not None})


# Focal lengths of a unit image belong to the data set, not to the network's file: ShapeNet cars are seen from 1.7.
_FOCAL_OF_RADIUS = {1.7: 1.7074}
