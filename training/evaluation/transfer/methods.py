"""What is compared: for each attribute one or several ways to edit, of which tuning picks one.

All methods change the editable channels alone (toRGB, super-resolution and background styles stay the source's), and
take an intensity δ by which the change of the styles is multiplied.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from sat3d.errors import ConfigError
from sat3d.generators import TriplaneGenerator
from sat3d.masks import AttributeMasks
from sat3d.style_space import StyleLayout
from sat3d.transfer import edit_styles

from .metrics import all_alike, kept_share, likely_alike
from .renderer_and_judges import Shots, Stage
from .triples import SCORED, Cases, People, draw_cases, draw_people

MASKS = "sat3d"  # the method of masks that are given no name


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


@dataclass(frozen=True)
class Carried:
    """What masks say that ``attribute`` carries of the change from source to reference."""

    masks: AttributeMasks
    attribute: str

    def __call__(self, pair: Pairing, delta: float) -> Tensor:
        own, theirs = (pair.layout.editable(styles) for styles in (pair.source, pair.reference))
        return pair.layout.with_editable(pair.source, own + delta * self.masks.change([self.attribute], theirs - own))


def copy_all(layout: StyleLayout, attributes: Iterable[str] = tuple(SCORED)) -> Method:
    mask = torch.ones(layout.num_editable)
    return Method("copy_all", "all editable styles", {name: {"all": Copy(mask)} for name in attributes})


def from_masks(name: str, masks: AttributeMasks, attributes: Iterable[str] = tuple(SCORED)) -> Method:
    """SAT3D, or one of its ablations."""
    known = [attribute for attribute in attributes if attribute in masks.attributes]
    return Method(name, "learned masks", {attribute: {"mask": Carried(masks, attribute)} for attribute in known})


def copy_layers(layout: StyleLayout, attributes: Iterable[str] = tuple(SCORED)) -> Method:
    """Style mixing (Karras et al. 2019): every range of resolutions that hang together is an option."""
    levels = list(dict.fromkeys(_level(layer.name) for layer in layout.editable_layers))
    options = {}
    for first in range(len(levels)):
        for last in range(first, len(levels)):
            chosen = set(levels[first : last + 1])
            wanted = [layer.name for layer in layout.editable_layers if _level(layer.name) in chosen]
            options[f"{levels[first]}-{levels[last]}"] = Copy(layer_mask(layout, wanted))
    return Method("layer_range", "styles of the best range of layers", dict.fromkeys(attributes, options))


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


SEED_OFFSET = 1_000_003  # people that the scores are not taken from
_SIFT = 4  # triples on which options are sifted
_LEFT = 4  # options that are left for all triples


@dataclass(frozen=True)
class Choice:
    """What tuning found for one attribute of a method."""

    option: str
    delta: float


class Tuning:
    """Triples to tune on: ``each`` for every attribute. Sources and references are seen once."""

    def __init__(self, stage: Stage, seed: int, each: int):
        self.stage = stage
        self.people: People = draw_people(stage.coder, seed + SEED_OFFSET, max(4 * each, 16))
        self.cases = draw_cases(self.people, seed + SEED_OFFSET, each * len(SCORED))
        self.shots: Shots = stage.shoot(self.people.styles)

    def choose(self, method: Method, attribute: str, deltas: Sequence[float]) -> Choice:
        """The option that is best at δ = 1, and then the best δ, both by transfer · preservation."""
        options, cases = method.options[attribute], self.cases[attribute]
        option = next(iter(options))
        if len(options) > 1:
            sifted = self._best(options, cases.select(slice(_SIFT)), _LEFT)
            option = self._best(sifted, cases, 1).popitem()[0]
        of_delta = {delta: self.product(options[option], cases, delta) for delta in deltas}
        return Choice(option, max(of_delta, key=of_delta.get))

    def _best(self, options: Mapping[str, Edit], cases: Cases, count: int) -> dict[str, Edit]:
        if len(options) <= count:
            return dict(options)
        products = {name: self.product(edit, cases, 1.0) for name, edit in options.items()}
        return {name: options[name] for name in sorted(products, key=products.get, reverse=True)[:count]}

    def product(self, edit: Edit, cases: Cases, delta: float) -> float:
        """Transfer · preservation, both by the reader's chances in place of its verdicts, since triples are few."""
        with torch.no_grad():
            styles = edit(Pairing(self.stage.network, self.people, cases), delta)
        seen = self.stage.shoot(styles).seen
        source, reference = (self.shots.seen.select(index) for index in (cases.source, cases.reference))
        transfer = likely_alike(seen, reference, cases.attribute).mean()
        kept = kept_share(all_alike(seen, source, likely_alike), cases.kept).nanmean().nan_to_num(1.0)
        return float(transfer * kept)


def named_files(given: Iterable[str], taken: Container[str]) -> dict[str, Path]:
    """``NAME=FILE`` or ``FILE`` each -> name of a method to its file; MASKS where none is said.

    Raises:
        ConfigError: two of one name, one that is ``taken``, or an empty one.
    """
    files: dict[str, Path] = {}
    for one in given:
        name, found, path = one.partition("=")
        name, path = (name, path) if found and not Path(one).exists() else (MASKS, one)
        if name in files or name in taken or not name:
            raise ConfigError("Two methods of one name", name, "other names", "give --masks NAME=FILE")
        files[name] = Path(path)
    return files
