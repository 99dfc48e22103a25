"""Style-based generators: EG3D tri-planes and 2D StyleGAN2, from our checkpoints or official pickles."""

from .base import Rendering, RenderOptions, StyleGenerator, ViewGenerator, as_view_generator, z_from_seed
from .config import (
    BackboneConfig,
    GeneratorConfig,
    RenderingConfig,
    StyleGAN2Config,
    SuperresolutionConfig,
    SynthesisConfig,
    TriplaneConfig,
)
from .full_head import FullHeadGenerator, shifted
from .full_head_config import FullHeadConfig
from .loading import LoadedGenerator, build_generator, generator_from_tensors, load_generator
from .preview import PreviewLadder
from .stylegan2 import StyleGAN2
from .synthesis import Noise
from .triplane import TriplaneGenerator
from .volume import Sampling

__all__ = [
    "BackboneConfig",
    "FullHeadConfig",
    "FullHeadGenerator",
    "GeneratorConfig",
    "LoadedGenerator",
    "Noise",
    "PreviewLadder",
    "RenderOptions",
    "Rendering",
    "RenderingConfig",
    "Sampling",
    "StyleGAN2",
    "StyleGAN2Config",
    "StyleGenerator",
    "SuperresolutionConfig",
    "SynthesisConfig",
    "TriplaneConfig",
    "TriplaneGenerator",
    "ViewGenerator",
    "as_view_generator",
    "build_generator",
    "generator_from_tensors",
    "load_generator",
    "shifted",
    "z_from_seed",
]
