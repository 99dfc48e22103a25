"""What all scores of parts need: networks, and heads whose views are rendered once for all parts and methods."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sat3d.generators import Rendering, RenderOptions, TriplaneGenerator
from sat3d.latent import Latent
from sat3d.masks import AttributeMasks
from sat3d.networks.reader import AttributeReader
from sat3d.parts.field import PartField, Parts
from sat3d.parts.fit import Anatomy, examine_head
from sat3d.parts.generator import views_of
from training.networks.coded_heads import Coder
from training.synthheads.labels import attributes_of


@dataclass(frozen=True, eq=False)
class Bench:
    """Networks, and what has been seen of heads of the population so far."""

    network: TriplaneGenerator
    coder: Coder
    parts: Parts
    masks: AttributeMasks
    reader: AttributeReader
    seed: int
    _faces: dict[int, Latent] = field(default_factory=dict)
    _views: dict[tuple[int, float], Rendering] = field(default_factory=dict)
    _anatomies: dict[bytes, Anatomy] = field(default_factory=dict)

    def truth(self, head: int) -> dict[str, str]:
        """What is true of a head, by attribute."""
        return attributes_of(self.coder.population.draw(self.seed, head))

    def face(self, head: int) -> Latent:
        if head not in self._faces:
            styles = self.coder.draw(self.seed, [head]).styles
            self._faces[head] = Latent(
                styles, self.network.rig.label(), "", self.network.layout.fingerprint, name=f"head {head}"
            )
        return self._faces[head]

    def view(self, head: int, yaw_deg: float) -> Rendering:
        """A head as it is, with labels."""
        if (head, yaw_deg) not in self._views:
            (self._views[head, yaw_deg],) = self.views(self.face(head), [yaw_deg], labelled=True)
        return self._views[head, yaw_deg]

    @torch.no_grad()
    def views(self, face: Latent, yaws_deg: Sequence[float], labelled: bool = False) -> list[Rendering]:
        """Any face from these sides."""
        cameras = torch.cat([self.network.rig.label(math.radians(yaw)) for yaw in yaws_deg])
        return list(views_of(self.network, face, cameras, RenderOptions(fast=True), self.parts.field, labelled))

    def examine(self, network: TriplaneGenerator, part_field: PartField, styles: Tensor) -> Anatomy:
        """As :func:`sat3d.parts.fit.examine_head`, once for each head."""
        key = styles.numpy(force=True).tobytes()
        if key not in self._anatomies:
            self._anatomies[key] = examine_head(network, part_field, styles)
        return self._anatomies[key]

    def read(self, image: Tensor) -> tuple[dict[str, str], Tensor]:
        """What the reader says of a picture ``[1, 3, H, W]``, and its vector of the person."""
        image = image.clamp(-1, 1)
        return self.reader.read(image)[0].names, self.reader(image).identity
