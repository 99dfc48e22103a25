"""Paths of the generators, their masks and their sliders that come with the package."""

from ..files.network_files import ASSETS

GENERATOR = ASSETS / "synthheads-256.safetensors"
MASKS = ASSETS / "synthheads-masks.safetensors"
CARS, CARS_MASKS = ASSETS / "synthcars.safetensors", ASSETS / "synthcars-masks.safetensors"
CATS, CATS_MASKS = ASSETS / "synthcats.safetensors", ASSETS / "synthcats-masks.safetensors"
EXPRESSIONS = ASSETS / "synthheads-expressions.safetensors"
SLIDERS = ASSETS / "synthheads-sliders.safetensors"
