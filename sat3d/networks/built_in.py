"""Paths of the generator, its masks and its sliders that come with the package."""

from ..files.network_files import ASSETS

GENERATOR = ASSETS / "synthheads-256.safetensors"
MASKS = ASSETS / "synthheads-masks.safetensors"
EXPRESSIONS = ASSETS / "synthheads-expressions.safetensors"
SLIDERS = ASSETS / "synthheads-sliders.safetensors"
