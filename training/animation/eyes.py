"""Who reads a driver, offline: the photo networks, or an attribute reader that knows actions."""

from __future__ import annotations

from pathlib import Path

from sat3d.animation.action_driver import AUTO, PHOTO, Eyes, FoundAgain, ReadBy, knows_actions
from sat3d.generators import load_generator
from sat3d.inversion import load_encoder
from sat3d.networks.built_in import GENERATOR
from sat3d.networks.reader import load_reader
from sat3d.parsing.parser import load_parser


def eyes_for(read_by: ReadBy, reader: Path | None = None) -> Eyes:
    """``reader``: its file; None: the built-in one.

    Raises:
        FileError: missing or damaged.
    """
    if read_by == PHOTO:
        return Eyes(read_by)
    network = load_reader(reader)
    if read_by != AUTO or not knows_actions(network):
        return Eyes(read_by, network)
    judge = FoundAgain(load_generator(GENERATOR).network, load_encoder(), load_parser().probabilities)
    return Eyes(read_by, network, judge)
