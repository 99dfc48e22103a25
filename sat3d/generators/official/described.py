"""What is known of a network before its numbers are read: sizes and settings, and where its tensors lie."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from ...foreign.values import Shape, TensorView
from ..config import GeneratorConfig

Finish = Callable[[dict[str, Tensor]], dict[str, Tensor]]


@dataclass(frozen=True)
class Described:
    """``views``: by the official names, checked against ``shapes``; ``finish`` makes of their numbers those of the
    network, where the file lacks one or has it in another form; ``notes``: what is told to people."""

    config: GeneratorConfig
    shapes: Mapping[str, Shape]
    views: Mapping[str, TensorView]
    notes: Mapping[str, str]
    licence: str
    finish: Finish = field(default=lambda tensors: tensors)
