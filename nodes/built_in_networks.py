"""Small networks that come with the pack, each loaded once for all nodes; their memory is the host's."""

from collections.abc import Callable
from functools import cache
from typing import TypeVar

import torch
from torch import nn

from ..sat3d.errors import FileError
from ..sat3d.generators import StyleGenerator, load_generator
from ..sat3d.inversion import PortraitEncoder, load_encoder
from ..sat3d.networks.built_in import GENERATOR
from ..sat3d.networks.reader import AttributeReader, load_reader
from ..sat3d.parsing.parser import HeadParser, load_parser
from .host import HostedNetwork, warn

N = TypeVar("N", bound=nn.Module)


@cache
def head_parser() -> HostedNetwork[HeadParser]:
    """
    Raises:
        FileError: its file is missing; who asks for it needs it.
    """
    return _load(load_parser)


@cache
def generator() -> HostedNetwork[StyleGenerator] | None:
    """To see whether a picture is of its domain; whoever makes faces loads one of their own. None: no file."""
    return _try_to_load(lambda: load_generator(GENERATOR).network)


@cache
def encoder() -> HostedNetwork[PortraitEncoder] | None:
    """None where its file is missing: inversion works all the same."""
    return _try_to_load(load_encoder)


@cache
def reader() -> HostedNetwork[AttributeReader] | None:
    """None where its file is missing: inversion works all the same."""
    return _try_to_load(load_reader)


def _load(load: Callable[[], N]) -> HostedNetwork[N]:
    with torch.inference_mode(False):
        return HostedNetwork(load())


def _try_to_load(load: Callable[[], N]) -> HostedNetwork[N] | None:
    try:
        return _load(load)
    except FileError as error:
        warn(str(error))
        return None
