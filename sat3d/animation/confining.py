"""Expression that cannot leak: a face that moves only in the alterable region of expression, in 3D.

Hair, ears, clothes and backdrop of each frame are those of the face that holds still, bit for bit, from every side. The
moving face is a confined edit (:mod:`sat3d.parts.confining`) whose region is that of the clip's most different frames.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..generators import StyleGenerator
from ..latent import Latent
from ..latent_layers import EDIT
from ..parts.confining import Region, confine_edit, edited_so_far
from ..parts.field import PartField
from .expression_space import ExpressionSpace

_EXTREMES = 4


@torch.no_grad()
def confine_expression(
    network: StyleGenerator, part_field: PartField, latent: Latent, space: ExpressionSpace, values: Tensor,
    region: Region,
) -> Latent:  # fmt: skip
    """``latent``, one face, with a layer over it that is to follow ``values [T, K]``: the last of its confined edits.

    Raises:
        ConfigError: a flat generator, or not one with planes.
    """
    start = edited_so_far(latent)
    made = []
    for extreme in values[far_apart(values, _EXTREMES)]:
        edited = replace(start, styles=space.apply(start.styles, extreme[None]))
        made.append(confine_edit(network, part_field, latent, edited, region))
    last = sum(layer.kind == EDIT for layer in latent.layers)
    layer = made[0].layers[last]
    cells = [each.layers[last].cells for each in made]
    joined = None if any(one is None for one in cells) else torch.stack([one for one in cells if one is not None])
    layer = replace(layer, styles=start.styles.clone(), cells=None if joined is None else joined.amax(0))
    layers = (*made[0].layers[:last], layer, *made[0].layers[last + 1 :])
    return replace(made[0], layers=layers, edits=latent.edits)


def far_apart(values: Tensor, count: int) -> list[int]:
    """Rows of ``values [T, K]`` of which each is as far as can be from those before; the first is the largest."""
    chosen = [int(values.norm(dim=1).argmax())]
    away = (values - values[chosen[0]]).norm(dim=1)
    while len(chosen) < count and float(away.max()) > 0:
        chosen.append(int(away.argmax()))
        away = torch.minimum(away, (values - values[chosen[-1]]).norm(dim=1))
    return chosen
