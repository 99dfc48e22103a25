"""A term of the loss of an inversion: what colour the parts of a head have."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..networks.loading import resize
from ..parsing.labels import BEARD, CLOTH, HAIR, SKIN
from ..parsing.parser import HeadParser
from .layers import GROUPS, group_shares

_SIDE_PX = 128
# Of small parts, such as brows behind glasses, a parser's mistakes make half the colour.
_LARGE = [i for i, group in enumerate(GROUPS) if {CLOTH, SKIN, HAIR, BEARD} & set(group)]
_LEAST_AREA = 0.003  # of the picture: of less, a mean colour says nothing


@dataclass(frozen=True)
class SeenRegions:
    """Of clothes, skin, hair and beard: ``colours [1, G, 3]`` in -1..1 and ``areas [1, G]``, in shares of the
    picture."""

    colours: Tensor
    areas: Tensor


class RegionLoss(nn.Module):
    """Mean squared difference of the mean colours of the large parts that both pictures show, each alike in weight.
    Of the pixels themselves nothing is asked, since a drawing has none of a photo's; nor where parts lie: of a photo a
    parser that knows drawn heads says little about that, and white hair that it overlooks would go."""

    once = True  # what is wanted is read from the picture itself, whatever of it is left out

    def __init__(self, parser: HeadParser):
        super().__init__()
        self.parser = parser

    def features(self, images: Tensor) -> SeenRegions:
        """Of ``[1, 3, S, S]`` in -1..1; differentiable."""
        small = resize(images, _SIDE_PX, _SIDE_PX)
        with torch.no_grad():
            shares = group_shares(self.parser.probabilities(small))[:, _LARGE]
        areas = shares.mean((2, 3))
        weighted = torch.einsum("bchw,bghw->bgc", small, shares) / shares[0, 0].numel()
        return SeenRegions(weighted / areas.clamp_min(1e-6)[..., None], areas)

    def forward(self, got: Tensor, wanted: SeenRegions) -> Tensor:
        """Scalar; ``got [1, 3, H, H]`` of any size."""
        found = self.features(got)
        weight = (torch.minimum(found.areas, wanted.areas) / _LEAST_AREA).clamp(max=1)
        return ((found.colours - wanted.colours).square().mean(2) * weight).sum() / weight.sum().clamp_min(1)
