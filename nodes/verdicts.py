"""What the nodes say of an inversion: the built-in parser and the face networks look at picture and finding."""

import torch
from torch import Tensor

from ..sat3d.inversion.target import make_target
from ..sat3d.inversion.verdict import Answer, Verdict, examine
from .built_in_networks import head_parser

__all__ = ["Answer", "examine", "examine_inversion", "parse"]


def parse(pictures: Tensor) -> Tensor:
    """``[B, 3, h, w]`` in -1..1 -> shares of ``LABEL_NAMES``, by the built-in parser."""
    parser = head_parser().ready()
    return parser.probabilities(pictures.to(next(parser.parameters()).device)).to(pictures)


@torch.no_grad()
def examine_inversion(picture: Tensor, found: Tensor) -> Verdict:
    """``picture [1, 3, H, W]`` (its square in the middle) and what was found in it, ``[1, 3, S, S]``."""
    square = make_target(picture.cpu(), max(64, found.shape[-1])).image
    return examine(square, found.cpu(), parse)
