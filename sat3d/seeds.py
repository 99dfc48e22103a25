"""Random numbers that depend on a seed and numbers alone, so that nothing about chance need be saved."""

from __future__ import annotations

import torch

_FACTOR, SEED_LIMIT = 1_000_003, 1 << 63


def mixed_seed(seed: int, *numbers: int) -> int:
    """One seed for a torch generator out of a seed and, say, a step and a rank."""
    for number in numbers:
        seed = (seed * _FACTOR + number) % SEED_LIMIT
    return seed


def generator_of(device: torch.device | str, seed: int, *numbers: int) -> torch.Generator:
    """A generator on ``device`` for :func:`mixed_seed` of the numbers."""
    return torch.Generator(device).manual_seed(mixed_seed(seed, *numbers))


def apart_from(seed: int, stream: int) -> int:
    """Another seed, for what has nothing to do with the draws of ``seed``; one for each ``stream``."""
    return mixed_seed(seed, stream) % SEED_LIMIT
