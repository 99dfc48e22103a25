"""From a picture to a latent and a camera."""

from .delta import with_delta
from .encoder import Encoded, EncoderConfig, PortraitEncoder, encode, load_encoder
from .features import FeatureLoss
from .guess import Inverter
from .optimise import Inversion, invert
from .options import METHODS, InversionOptions
from .tune import TuneOptions, tune, tuned_network
from .variables import Start

__all__ = [
    "METHODS",
    "Encoded",
    "EncoderConfig",
    "FeatureLoss",
    "Inversion",
    "InversionOptions",
    "Inverter",
    "PortraitEncoder",
    "Start",
    "TuneOptions",
    "encode",
    "invert",
    "load_encoder",
    "tune",
    "tuned_network",
    "with_delta",
]
