"""What every style-based generator offers, and what a rendered view consists of."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ..style_space import StyleGroup, StyleLayer, StyleLayout
from .config import BackboneConfig, GeneratorConfig
from .mapping import MappingNetwork
from .synthesis import Noise, SkipNetwork, SynthesisBlock
from .volume import Sampling


@dataclass(frozen=True)
class RenderOptions:
    """How a view is made; the defaults are deterministic.

    ``neural_resolution``: side of the volume-rendered image (None: the checkpoint's). ``couple_batch``: reproduce
    the published code's dependence of one sample on the batch. ``superresolution_dtype``: float16 halves the time
    of a GPU's convolutions. ``rays_per_chunk``: None chooses by device.
    """

    neural_resolution: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    noise: Noise = field(default_factory=Noise)
    couple_batch: bool = False
    superresolution_dtype: torch.dtype = torch.float32
    rays_per_chunk: int | None = None


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
        self.mapping = MappingNetwork(config)

    def blocks(self) -> list[tuple[str, SynthesisBlock]]:
        return [(f"synthesis.{name}", block) for name, block in self.synthesis.blocks()]

    def skip_image(self, styles: dict[str, Tensor], noise: Noise) -> Tensor:
        """``styles``: ``synthesis.b4.conv1`` … -> ``[B, channels]``; returns the skip image ``[B, c, R, R]``."""
        return self.synthesis({name.removeprefix("synthesis."): style for name, style in styles.items()}, noise)


def backbone_style_layers(backbone: Backbone, prefix: str) -> list[StyleLayer]:
    """The backbone's style layers."""
    return synthesis_style_layers(backbone.blocks(), prefix, "backbone")


def synthesis_style_layers(blocks: list[tuple[str, SynthesisBlock]], prefix: str, part: str) -> list[StyleLayer]:
    """A synthesis network's style layers; a block's toRGB shares its w+ row with the next block's first convolution."""
    layers, row = [], 0
    for name, block in blocks:
        own = block.style_layers()
        layers += [
            _style_layer(f"{prefix}{name}.{layer}", module, row + i, part) for i, (layer, module) in enumerate(own)
        ]
        row += len(own) - 1
    return layers


def _style_layer(name: str, module: nn.Module, row: int, part: str) -> StyleLayer:
    group: StyleGroup = part if part == "background" else f"{part}_{'torgb' if name.endswith('torgb') else 'conv'}"
    return StyleLayer(name, module.affine.weight.shape[0], row, group)


def superresolution_style_layers(blocks: list[tuple[str, SynthesisBlock]], prefix: str) -> list[StyleLayer]:
    """All super-resolution layers read the last row of w+ (row -1)."""
    return [
        _style_layer(f"{prefix}{name}.{layer}", module, -1, "superresolution")
        for name, block in blocks
        for layer, module in block.style_layers()
    ]


class StyleGenerator(nn.Module, ABC):
    """One protocol for EG3D and 2D StyleGAN2: z -> w+ -> styles -> image.

    Nothing that a call computes is kept on the network: what can be reused is returned and passed in.
    """

    layout: StyleLayout
    config: GeneratorConfig
    mapping: MappingNetwork

    @property
    def device(self) -> torch.device:
        return self.mapping.w_avg.device

    @property
    def is_3d(self) -> bool:
        return self.config.family != "stylegan2"

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

    def styles(self, ws: Tensor) -> Tensor:
        """``ws [B, L, w_dim] -> [B, S]``: each layer's affine of its row of w+ (bare, before toRGB's gain)."""
        return torch.cat(
            [self.get_submodule(layer.name).affine(ws[:, layer.ws_index]) for layer in self.layout.layers], 1
        )

    def fingerprint(self) -> str:
        """16 hex digits of all weights, names and shapes: which network a latent or a mask belongs to."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


def z_from_seed(seed: int, z_dim: int) -> Tensor:
    """``[1, z_dim]``: the z that the published scripts draw for a seed (NumPy's legacy generator)."""
    import numpy as np

    return torch.from_numpy(np.random.RandomState(seed % 2**32).randn(1, z_dim)).float()
