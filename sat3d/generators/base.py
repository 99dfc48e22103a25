"""The interfaces of style-based generators, flat and 3D, and the views that they render."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..camera import CameraRig
from ..errors import ConfigError
from ..style_space import StyleGroup, StyleLayer, StyleLayout
from .config import BackboneConfig, GeneratorConfig, TriplaneConfig
from .flow_mapping import FlowMapping
from .mapping import Mapping, MappingNetwork
from .occupancy import Occupancy
from .renderer import RenderedRays
from .synthesis import Noise, SkipNetwork, SynthesisBlock, SynthesisLayer, ToRGB
from .volume import Sampling

_LEAST_SAMPLES = 8  # on a ray
# The groups of a part's convolutions and of its toRGB layers.
_BACKBONE: tuple[StyleGroup, StyleGroup] = ("backbone_conv", "backbone_torgb")
_SUPERRESOLUTION: tuple[StyleGroup, StyleGroup] = ("superresolution_conv", "superresolution_torgb")


@dataclass(frozen=True)
class RenderOptions:
    """How a view is made; the defaults are deterministic.

    ``neural_resolution``: side of the volume-rendered image (None: the checkpoint's). ``couple_batch``: reproduce
    the published code's dependence of one sample on the batch. ``superresolution_dtype``: float16 halves the time
    of a GPU's convolutions. ``rays_per_chunk``: None chooses by device.

    ``fast``: samples that cannot show are not computed (``sparse.py``), and super-resolution uses the numbers that the
    machine multiplies fastest: for whoever looks at pictures. With gradients or ``couple_batch`` views stay exact.
    ``least_share``: with gradients, only samples that make more than this share of their ray's colour get one
    (``shown.py``; ``LEAST_SHARE`` loses hardly anything); rays are then sampled at the midpoints of their bins.
    ``occupancy``: of :meth:`ViewGenerator.find_matter`, for fast views of that one face (None: found in every call).
    """

    neural_resolution: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    noise: Noise = field(default_factory=Noise)
    couple_batch: bool = False
    superresolution_dtype: torch.dtype = torch.float32
    rays_per_chunk: int | None = None
    fast: bool = False
    least_share: float | None = None
    occupancy: Occupancy | None = None

    @property
    def leaves_out(self) -> bool:
        """Whether views are to be fast and can be."""
        return self.fast and not self.couple_batch and not torch.is_grad_enabled()


@dataclass(frozen=True)
class Rendering:
    """One or more views. 2D generators have an image alone, or with the opacity of its pixels (r is then H).

    ``parsing``: of generators that parse their own pictures, the probabilities of K labels.
    """

    image: Tensor  # [V, 3, H, W], about -1..1
    image_raw: Tensor | None = None  # [V, 3, r, r], before super-resolution
    depth: Tensor | None = None  # [V, 1, r, r], distance along the ray, world units
    opacity: Tensor | None = None  # [V, 1, r, r], 0..1
    parsing: Tensor | None = None  # [V, K, r, r]


class Backbone(nn.Module):
    """Mapping and synthesis of StyleGAN2. The names ``mapping`` and ``synthesis.b4`` … are the published ones."""

    def __init__(self, config: BackboneConfig):
        super().__init__()
        self.config = config
        self.synthesis = SkipNetwork(config)
        self.mapping = FlowMapping(config) if config.mapping_flow else MappingNetwork(config)

    def blocks(self) -> list[tuple[str, SynthesisBlock]]:
        return [(f"synthesis.{name}", block) for name, block in self.synthesis.blocks()]

    def skip_image(self, styles: dict[str, Tensor], noise: Noise) -> Tensor:
        """``styles``: ``synthesis.b4.conv1`` … -> ``[B, channels]``; returns the skip image ``[B, c, R, R]``."""
        return self.synthesis({name.removeprefix("synthesis."): style for name, style in styles.items()}, noise)


def backbone_style_layers(backbone: Backbone, prefix: str) -> list[StyleLayer]:
    """The backbone's style layers."""
    return synthesis_style_layers(backbone.blocks(), prefix, _BACKBONE)


def synthesis_style_layers(
    blocks: list[tuple[str, SynthesisBlock]], prefix: str, groups: tuple[StyleGroup, StyleGroup]
) -> list[StyleLayer]:
    """A synthesis network's style layers; a block's toRGB shares its w+ row with the next block's first convolution."""
    layers, row = [], 0
    for name, block in blocks:
        own = block.style_layers()
        layers += [
            _style_layer(f"{prefix}{name}.{layer}", module, row + i, groups) for i, (layer, module) in enumerate(own)
        ]
        row += len(own) - 1
    return layers


def _style_layer(name: str, module: SynthesisLayer | ToRGB, row: int, groups: tuple[StyleGroup, StyleGroup]):
    return StyleLayer(name, module.affine.weight.shape[0], row, groups[isinstance(module, ToRGB)])


def superresolution_style_layers(blocks: list[tuple[str, SynthesisBlock]], prefix: str) -> list[StyleLayer]:
    """All super-resolution layers read the last row of w+ (row -1)."""
    return [
        _style_layer(f"{prefix}{name}.{layer}", module, -1, _SUPERRESOLUTION)
        for name, block in blocks
        for layer, module in block.style_layers()
    ]


class StyleGenerator(nn.Module, ABC):
    """A generator, flat or 3D: z -> w+ -> styles -> image. What only 3D ones can do is in :class:`ViewGenerator`.

    Nothing that a call computes is kept on the network: what can be reused is returned and passed in.
    """

    layout: StyleLayout
    config: GeneratorConfig
    mapping: Mapping

    @property
    def device(self) -> torch.device:
        return self.mapping.w_avg.device

    @property
    def rig(self) -> CameraRig:
        """The sphere of cameras; a flat generator, which takes no notice of cameras, has that of FFHQ-EG3D."""
        return CameraRig()

    @property
    def domain(self) -> str:
        """What it draws, by the name of a domain; "": not known."""
        return ""

    @property
    def own_resolution(self) -> int:
        """The side of the picture before super-resolution, if nothing else is asked for."""
        return self.config.img_resolution

    @property
    def knows_all_sides(self) -> bool:
        """Whether it was trained on views from all around the head, its back included."""
        return False

    def relative_resolution(self, neural_resolution: int | None) -> float:
        """A volume rendering's resolution as a share of the generator's own, at most 1, which flat ones always have."""
        return 1.0

    @abstractmethod
    def map(
        self, z: Tensor, camera: Tensor | None = None, truncation_psi: float = 1.0, truncation_cutoff: int | None = None
    ) -> Tensor:
        """``z [B, z_dim]`` (and a label) -> ``ws [B, L, w_dim]``."""

    def labels(self, numbers: Sequence[int]) -> Tensor | None:
        """``[B, c_dim]``: what :meth:`map` should get beside the z of these numbers (seeds); None: nothing."""
        return None

    @abstractmethod
    def synthesize(
        self, styles: Tensor, camera: Tensor | None = None, options: RenderOptions | None = None
    ) -> Rendering:
        """``styles [B, S]`` -> views. A single latent (B = 1) is shown from all V cameras."""

    def views(self, styles: Tensor, cameras: Tensor, options: RenderOptions | None = None) -> Iterator[Rendering]:
        """Every face of ``styles [B, S]`` from every camera of ``[V, 25]``, face after face, one view at a time."""
        for style in styles.split(1):
            for camera in cameras.split(1):
                yield self.synthesize(style, camera, options)

    def coarser(self, share: float) -> "StyleGenerator":
        """The same weights with this share of the samples on each ray; a flat generator itself."""
        return self

    def broadcast(self, w: Tensor) -> Tensor:
        """``w [B, w_dim]`` -> ``ws [B, L, w_dim]`` (a view): the same w for every layer."""
        return w[:, None].expand(-1, self.config.backbone.num_ws, -1)

    def styles(self, ws: Tensor) -> Tensor:
        """``ws [B, L, w_dim] -> [B, S]``: each layer's affine of its row of w+ (bare, before toRGB's gain)."""
        return torch.cat(
            [self.get_submodule(f"{layer.name}.affine")(ws[:, layer.ws_index]) for layer in self.layout.layers], 1
        )

    def fingerprint(self) -> str:
        """Which network a latent or a mask belongs to; see :func:`fingerprint_of`."""
        return fingerprint_of(self)


def fingerprint_of(network: nn.Module) -> str:
    """16 hex digits of all weights, names and shapes."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


class ViewGenerator(StyleGenerator):
    """A generator of volumes, whose faces can be seen from any camera.

    The planes of a latent are computed once, and rendered from as many cameras as are wanted.
    """

    config: TriplaneConfig

    @property
    def domain(self) -> str:
        return self.config.domain

    @property
    def knows_all_sides(self) -> bool:
        return self.config.knows_all_sides

    @property
    def own_resolution(self) -> int:
        return self.config.neural_rendering_resolution

    def relative_resolution(self, neural_resolution: int | None) -> float:
        return 1.0 if neural_resolution is None else min(1.0, neural_resolution / self.own_resolution)

    @abstractmethod
    def planes(self, styles: Tensor, noise: Noise | None = None) -> Tensor:
        """``styles [B, S]`` -> planes ``[B, H, W, P, C]``."""

    @abstractmethod
    def query(self, planes: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """World ``points [B, M, 3]`` -> raw density ``[B, M]`` (before softplus) and colour features ``[B, M, C]``."""

    @abstractmethod
    def query_seen(self, planes: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """The same as the renderer sees it: of some networks it leaves out what is far from the axis."""

    @abstractmethod
    def point_colours(self, features: Tensor, shares: Tensor, styles: Tensor | None = None) -> Tensor:
        """What the raw picture shows of V rays of N points: ``features [V, N, C]`` of :meth:`query`, composited by
        ``shares [V, N]`` -> sRGB ``[V, 3]``, about 0..1. ``styles [1, S]`` for networks whose raw picture depends on
        them."""

    @abstractmethod
    def find_matter(self, planes: Tensor, quick: bool = False) -> Occupancy:
        """Where the matter of one face is, ``planes [1, …]``: what fast views of it share. ``quick``: coarser."""

    @abstractmethod
    def render_features(self, planes: Tensor, camera: Tensor, options: RenderOptions | None = None) -> RenderedRays:
        """Volume rendering alone: ``planes [1 or V, …]``, ``camera [V, 25]`` -> features, depth, opacity at r²."""

    @abstractmethod
    def render(self, planes: Tensor, styles: Tensor, camera: Tensor, options: RenderOptions | None = None) -> Rendering:
        """Views of given planes: ``planes [1 or V, …]``, ``styles [1 or V, S]``, ``camera [V, 25]``."""

    @abstractmethod
    def with_rendering(self, **changes: Any) -> "ViewGenerator":
        """The same weights (shared) with other fields of :class:`RenderingConfig`, such as ``ray_start="auto"``."""

    def views(self, styles: Tensor, cameras: Tensor, options: RenderOptions | None = None) -> Iterator[Rendering]:
        for style in styles.split(1):
            planes = self.planes(style)
            for camera in cameras.split(1):
                yield self.render(planes, style, camera, options)

    def coarser(self, share: float) -> "ViewGenerator":
        if share == 1:
            return self
        coarse, fine = self.config.rendering.depth_resolution, self.config.rendering.depth_resolution_importance
        return self.with_rendering(
            depth_resolution=max(_LEAST_SAMPLES, round(coarse * share)),
            depth_resolution_importance=fine and max(_LEAST_SAMPLES, round(fine * share)),
        )


def as_view_generator(network: StyleGenerator, task: str, next_step: str = "load an EG3D checkpoint") -> ViewGenerator:
    """``network``, if it is a 3D one; ``task``: what it is needed for, to begin a sentence with.

    Raises:
        ConfigError: a flat one.
    """
    if not isinstance(network, ViewGenerator):
        raise ConfigError(f"{task} needs a 3D generator", f"a flat one ({network.config.family})", "an EG3D generator",
                          next_step)  # fmt: skip
    return network


def z_from_seed(seed: int, z_dim: int) -> Tensor:
    """``[1, z_dim]``: the z that the published scripts draw for a seed (NumPy's legacy generator)."""
    import numpy as np

    return torch.from_numpy(np.random.RandomState(seed % 2**32).randn(1, z_dim)).float()
