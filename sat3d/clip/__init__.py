"""Image-text models: any ``open_clip`` architecture with local weights, or the small one of this package."""

from .choosing import Choice, choose_architecture
from .image_text import ImageText
from .loading import UNTRAINED, load_clip
from .built_in_clip import BUILT_IN, ClipConfig, OwnClip

__all__ = ["BUILT_IN", "UNTRAINED", "Choice", "ClipConfig", "ImageText", "OwnClip", "choose_architecture", "load_clip"]
