"""Parsers for commands, which have an option that gives their weights."""

from __future__ import annotations

from pathlib import Path

import torch

from sat3d.domains import Domain
from sat3d.errors import FileError
from sat3d.generators import StyleGenerator
from sat3d.learning.segmenters import Segmenter, load_segmenter


def find_segmenter(
    domain: Domain, weights: Path | None, device: torch.device, network: StyleGenerator | None = None
) -> Segmenter | None:
    """See :func:`sat3d.learning.segmenters.load_segmenter`; names the option where weights are missing.

    Raises:
        FileError, ConfigError: as that one does.
    """
    try:
        return load_segmenter(domain, weights, device, network)
    except FileError as error:
        raise error if weights else error.with_next_step(f"{error.next_step} (--parser)") from error
