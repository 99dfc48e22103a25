"""Image-text models: any ``open_clip`` architecture with local weights, or the small one of this package."""

from .built_in_clip import BUILT_IN, ClipConfig, OwnClip
from .choosing import ArchitectureChoice, choose_architecture
from .image_text import ImageText
from .loading import UNTRAINED, load_clip

__all__ = [
    "BUILT_IN",
    "UNTRAINED",
    "ArchitectureChoice",
    "ClipConfig",
    "ImageText",
    "OwnClip",
    "choose_architecture",
    "load_clip",
]
