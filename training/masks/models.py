"""What pictures are made and judged with: generator, QMM and parser of a domain, none of which is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from sat3d.domains import Domain
from sat3d.errors import ConfigError, FileError
from sat3d.generators import FullHeadGenerator, RenderOptions, StyleGenerator, TriplaneGenerator
from sat3d.generators.base import fingerprint_of
from sat3d.generators.shown import LEAST_SHARE
from sat3d.networks.loading import SMALLEST_PICTURE_PX, resize
from sat3d.parsing.bisenet import load_face_parser
from sat3d.parsing.deeplab import load_voc_parser
from sat3d.parsing.parser import load_parser
from sat3d.qmm import QMM
from sat3d.regions import alterable_region, pixels_labelled
from training.common.device import Machine


@dataclass(frozen=True)
class Segmenter:
    """A parser as masks need it: ``find`` takes ``[B, 3, H, W]`` in -1..1 to labels ``[B, H, W]``; None: the generator
    parses its pictures itself."""

    label_names: tuple[str, ...]
    find: Callable[[Tensor], Tensor] | None
    fingerprint: str = ""


OWN_PARSER = "own"  # what a domain calls the parsing that some generators do themselves


def load_head_parser(weights: Path | None, device: torch.device) -> Segmenter:
    """The parser of the built-in domain, or one of its kind from a file."""
    parser = load_parser(weights).to(device)
    return Segmenter(parser.config.labels, parser.labels, fingerprint_of(parser))


def load_celebamask_parser(weights: Path | None, device: torch.device) -> Segmenter:
    """BiSeNet with the public weights of face-parsing.PyTorch, for photographs of faces."""
    parser = load_face_parser(weights).to(device)
    return Segmenter(parser.label_names, parser.labels, fingerprint_of(parser))


def load_deeplab(weights: Path | None, device: torch.device) -> Segmenter:
    """torchvision's DeepLabv3, for photographs of cats; ``weights`` may be its name."""
    parser = load_voc_parser(weights).to(device)
    return Segmenter(parser.label_names, parser.labels, fingerprint_of(parser))


# The kinds of parser that a domain file may name: weights (None: built-in) and device -> Segmenter.
PARSERS: dict[str, Callable[[Path | None, torch.device], Segmenter]] = {
    "head": load_head_parser,
    "celebamask": load_celebamask_parser,
    "voc": load_deeplab,
}


def load_segmenter(
    domain: Domain, weights: Path | None, device: torch.device, network: StyleGenerator | None = None
) -> Segmenter | None:
    """The parser that the domain names, or None where it names none. ``network``: for domains whose parser is the
    generator itself (``own``); its labels are called label_0, label_1 …, since files do not name them.

    Raises:
        ConfigError: a kind of parser that is not known, or a generator that does not parse its pictures.
        FileError: its weights are missing, damaged or of another kind.
    """
    if not domain.parser:
        return None
    if domain.parser == OWN_PARSER:
        return _own_segmenter(network)
    if domain.parser not in PARSERS:
        raise ConfigError(
            "The domain names a parser that is not known", domain.parser, f"one of {list(PARSERS)}", "correct its file"
        )
    try:
        return PARSERS[domain.parser](weights, device)
    except FileError as error:
        raise error if weights else error.with_next_step(f"{error.next_step} (--parser)") from error


def _own_segmenter(network: StyleGenerator | None) -> Segmenter:
    count = network.config.parsing_labels if isinstance(network, FullHeadGenerator) else 0
    if not count:
        raise ConfigError("The domain wants a generator that parses its own pictures, and this one does not",
                          "no parsing layer", "a SphereHead with one", "choose a domain with a parser")  # fmt: skip
    return Segmenter(tuple(f"label_{i}" for i in range(count)), None)


@dataclass(frozen=True)
class View:
    """How pictures are made in training.

    ``neural_resolution``: side of the volume-rendered image (None: the checkpoint's). ``largest_px``: pictures are
    shrunk to this for all losses. ``exact``: whole gradients, by the generator's own renderer.
    """

    neural_resolution: int | None = None
    largest_px: int = 256
    exact: bool = False


