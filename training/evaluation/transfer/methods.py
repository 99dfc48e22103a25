"""What is compared: for each attribute one or several ways to edit, of which tuning picks one.

All methods change the editable channels alone (toRGB, super-resolution and background styles stay the source's), and
take an intensity δ by which the change of the styles is multiplied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sat3d.generators import TriplaneGenerator
from sat3d.masks import AttributeMasks
from sat3d.style_space import StyleLayout
from sat3d.transfer import edit_styles

from .scored import SCORED
from .triples import Cases, People


@dataclass(frozen=True)
class Pairing:
    """N sources and references of one attribute, with everything that a method may know of them."""

    network: TriplaneGenerator
    people: People
    cases: Cases

    @property
    def layout(self) -> StyleLayout:
        return self.network.layout

    @property
    def source(self) -> Tensor:
        return self.people.styles[self.cases.source]

    @property
    def reference(self) -> Tensor:
        return self.people.styles[self.cases.reference]

    def truths(self, numbers: Tensor) -> list[Mapping[str, str]]:
        return [self.people.truths[i] for i in numbers.tolist()]

    def moved(self, change: Tensor) -> Tensor:
        """The sources' styles with ``change [N, n]`` added to the editable channels."""
        return self.layout.with_editable(self.source, self.layout.editable(self.source) + change)


Edit = Callable[[Pairing, float], Tensor]  # δ -> styles [N, S]


@dataclass(frozen=True)
class Method:
    """``options``: attribute to {what is said of the option: how to edit}."""

    name: str
    summary: str
    options: Mapping[str, Mapping[str, Edit]]


@dataclass(frozen=True)
class Copy:
    """Copies the reference's styles where ``mask [n]`` is 1, the equation of SAT3D itself."""

    mask: Tensor

    def __call__(self, pair: Pairing, delta: float) -> Tensor:
        own, theirs = (pair.layout.editable(styles) for styles in (pair.source, pair.reference))
        return pair.layout.with_editable(pair.source, edit_styles(own, theirs, self.mask.to(own), delta))


def copy_all(layout: StyleLayout) -> Method:
    mask = torch.ones(layout.num_editable)
    return Method("copy_all", "all editable styles", {name: {"all": Copy(mask)} for name in SCORED})


def from_masks(name: str, masks: AttributeMasks) -> Method:
    """SAT3D, or one of its ablations."""
    known = [attribute for attribute in SCORED if attribute in masks.attributes]
    return Method(name, "learned masks", {attribute: {"mask": Copy(masks.mask([attribute]))} for attribute in known})


def copy_layers(layout: StyleLayout) -> Method:
    """Style mixing (Karras et al. 2019): every range of resolutions that hang together is an option."""
    levels = list(dict.fromkeys(_level(layer.name) for layer in layout.editable_layers))
    options = {}
    for first in range(len(levels)):
        for last in range(first, len(levels)):
            chosen = set(levels[first : last + 1])
            wanted = [layer.name for layer in layout.editable_layers if _level(layer.name) in chosen]
            options[f"{levels[first]}-{levels[last]}"] = Copy(layer_mask(layout, wanted))
    return Method("layer_range", "styles of the best range of layers", dict.fromkeys(SCORED, options))


def layer_mask(layout: StyleLayout, names: Iterable[str]) -> Tensor:
    """``[n]``: 1 for the channels of these layers."""
    names = set(names)
    return torch.cat([torch.full((layer.channels,), float(layer.name in names)) for layer in layout.editable_layers])


def channel_mask(layout: StyleLayout, channels: Tensor) -> Tensor:
    """``[n]``: 1 for these editable channels."""
    return torch.zeros(layout.num_editable).index_fill(0, channels, 1.0)


def _level(layer: str) -> str:
    """``backbone.synthesis.b16.conv0`` -> ``b16``."""
    return layer.split(".")[-2]
