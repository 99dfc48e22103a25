"""Sliders: parameters of a face that are read from its styles and set in them, each group in a subspace of its own."""

from .config import Slider, SliderConfig, SliderGroup
from .files import SCHEMA, load_sliders, save_sliders
from .network import SliderNetwork
from .sliders import Sliders

__all__ = [
    "SCHEMA",
    "Slider",
    "SliderConfig",
    "SliderGroup",
    "SliderNetwork",
    "Sliders",
    "load_sliders",
    "save_sliders",
]
