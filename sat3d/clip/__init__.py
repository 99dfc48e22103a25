"""Image-text models: any ``open_clip`` architecture with local weights, or the small one of this package."""

from .image_text import ImageText
from .loading import UNTRAINED, load_clip
from .own import BUILT_IN, ClipConfig, OwnClip

__all__ = ["BUILT_IN", "UNTRAINED", "ClipConfig", "ImageText", "OwnClip", "load_clip"]
