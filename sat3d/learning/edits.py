"""Edited pictures of measured faces: what masks are judged by, and shown with."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from ..masks import AttributeMasks
from .face_cache import Pairs
from .sheets import tile
from .studio import Studio

_CELL_PX = 96


@torch.no_grad()
def edit_styles_of(
    studio: Studio, masks: AttributeMasks, source: Pairs, reference: Pairs, attributes: list[str]
) -> Tensor:
    """``[B, S]``: each source with its own one of B ``attributes`` from its reference, at intensity 1."""
    layout = studio.network.layout
    own, theirs = (layout.editable(faces.styles.to(studio.device)) for faces in (source, reference))
    changes = [masks.change([name], (theirs - own)[i : i + 1]) for i, name in enumerate(attributes)]
    return layout.with_editable(source.styles.to(studio.device), own + torch.cat(changes))


@torch.no_grad()
def edit_pictures(
    studio: Studio, masks: AttributeMasks, source: Pairs, reference: Pairs, attributes: list[str]
) -> Tensor:
    """The same as pictures ``[B, 3, p, p]``, from the cameras of the sources."""
    styles = edit_styles_of(studio, masks, source, reference, attributes)
    return studio.pictures(styles, source.camera.to(studio.device))


def edit_row(studio: Studio, masks: AttributeMasks, pairs: Pairs, number: int) -> Tensor:
    """``[2 + m, 3, p, p]`` in -1..1: two faces, the even and the odd one of a ``number``, and the first with each
    attribute of the second."""
    count = len(masks.attributes)
    source, reference = (pairs.select(torch.full((count,), face)) for face in (2 * number, 2 * number + 1))
    edits = edit_pictures(studio, masks, source, reference, list(masks.attributes))
    return torch.cat([source.images[:1].float(), reference.images[:1].float(), edits.cpu()]).clamp(-1, 1)


def edit_sheet(rows: list[Tensor]) -> Tensor:
    """``[1, 3, H, W]``: the rows of :func:`edit_row` below each other."""
    cells = F.interpolate(torch.cat(rows), (_CELL_PX, _CELL_PX), mode="area")
    return tile(cells, len(rows[0]))
