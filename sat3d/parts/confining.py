"""Edits that cannot leak: an edited face that is shown only in the alterable region of its attributes, in 3D.

Everywhere else each pixel of each view is the source's, bit for bit, unless something before it went away.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from ..domains import RegionPart
from ..errors import ConfigError
from ..generators import StyleGenerator, TriplaneGenerator
from ..generators.base import as_view_generator
from ..inversion.tune import tuned_network
from ..latent import Edit, Latent
from ..latent_layers import EDIT, Layer
from .cells import CELLS
from .field import PartField
from .fit import Anatomy, examine_head, part_cells
from .swapping import weights_of

_EDGE, _SOFT = 0.25, 0.4  # of probabilities: what may be of the region counts, too
_WIDTH = 0.03  # of the box: the edge of a region that ends at a height


def edited_so_far(source: Latent) -> Latent:
    """``source`` without layers, with the styles of its last confined edit: what the next edit starts from."""
    edits = [layer for layer in source.layers if layer.kind == EDIT]
    styles = edits[-1].styles.expand_as(source.styles) if edits else source.styles
    return replace(source, styles=styles, layers=(), part_field=None)


@dataclass(frozen=True)
class Region:
    """Labels of an alterable region, and those that count only in their lower part, from ``row`` of it on.

    ``margins``: how far beside each of the ``parts`` the region reaches, shares of a picture's side: there lies the
    shade of hair and the rim of frames. Labels of the lower part have none.
    """

    parts: tuple[str, ...]
    lower: tuple[str, ...] = ()
    row: float = 0.0
    margins: tuple[float, ...] = ()

    @classmethod
    def of(cls, pieces: Sequence[RegionPart], labels: Sequence[str]) -> "Region":
        """Of the domain's pieces.

        Raises:
            ConfigError: no pieces, or labels that the field does not know.
        """
        names = [name for piece in pieces for name in piece.labels]
        if not names or set(names) - set(labels):
            raise ConfigError("The alterable region of this attribute is not known", names or "none",
                              ", ".join(labels), "edit without limits, or by masks of another domain")  # fmt: skip
        whole = [name for piece in pieces if piece.rows[0] <= 0 for name in piece.labels]
        lower = [piece for piece in pieces if piece.rows[0] > 0]
        row = min((piece.rows[0] for piece in lower), default=0.0)
        below = [name for piece in lower for name in piece.labels if name not in whole]
        parts = tuple(dict.fromkeys(whole))
        margins = [max(piece.margin for piece in pieces if name in piece.labels) for name in parts]
        return cls(parts, tuple(dict.fromkeys(below)), row, tuple(margins))

    def around(self, network: TriplaneGenerator) -> list[int]:
        """The margins in cells, as they are seen at the middle of the head."""
        side = network.rig.radius / network.rig.focal / network.config.rendering.box_warp * CELLS  # of a picture
        return [math.ceil(margin * side) for margin in self.margins]


@torch.no_grad()
def confine_edit(
    network: StyleGenerator, part_field: PartField, source: Latent, edited: Latent, region: Region
) -> Latent:
    """``source`` with what ``edited`` (see :func:`edited_so_far`) has in the region; parts of others stay on top.

    Raises:
        ConfigError: a flat generator.
    """
    solid = as_view_generator(tuned_network(network, source), "An edit that is confined in 3D")
    if not isinstance(solid, TriplaneGenerator):
        raise ConfigError("A confined edit needs a tri-plane generator", type(solid).__name__, "EG3D or a child of it")
    box = solid.config.rendering.box_warp
    styles = [each.styles.expand_as(source.styles).split(1) for each in (source, edited)]
    pairs = [[examine_head(solid, part_field, one) for one in pair] for pair in zip(*styles, strict=True)]
    numbers = part_field.numbers((*region.parts, *region.lower))
    layer = Layer(
        edited.styles.clone(), region.parts, feather=_SOFT, threshold=_EDGE, removed=_EDGE, kind=EDIT,
        cells=torch.stack([part_cells(solid, numbers, own, new, region.around(solid)) for own, new in pairs]),
        lower=region.lower, below=_height([pair[0] for pair in pairs], region), soft=_WIDTH * box,
        name=edited.edits[-1].reference if edited.edits else "",
    )  # fmt: skip
    edits = sum(one.kind == EDIT for one in source.layers)
    layers = (*source.layers[:edits], layer, *source.layers[edits:])
    edit: tuple[Edit, ...] = edited.edits
    return replace(source, edits=edit, layers=layers, part_field=source.part_field or weights_of(part_field))


def _height(heads: Sequence[Anatomy], region: Region) -> float:
    """The height y at which the lower part begins: of all faces together, the highest."""
    found = []
    for head in heads:
        ends = [head.extents[name] for name in region.lower if name in head.extents]
        if ends:
            top, bottom = max(end[0] for end in ends), min(end[1] for end in ends)
            found.append(top - region.row * (top - bottom))
    return max(found, default=0.0)
