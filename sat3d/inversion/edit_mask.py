"""Where an edit changed a part of a head, by two pictures of the generator from one camera: a mask for inpainting."""

from __future__ import annotations

import torch
from torch import Tensor

from ..networks.loading import large_enough, resize
from .layers import FIRST_OF_HEAD, Parse, changed_region, clearly_changed, group_shares

_MAP_PX = 256  # largest side of the maps
_A_HEAD = 0.02  # of the picture: less is no head to the parser, such as that of a cat


@torch.no_grad()
def changed_parts(before: Tensor, edited: Tensor, parse: Parse | None) -> Tensor:
    """``[1, 3, S, S]`` each, -1..1 -> ``[1, 1, S, S]`` 0..1: hair, skin or glasses that the edit changed or moved, but
    not the little that it does to everything, and not the backdrop. Where no head is seen, all that clearly changed.

    ``parse``: see :func:`sat3d.inversion.layers.paste_layers`; None: the pictures are not of heads.
    """
    side = before.shape[-1]
    both = large_enough(torch.cat([before, edited]).clamp(-1, 1))
    small = resize(both, *[min(_MAP_PX, both.shape[-1])] * 2)
    change = small[1:] - small[:1]
    shares = None if parse is None else group_shares(parse(small).to(small))
    if shares is None or (shares.argmax(1) >= FIRST_OF_HEAD).float().mean() < _A_HEAD:
        region = clearly_changed(change)
    else:
        region = changed_region(change, torch.cat([shares[:1], shares]))
    return resize(region.to(before), side, side).clamp(0, 1)
