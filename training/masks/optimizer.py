"""Ranger (RAdam, Lookahead and gradient centralisation), as the paper uses it, from pytorch_optimizer."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from sat3d.errors import ConfigError

_BETA1 = 0.95


def make_ranger(
    parameters: Iterable[nn.Parameter], rate: float, centralised: bool = True, beta2: float = 0.999
) -> torch.optim.Optimizer:
    """Ranger with its authors' settings by default.

    ``centralised``: each attribute's gradient loses its mean over the channels, so that none grows everywhere.
    ``beta2``: memory of the second moment. RAdam warms up for about 1 / (1 - beta2) steps: short trainings want less.

    Raises:
        ConfigError: the library is not installed.
    """
    return find_ranger()(list(parameters), lr=rate, betas=(_BETA1, beta2), use_gc=centralised)


def find_ranger() -> type[torch.optim.Optimizer]:
    """The class.

    Raises:
        ConfigError: the library is not installed.
    """
    try:
        from pytorch_optimizer import Ranger
    except ImportError as error:
        raise ConfigError(
            "The optimiser's library is not installed",
            error,
            "pytorch-optimizer",
            "pip install -r training/requirements.txt",
        ) from error
    return Ranger
