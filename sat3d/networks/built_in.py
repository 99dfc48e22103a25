"""Paths of the generator, its masks and its sliders that come with the package."""

from ..files.network_files import ASSETS

GENERATOR = ASSETS / "synthheads-128.safetensors"
MASKS = ASSETS / "synthheads-masks.safetensors"
SLIDERS = ASSETS / "synthheads-sliders.safetensors"
