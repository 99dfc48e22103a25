"""Paths of the generator and the masks that come with the package."""

from ..files.network_files import ASSETS

GENERATOR = ASSETS / "synthheads-128.safetensors"
MASKS = ASSETS / "synthheads-masks.safetensors"
