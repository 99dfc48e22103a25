"""The pack's head parser, loaded once for all nodes that ask it."""

from functools import cache

import torch

from ..sat3d.parsing.parser import load_parser
from . import host


@cache
def head_parser() -> host.ModelPatcher:
    """Its memory is the host's.

    Raises:
        FileError: its file is missing; who asks for it needs it.
    """
    with torch.inference_mode(False):
        return host.hand_to_host(load_parser())
