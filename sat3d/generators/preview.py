"""Pictures of a face that get finer while one waits, for sliders: what did not move is not computed again."""

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from .base import RenderOptions
from .occupancy import Occupancy
from .triplane import TriplaneGenerator

SIDES = (64, 128)  # of the pictures before super-resolution that come first


class PreviewLadder:
    """One face at a time. Planes and occupancy are kept here for as long as the styles that make them stay.

    ``options``: how the last picture is made; all are fast views.
    """

    def __init__(self, network: TriplaneGenerator, options: RenderOptions | None = None):
        self.network, self.options = network, replace(options or RenderOptions(), fast=True)
        self._drawn_from: Tensor | None = None
        self._planes: Tensor | None = None
        self._occupancy: Occupancy | None = None
        self._quick: Occupancy | None = None

    @property
    def sides(self) -> list[int]:
        """Of the pictures before the full one. Sizes that the volume rendering does not reach are left out."""
        last = self.options.neural_resolution or self.network.own_resolution
        return [side for side in SIDES if side < last or side == last < self.network.config.img_resolution]

    @torch.no_grad()
    def pictures(self, styles: Tensor, camera: Tensor, start: int = 0) -> Iterator[Tensor]:
        """``styles [1, S]``, ``camera [1, 25]`` -> pictures ``[1, 3, h, h]``, about -1..1: 64 px, 128 px, the full one.

        Each is computed when it is asked for: whoever has newer styles stops asking. The first ``start`` are left out,
        but never the full one.
        """
        planes = self._planes_of(styles)
        occupancy = self._matter(planes)
        for side in self.sides[start:]:
            options = replace(self.options, neural_resolution=side, occupancy=occupancy)
            yield self.network.render_raw(planes, styles, camera, options)
        yield self.network.render(planes, styles, camera, replace(self.options, occupancy=occupancy)).image
        # For when the face is turned, and only after all pictures are there.
        self._occupancy = self._occupancy or self.network.find_matter(planes)

    def _matter(self, planes: Tensor) -> Occupancy:
        """What is known of where matter is; if nothing is, what is found at once."""
        if self._occupancy is not None:
            return self._occupancy
        self._quick = self._quick or self.network.find_matter(planes, True)
        return self._quick

    def _planes_of(self, styles: Tensor) -> Tensor:
        """Drawn anew only where styles of the backbone have changed."""
        parts = self.network.layout.split(styles)
        own = torch.cat([part for name, part in parts.items() if name.startswith("backbone.")], 1)
        if self._planes is None or self._drawn_from is None or not torch.equal(own, self._drawn_from):
            self._planes = self.network.planes(styles, self.options.noise)
            self._occupancy = self._quick = None
            self._drawn_from = own.clone()
        return self._planes
