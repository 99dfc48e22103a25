"""The pack's head parser, loaded once for all nodes that ask it."""

from functools import cache

import torch

from ..sat3d.parsing.parser import HeadParser, load_parser
from . import host


@cache
def head_parser() -> host.HostedNetwork[HeadParser]:
    """Its memory is the host's.

    Raises:
        FileError: its file is missing; who asks for it needs it.
    """
    with torch.inference_mode(False):
        return host.HostedNetwork(load_parser())
