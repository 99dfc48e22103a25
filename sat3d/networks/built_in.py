"""Where the networks that come with the package lie, beside those that ``load_reader`` and its like find themselves."""

from .loading import ASSETS

GENERATOR = ASSETS / "synthheads-128.safetensors"
MASKS = ASSETS / "synthheads-masks.safetensors"
