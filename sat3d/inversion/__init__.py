"""Inversion: from a picture to a latent and a camera."""

from .avatar import find_avatar
from .delta import with_delta
from .encoder import Encoded, EncoderConfig, PortraitEncoder, encode, load_encoder
from .features import FeatureLoss
from .initialisation import Inverter
from .losses import IdentityLoss
from .lpips import LpipsLoss, load_lpips, lpips_missing
from .optimise import Inversion, invert
from .options import METHODS, InversionOptions
from .parameters import Start
from .pixel_weights import weight_without
from .protected import drivable_regions
from .tune import TuneOptions, tune, tuned_network
from .video import InvertedFrames, VideoOptions, expression_channels, invert_frames

__all__ = [
    "METHODS",
    "Encoded",
    "EncoderConfig",
    "FeatureLoss",
    "IdentityLoss",
    "Inversion",
    "InversionOptions",
    "InvertedFrames",
    "Inverter",
    "LpipsLoss",
    "PortraitEncoder",
    "Start",
    "TuneOptions",
    "VideoOptions",
    "drivable_regions",
    "encode",
    "expression_channels",
    "find_avatar",
    "invert",
    "invert_frames",
    "load_encoder",
    "load_lpips",
    "lpips_missing",
    "tune",
    "tuned_network",
    "weight_without",
    "with_delta",
]
