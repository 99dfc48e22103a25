"""Composed volumes: each sample takes density and colours of one face or another, by the part that is there.

Planes of several faces lie one after the other; a sample reads all of them, the others' at the points that a fit of
their heads maps it to. To the renderer this is one volume with one decoder (``renderer.Volume``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from ..generators.layers import softplus
from ..generators.planes import sample_planes
from ..generators.renderer import Decoder, Places, Volume
from .field import PartField

_GATE = 1.0  # of the box: what so much of it would hide is matter, and a part of something
_THIN = 1e-6
_LEAST_FEATHER = 1e-3


@dataclass(frozen=True)
class LayerRule:
    """Where a layer's face is taken: at points that are one of the ``parts`` (numbers of labels) of its own face or of
    the base face, with soft edges from ``own`` [0] to [1] of that probability and from ``removed`` [0] to [1].

    ``tone [C]``: what is added to the colour logits of its ``skin`` labels. ``fit [3, 4]``: a point of the base face -> the point of this face. ``below``: the rule holds beneath this height of
    the planes (texel units of the second coordinate of the first plane); None: everywhere.
    """

    parts: tuple[int, ...]
    own: tuple[float, float]
    removed: tuple[float, float]
    fit: Tensor
    tone: Tensor | None = None
    skin: tuple[int, ...] = ()
    below: float | None = None
    soft_texels: float = 1.0


@dataclass(frozen=True)
class LabelledVolume(Volume):
    """A volume whose decoder also tells parts."""

    @property
    def channels(self) -> int:
        return self.decoder.channels


@dataclass(frozen=True)
class ComposedVolume(LabelledVolume):
    """A volume whose ``planes [1, H, W, P · (1 + L), …]`` are those of a base face and of L layers."""

    fits: tuple[Tensor, ...] = ()  # [3, 4] each

    def lines(self, origins: Tensor, directions: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        mapped = [(origins, directions), *(_map_rays(fit, origins, directions) for fit in self.fits)]
        lines = [super(ComposedVolume, self).lines(*rays, depth) for rays in mapped]
        middle, step = zip(*lines, strict=True)
        return torch.cat(middle), torch.cat(step)

    def places(self, points: Tensor) -> Places:
        mapped = [points, *(fit[:, :3] @ points + fit[:, 3:] for fit in self.fits)]
        found = [super(ComposedVolume, self).places(each) for each in mapped]
        shares = None if found[0].shares is None else torch.cat([each.shares for each in found])
        return Places(torch.cat([each.texels for each in found]), shares)

    def features(self, places: Places, volume_index: Tensor | None = None) -> Tensor:
        """``[M, (1 + L) · C + 1]``: of all faces, and the height on the first plane."""
        layers = 1 + len(self.fits)
        found = sample_planes(self.planes, places.texels, volume_index, places.shares, layers)
        return torch.cat([found, places.texels[0, 1][:, None]], 1)


def _map_rays(fit: Tensor, origins: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    return origins @ fit[:, :3].T + fit[:, 3], directions @ fit[:, :3].T


@dataclass(frozen=True)
class PartsDecoder:
    """The decoder of a composed volume; to the renderer like :class:`.renderer.Decoder`.

    Without layers it only adds, ``labelled``, the probabilities of K labels to what is composited. Its logits are
    colours already, before a sigmoid's widening.
    """

    base: Decoder
    part_field: PartField
    rules: tuple[LayerRule, ...] = ()
    labelled: bool = False
    box_warp: float = 1.0
    features: int = field(default=0)  # C, of one face

    @property
    def channels(self) -> int:
        return self.features + self.labelled * len(self.part_field.labels)

    @property
    def _units(self) -> int:
        return self.part_field.config.inputs

    # -- what the renderer asks of a decoder

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.hidden(x)
        return self._decode(hidden)

    def hidden(self, x: Tensor) -> Tensor:
        """Features ``[M, (1 + L) · C (+ 1)]`` -> hidden units of all faces (and the height)."""
        if not self.rules:
            return self.base.hidden(x)
        found = self.base.hidden(x[..., :-1].unflatten(-1, (1 + len(self.rules), self.features)))
        return torch.cat([found.flatten(-2), x[..., -1:]], -1)

    def density(self, hidden: Tensor) -> Tensor:
        """Raw density ``[M]``."""
        if not self.rules:
            return self.base.density(hidden)
        raw, picks = self._choose(hidden)
        return blended_density(raw, picks)

    def logits(self, hidden: Tensor) -> Tensor:
        """Colours (and label probabilities) ``[M, C (+ K)]``."""
        return self._decode(hidden)[1]

    def colours(self, logits: Tensor) -> Tensor:
        return self.base.widened(logits.flatten(0, -2)[:, : self.features], logits.new_ones(())[None]).view(
            *logits.shape[:-1], self.features
        )

    def narrow_colours(self, logits: Tensor) -> Tensor:
        return logits

    def widened(self, total: Tensor, opacity: Tensor) -> Tensor:
        colours, labels = total.split([self.features, total.shape[1] - self.features], 1)
        return torch.cat([self.base.widened(colours, opacity), labels], 1)

    def signed(self, features: Tensor) -> Tensor:
        colours, labels = features.split([self.features, features.shape[1] - self.features], 1)
        return torch.cat([self.base.signed(colours), labels], 1)

    # -- how faces are composed

    def _split(self, hidden: Tensor) -> Tensor:
        """Of all faces: ``[M, 1 + L, H]``."""
        return hidden[..., :-1].unflatten(-1, (1 + len(self.rules), self._units)) if self.rules else hidden[..., None, :]

    def _choose(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Raw densities ``[M, 1 + L]`` and how much of each layer is taken ``[M, L]``."""
        each = self._split(hidden)
        raw = self.base.density(each)
        return raw, self._picks(raw, self.part_field.probabilities(each), hidden[..., -1])

    def _picks(self, raw: Tensor, shares: Tensor, height: Tensor) -> Tensor:
        there = 1 - torch.exp(-softplus(raw - 1) * (_GATE * self.box_warp))
        picks = []
        for number, rule in enumerate(self.rules, 1):
            part = shares[..., list(rule.parts)].sum(-1) * there  # [M, 1 + L]
            pick = torch.maximum(_ramp(part[..., 0], *rule.removed), _ramp(part[..., number], *rule.own))
            if rule.below is not None:
                pick = pick * ((height - rule.below) / rule.soft_texels).clamp(0, 1)
            picks.append(pick)
        return torch.stack(picks, -1)

    def _decode(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        each = self._split(hidden)
        shares = self.part_field.probabilities(each) if self.rules or self.labelled else None
        colours = self.base.narrow_colours(self._toned(self.base.logits(each), shares))
        if self.labelled:
            colours = torch.cat([colours, shares], -1)
        raw = self.base.density(each)
        if not self.rules:
            return raw[..., 0], colours[..., 0, :]
        picks = self._picks(raw, shares, hidden[..., -1])
        return blended_density(raw, picks), blended_colours(colours, raw, picks)


    def _toned(self, logits: Tensor, shares: Tensor | None) -> Tensor:
        for number, rule in enumerate(self.rules, 1):
            if rule.tone is not None and rule.skin and shares is not None:
                much = shares[..., number, list(rule.skin)].sum(-1, keepdim=True)
                logits[..., number, :] += much * rule.tone
        return logits


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
