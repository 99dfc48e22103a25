"""What pictures are made and judged with: generator, QMM and parser of a domain, none of which is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ..domains import Domain
from ..generators import RenderOptions, StyleGenerator, TriplaneGenerator
from ..generators.base import fingerprint_of
from ..generators.shown import LEAST_SHARE
from ..networks.loading import SMALLEST_PICTURE_PX, resize
from ..qmm import QMM
from ..regions import alterable_region, pixels_labelled
from .known_faces import KnownFaces, Use
from .segmenters import Segmenter


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
    """Everything frozen that faces are made and measured with. ``dtype``: of the backbone's convolutions; ``faces``:
    those that are taken in place of drawn ones."""

    network: StyleGenerator
    qmm: QMM
    segmenter: Segmenter | None
    view: View = View()
    dtype: torch.dtype = torch.float32
    faces: KnownFaces | None = None

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
    def label_names(self) -> tuple[str, ...]:
        """What the parser tells apart; nothing where there is none."""
        return self.segmenter.label_names if self.segmenter else ()

    @property
    def picture_px(self) -> int:
        """Side of the pictures that are judged."""
        return max(min(self.network.config.img_resolution, self.view.largest_px), SMALLEST_PICTURE_PX)

    def pictures(self, styles: Tensor, camera: Tensor) -> Tensor:
        """``styles [B, S]``, ``camera [B, 25]`` ([B, 0] if flat) -> ``[B, 3, p, p]`` float32, about -1..1."""
        network = self.network
        shaped = isinstance(network, TriplaneGenerator)
        image = self._shaped(network, styles, camera) if shaped else self._flat(styles)
        return resize(image.float(), self.picture_px, self.picture_px)

    def _autocast(self) -> AbstractContextManager:
        return torch.autocast(self.device.type, self.dtype) if self.dtype != torch.float32 else nullcontext()

    def _flat(self, styles: Tensor) -> Tensor:
        with self._autocast():
            return self.network.synthesize(styles).image

    def _shaped(self, network: TriplaneGenerator, styles: Tensor, camera: Tensor) -> Tensor:
        # Only the backbone in half precision: depths and colours of thin surfaces need all digits.
        with self._autocast():
            planes = network.planes(styles).float()
        options = RenderOptions(self.view.neural_resolution, least_share=None if self.view.exact else LEAST_SHARE)
        return network.render(planes, styles, camera, options).image

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
        assert parsed is not None, "only generators that parse their pictures come here"
        return resize(parsed.float(), self.picture_px, self.picture_px).argmax(1).to(torch.uint8)

    def region(self, labels: Tensor, attributes: list[str]) -> Tensor:
        """B_* of each picture's own attribute: ``labels [B, p, p]`` -> ``[B, 1, p, p]`` bool."""
        pieces = [
            alterable_region(labels[i : i + 1].long(), self.domain.regions[name], self.label_names)
            for i, name in enumerate(attributes)
        ]
        return torch.cat(pieces)

    def with_faces_for(self, use: Use) -> Studio:
        """With the known faces that are kept for this ``use``; itself, where none are known."""
        return self if self.faces is None else replace(self, faces=self.faces.apart(use))

    def facts(self) -> Mapping[str, object]:
        """What measured pictures depend on, for a file to name."""
        domain = self.domain
        known = {} if self.faces is None else {"faces": self.faces.fingerprint}
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
            **known,
        }


def _samples(network: StyleGenerator) -> list[int]:
    if not isinstance(network, TriplaneGenerator):
        return []
    return [network.config.rendering.depth_resolution, network.config.rendering.depth_resolution_importance]
