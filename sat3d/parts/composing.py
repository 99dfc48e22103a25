"""Composed volumes: each sample takes density and colours of one face or another, by the part that is there.

Planes of several faces lie one after the other; a sample reads all of them, the others' at the points that a fit of
their heads maps it to. To the renderer this is one volume with one decoder (``renderer.Volume``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from ..generators.decoder import Decoder
from ..generators.layers import softplus
from ..generators.planes import grid_size, sample_planes
from ..generators.scene import Places
from .cells import HIDDEN, OPEN, coordinates, look_up
from .field import PartField
from .labelling import LabelledVolume

_GATE = 1.0  # of the box: what so much of it would hide is matter, and a part of something
_THIN = 1e-6
_LEAST_FEATHER = 1e-3
_NOWHERE = -1e3  # a coordinate
_HIDDEN_EDGE, _MATTER_EDGE = (0.05, 0.4), (0.1, 0.5)


@dataclass(frozen=True)
class LayerRule:
    """Where a layer's face is taken: at points that are one of the ``parts`` (numbers of labels) of its own face or of
    the base face, with soft edges from ``own`` [0] to [1] of that probability and from ``removed`` [0] to [1] (None:
    never).

    ``fit [3, 4]``: a point of the base face -> the point of this face. ``tone [K, C]``: what is added to its colour
    logits where it is of a label. ``lower``: labels that count only beneath the height ``below``, with an edge ``soft``
    wide, negative where heights count downwards (coordinates of the planes, 0..1). ``cells``, ``own_cells [N, N, N]``:
    what is known of the parts of the base face and of this one, see :mod:`.cells` (None: what the field finds).
    """

    parts: tuple[int, ...]
    own: tuple[float, float] | None
    removed: tuple[float, float] | None
    fit: Tensor
    tone: Tensor | None = None
    lower: tuple[int, ...] = ()
    below: float = 0.0
    soft: float = 1.0
    cells: Tensor | None = None
    own_cells: Tensor | None = None

    def grounds(self, base: Tensor, own: Tensor) -> tuple[Tensor, Tensor]:
        """What is known of places ``[M, 3]`` on the planes of the base face and of this one, ``[M]`` each: 0 where
        their parts cannot be, ``OPEN`` where they can."""
        if self.cells is None or self.own_cells is None:
            return torch.full_like(base[:, 0], OPEN), torch.full_like(own[:, 0], OPEN)
        return look_up(self.cells, base), look_up(self.own_cells, own)

    def may_be(self, base: Tensor, own: Tensor) -> Tensor:
        """Such places -> ``[M]`` bool: where this layer can be taken at all."""
        here, there = self.grounds(base, own)
        return ((here > 0) & (self.removed is not None)) | ((there > 0) & (self.own is not None))

    def pick(self, labels: Sequence[int], base: Tensor, own: Tensor, grounds: tuple[Tensor, Tensor]) -> Tensor:
        """``[M]`` 0..1: how much of this face is taken, by the shares ``[M, K]`` of these labels in both faces."""
        base, own = (shares[..., list(labels)].sum(-1) for shares in (base, own))
        removed, added = (
            torch.zeros_like(base) if edge is None else _ramp(share, *edge)
            for share, edge in ((base, self.removed), (own, self.own))
        )
        return torch.maximum(removed * grounds[0].clamp(0, OPEN), added * grounds[1])


@dataclass(frozen=True)
class ComposedVolume(LabelledVolume):
    """A volume whose ``planes [1, H, W, P · (1 + L), …]`` are those of a base face and of L layers."""

    fits: tuple[Tensor, ...] = ()  # [3, 4] each
    axes: tuple[tuple[int, int], ...] | None = None  # see cells.coordinate_axes

    def lines(self, origins: Tensor, directions: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        mapped = [(origins, directions), *(_map_rays(fit, origins, directions) for fit in self.fits)]
        lines = [super(ComposedVolume, self).lines(*rays, depth) for rays in mapped]
        middle, step = zip(*lines, strict=True)
        return torch.cat(middle), torch.cat(step)

    def places(self, points: Tensor) -> Places:
        mapped = [points, *(fit[:, :3] @ points + fit[:, 3:] for fit in self.fits)]
        found = [super(ComposedVolume, self).places(each) for each in mapped]
        shares = [each.shares for each in found if each.shares is not None]
        return Places(torch.cat([each.texels for each in found]), torch.cat(shares) if shares else None)

    def features(self, places: Places, volume_index: Tensor | None = None) -> Tensor:
        """``[M, (1 + L) · (C + 3)]``: of all faces, then their coordinates on the planes, 0..1. Where no layer can be
        taken, theirs are not read, and their coordinates are ``_NOWHERE``."""
        layers = len(self.fits)
        if self.axes is None:
            found = sample_planes(self.planes, places.texels, volume_index, places.shares, 1 + layers)
            return F.pad(found, (0, 3 * (1 + layers)))
        size, number = grid_size(self.planes), len(places.texels) // (1 + layers)
        each = torch.stack([coordinates(own, self.axes, size) for own in places.texels.split(number)], 1)
        index = cast(ComposedDecoder, self.decoder).may_compose(each).nonzero()[:, 0]
        base = sample_planes(self.planes, places.texels[:number], volume_index)
        found = base.new_zeros(len(base), layers * base.shape[1])
        if len(index):
            others = places.texels[number:].index_select(2, index)
            found[index] = sample_planes(self.planes, others, layers=layers, first=number)
        apart = torch.full_like(each, _NOWHERE)
        apart[:, 0], apart[index] = each[:, 0], each[index]
        return torch.cat([base, found, apart.flatten(1)], 1)


def _map_rays(fit: Tensor, origins: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    return origins @ fit[:, :3].T + fit[:, 3], directions @ fit[:, :3].T


@dataclass(frozen=True)
class ComposedDecoder:
    """The decoder of a composed volume; to the renderer like :class:`.decoder.Decoder`.

    Its logits are colours already, before a sigmoid's widening; ``labelled``: then the probabilities of K labels.
    """

    base: Decoder
    part_field: PartField
    rules: tuple[LayerRule, ...]
    labelled: bool
    box_warp: float
    features: int  # C, of one face

    @property
    def channels(self) -> int:
        return self.features + self.labelled * len(self.part_field.labels)

    @property
    def _faces(self) -> int:
        return 1 + len(self.rules)

    # -- what the renderer asks of a decoder

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self._decode(self.hidden(x))

    def hidden(self, x: Tensor) -> Tensor:
        """Features ``[M, (1 + L) · (C + 3)]`` -> hidden units of all faces and coordinates."""
        features, places = x.split([self._faces * self.features, self._faces * 3], -1)
        base = self.base.hidden(features[..., : self.features])
        index = _composed(places)
        found = base.new_zeros(len(base), len(self.rules) * base.shape[1])
        if len(index):
            others = features[index, self.features :].unflatten(-1, (-1, self.features))
            found[index] = self.base.hidden(others).flatten(-2)
        return torch.cat([base, found, places], -1)

    def density(self, hidden: Tensor) -> Tensor:
        """Raw density ``[M]``."""
        each, places = self._split(hidden)
        found, index = self.base.density(each[..., 0, :]), _composed(places.flatten(-2))
        if len(index):
            some = each[index]
            raw = self.base.density(some)
            found[index] = blended_density(raw, self._picks(some, raw, places[index]))
        return found

    def logits(self, hidden: Tensor) -> Tensor:
        """Colours (and label probabilities) ``[M, C (+ K)]``."""
        return self._decode(hidden, with_density=False)[1]

    def colours(self, logits: Tensor) -> Tensor:
        narrow = logits.flatten(0, -2)[:, : self.features]
        return self.base.widened(narrow, logits.new_ones(())[None]).view(*logits.shape[:-1], self.features)

    def narrow_colours(self, logits: Tensor) -> Tensor:
        return logits

    def widened(self, total: Tensor, opacity: Tensor) -> Tensor:
        colours, labels = total.split([self.features, total.shape[1] - self.features], 1)
        return torch.cat([self.base.widened(colours, opacity), labels], 1)

    composite, composite_some = Decoder.composite, Decoder.composite_some

    def signed(self, features: Tensor) -> Tensor:
        colours, labels = features.split([self.features, features.shape[1] - self.features], 1)
        return torch.cat([self.base.signed(colours), labels], 1)

    # -- how faces are composed

    def _split(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden units ``[M, 1 + L, H]`` and coordinates ``[M, 1 + L, 3]`` of all faces."""
        units, places = hidden.split([hidden.shape[-1] - 3 * self._faces, 3 * self._faces], -1)
        return units.unflatten(-1, (self._faces, -1)), places.unflatten(-1, (self._faces, 3))

    def _picks(self, each: Tensor, raw: Tensor, places: Tensor) -> Tensor:
        """How much of each layer is taken ``[M, L]``, by hidden units ``[M, 1 + L, H]``, raw densities ``[M, 1 + L]``
        and coordinates of all faces."""
        there = 1 - torch.exp(-softplus(raw - 1) * (_GATE * self.box_warp))
        grounds = [rule.grounds(places[..., 0, :], places[..., n, :]) for n, rule in enumerate(self.rules, 1)]
        shares = self._shares(each, there, grounds)
        picks = []
        for number, (rule, ground) in enumerate(zip(self.rules, grounds, strict=True), 1):
            pick = rule.pick(rule.parts, shares[:, 0], shares[:, number], ground)
            if rule.lower:
                low = ((places[..., 0, 1] - rule.below) / rule.soft).clamp(0, 1)
                pick = torch.maximum(pick, low * rule.pick(rule.lower, shares[:, 0], shares[:, number], ground))
            if rule.cells is not None and rule.removed is not None:
                hidden = (ground[0] - OPEN) / (HIDDEN - OPEN)
                pick = torch.maximum(pick, _ramp(hidden, *_HIDDEN_EDGE) * _ramp(there[..., 0], *_MATTER_EDGE))
            picks.append(pick)
        return torch.stack(picks, -1)

    def _shares(self, each: Tensor, there: Tensor, grounds: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Label probabilities of what is ``there [M, 1 + L]``, ``[M, 1 + L, K]``; 0 where they could change nothing:
        where a face is too thin, or lies where none of its parts can be."""
        asked = torch.zeros_like(there, dtype=torch.bool)
        for number, (rule, ground) in enumerate(zip(self.rules, grounds, strict=True), 1):
            if rule.removed is not None:
                asked[:, 0] |= (there[:, 0] > rule.removed[0]) & (ground[0] > 0)
            if rule.own is not None:
                asked[:, number] |= (there[:, number] > rule.own[0]) & (ground[1] > 0)
        shares = there.new_zeros(*there.shape, len(self.part_field.labels))
        shares[asked] = self.part_field.probabilities(each[asked]) * there[asked][:, None]
        return shares

    def _decode(self, hidden: Tensor, with_density: bool = True) -> tuple[Tensor, Tensor]:
        each, places = self._split(hidden)
        own = each[..., 0, :]
        found = self._colours(own)
        density = self.base.density(own) if with_density else found
        index = _composed(places.flatten(-2))
        if len(index):
            some = each[index]
            raw = self.base.density(some)
            picks = self._picks(some, raw, places[index])
            found[index] = blended_colours(self._all_colours(found[index], some, picks), raw, picks)
            if with_density:
                density[index] = blended_density(raw, picks)
        return density, found

    def _colours(self, hidden: Tensor, rule: LayerRule | None = None) -> Tensor:
        """Hidden units of one face -> its colours (and label probabilities) ``[M, C (+ K)]``."""
        logits, toned = self.base.logits(hidden), rule is not None and rule.tone is not None
        shares = self.part_field.probabilities(hidden) if self.labelled or toned else None
        if rule is not None and rule.tone is not None and shares is not None:
            logits = logits + shares @ rule.tone
        colours = self.base.narrow_colours(logits)
        return torch.cat([colours, shares], -1) if self.labelled and shares is not None else colours

    def _all_colours(self, base: Tensor, each: Tensor, picks: Tensor) -> Tensor:
        """Those of all faces ``[M, 1 + L, C (+ K)]``, of the layers only where they are picked."""
        found = base.new_zeros(*each.shape[:2], base.shape[1])
        found[:, 0] = base
        for number, rule in enumerate(self.rules, 1):
            picked = (picks[:, number - 1] > 0).nonzero()[:, 0]
            found[picked, number] = self._colours(each[picked, number], rule)
        return found

    def may_compose(self, places: Tensor) -> Tensor:
        """``places [M, 1 + L, 3]`` -> ``[M]`` bool: where a layer can be taken at all."""
        found = torch.zeros(len(places), dtype=torch.bool, device=places.device)
        for number, rule in enumerate(self.rules, 1):
            found |= rule.may_be(places[:, 0], places[:, number])
        return found


def _composed(places: Tensor) -> Tensor:
    """Coordinates ``[M, (1 + L) · 3]`` -> the numbers of the samples in which layers have a part."""
    return (places[..., 3] > _NOWHERE).nonzero()[:, 0]


def _ramp(share: Tensor, low: float, high: float) -> Tensor:
    return ((share - low) / max(high - low, _LEAST_FEATHER)).clamp(0, 1)


def blended_density(raw: Tensor, picks: Tensor) -> Tensor:
    """Raw densities ``[…, 1 + L]`` of faces, ``picks […, L]`` 0..1 of the layers, a later one over those before ->
    ``[…]``. Where nothing is picked it is the base's, bit for bit."""
    found = raw[..., 0]
    for number in range(picks.shape[-1]):
        found = _between(found, raw[..., number + 1], picks[..., number])
    return found


def blended_colours(colours: Tensor, raw: Tensor, picks: Tensor) -> Tensor:
    """Colours ``[…, 1 + L, C]`` -> ``[…, C]``: of each face as much as its density has a part in what is there."""
    found, density = colours[..., 0, :], raw[..., 0]
    for number in range(picks.shape[-1]):
        pick, other = picks[..., number], raw[..., number + 1]
        own, theirs = (1 - pick) * softplus(density - 1) + _THIN, pick * softplus(other - 1) + _THIN * pick
        share = theirs / (own + theirs)
        share = torch.where(pick <= 0, 0.0, torch.where(pick >= 1, 1.0, share))
        found = _between(found, colours[..., number + 1, :], share[..., None])
        density = _between(density, other, pick)
    return found


def _between(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """A mixture that is exactly ``first`` at 0 and ``second`` at 1."""
    mixed = first + share * (second - first)
    return torch.where(share <= 0, first, torch.where(share >= 1, second, mixed))


def stacked_planes(planes: Sequence[Tensor]) -> Tensor:
    """Planes ``[1, H, W, P, …]`` of several faces as those of one composed volume."""
    return torch.cat(list(planes), 3)


def split_planes(planes: Tensor, count: int) -> list[Tensor]:
    """Planes of one composed volume as those of each of its ``count`` faces."""
    return [each.contiguous() for each in planes.chunk(count, 3)]