@dataclass(frozen=True)
class Studio:
    """Everything frozen that a step needs."""

    network: StyleGenerator
    qmm: QMM
    segmenter: Segmenter | None
    view: View = View()
    machine: Machine = field(default_factory=Machine)

    def __post_init__(self):
        if self.segmenter is None:
            return
        nothing = torch.zeros(1, 1, 1, dtype=torch.long)
        for parts in self.domain.regions.values():
            alterable_region(nothing, parts, self.segmenter.label_names)
        sampling, preselection = self.domain.sampling, self.domain.preselection.values()
        named = [*sampling.drop, *sampling.at_least, *(chosen.region for chosen in preselection)]
        pixels_labelled(nothing, named, self.segmenter.label_names)

    @property
    def domain(self) -> Domain:
        return self.qmm.domain

    @property
    def device(self) -> torch.device:
        return self.network.device

    @property
    def picture_px(self) -> int:
        """Side of the pictures that are judged."""
        return max(min(self.network.config.img_resolution, self.view.largest_px), SMALLEST_PICTURE_PX)

    def pictures(self, styles: Tensor, camera: Tensor) -> Tensor:
        """``styles [B, S]``, ``camera [B, 25]`` ([B, 0] if flat) -> ``[B, 3, p, p]`` float32, about -1..1."""
        image = self._shaped(styles, camera) if isinstance(self.network, TriplaneGenerator) else self._flat(styles)
        return resize(image.float(), self.picture_px, self.picture_px)

    def _flat(self, styles: Tensor) -> Tensor:
        with self.machine.autocast():
            return self.network.synthesize(styles).image

    def _shaped(self, styles: Tensor, camera: Tensor) -> Tensor:
        # Only the backbone in half precision: depths and colours of thin surfaces need all digits.
        with self.machine.autocast():
            planes = self.network.planes(styles).float()
        options = RenderOptions(self.view.neural_resolution, least_share=None if self.view.exact else LEAST_SHARE)
        return self.network.render(planes, styles, camera, options).image

    @torch.no_grad()
    def labels(self, images: Tensor, styles: Tensor, camera: Tensor) -> Tensor:
        """``[B, 3, p, p]``, pictures of ``styles`` seen by ``camera`` -> ``[B, p, p]`` uint8; ``[B, 0, 0]`` where
        nothing is parsed."""
        if self.segmenter is None:
            return torch.zeros(len(images), 0, 0, dtype=torch.uint8, device=images.device)
        if self.segmenter.find is None:
            return self._own_labels(styles, camera)
        return self.segmenter.find(images.detach()).to(torch.uint8)

    def _own_labels(self, styles: Tensor, camera: Tensor) -> Tensor:
        options = RenderOptions(neural_resolution=self.view.neural_resolution)
        parsed = self.network.synthesize(styles, camera, options).parsing
        return resize(parsed.float(), self.picture_px, self.picture_px).argmax(1).to(torch.uint8)

    def region(self, labels: Tensor, attributes: list[str]) -> Tensor:
        """B_* of each picture's own attribute: ``labels [B, p, p]`` -> ``[B, 1, p, p]`` bool."""
        pieces = [
            alterable_region(labels[i : i + 1].long(), self.domain.regions[name], self.segmenter.label_names)
            for i, name in enumerate(attributes)
        ]
        return torch.cat(pieces)

    def facts(self) -> Mapping[str, object]:
        """What measured pictures depend on, for a file to name."""
        domain = self.domain
        asked = repr((domain.template, list(domain), domain.parser, domain.sampling))
        return {
            "generator": self.network.fingerprint(),
            "domain": domain.name,
            "domain_hash": hashlib.sha256(asked.encode()).hexdigest()[:16],
            "clip": fingerprint_of(self.qmm.model) if isinstance(self.qmm.model, nn.Module) else "",
            "parser": self.segmenter.fingerprint if self.segmenter else "",
            "neural_resolution": self.view.neural_resolution,
            "samples": _samples(self.network),
            "picture_px": self.picture_px,
        }


def _samples(network: StyleGenerator) -> list[int]:
    if not isinstance(network, TriplaneGenerator):
        return []
    return [network.config.rendering.depth_resolution, network.config.rendering.depth_resolution_importance]
