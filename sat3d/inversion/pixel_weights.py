"""Loss weights per pixel from a parser: glasses or an open mouth need not be learned."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..checks import check_number
from ..parsing.parser import HeadParser
from ..regions import pixels_labelled, widen
from .options import ADVICE

BACKGROUND = "background"
_MARGIN = 0.02  # of the picture's width: what the parser leaves of an edge must not be learned either


@torch.no_grad()
def weight_without(
    parser: HeadParser,
    images: Tensor,
    ignored: Sequence[str] = (),
    background: float = 1.0,
    margin: float = _MARGIN,
) -> Tensor:
    """``images [B, 3, H, W]`` in -1..1 -> weights ``[B, 1, H, W]`` 0..1 for an inversion.

    0 on the parts in ``ignored`` (names of the parser's labels, such as *glasses*) and ``margin`` of the width around
    them; ``background`` behind the head; 1 elsewhere. The parser knows the parts of a head alone: of a hand or a
    microphone before the face, paint a mask.

    Example:
        >>> from sat3d.parsing.parser import load_parser
        >>> weight_without(load_parser(), torch.zeros(1, 3, 128, 128), ["glasses"], background=0.2).shape
        torch.Size([1, 1, 128, 128])

    Raises:
        ConfigError: a label that the parser does not know, or a number out of 0..1. ShapeError: not pictures.
    """
    check_number("background", background, 0, 1, ADVICE)
    check_number("margin", margin, 0, 1, ADVICE)
    names = parser.config.labels
    labels = parser.labels(images)
    weight = torch.ones_like(images[:, :1])
    if background != 1:
        weight = torch.where(pixels_labelled(labels, [BACKGROUND], names), background, weight)
    if ignored:
        gone = widen(pixels_labelled(labels, list(ignored), names), round(margin * images.shape[-1]))
        weight = weight.masked_fill(gone, 0.0)
    return weight
