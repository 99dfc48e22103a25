"""From a picture to a latent and a camera."""

from .encoder import Encoded, EncoderConfig, PortraitEncoder, encode, load_encoder

__all__ = ["Encoded", "EncoderConfig", "PortraitEncoder", "encode", "load_encoder"]
