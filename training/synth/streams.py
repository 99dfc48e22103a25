"""Independent streams of random numbers, by seed and key."""

from __future__ import annotations

import numpy as np

from sat3d.errors import ConfigError

SEED_LIMIT = 2**32  # numpy spreads larger seeds over several words, where two seeds could meet
_CAPTION_STREAM = 2  # 1: cameras; not 0: numpy pads the entropy of a shorter key with zeros


def random_stream(seed: int, *key: int) -> np.random.Generator:
    """An independent stream for each seed and key, whatever else is drawn.

    Raises:
        ConfigError: a seed outside 0..2³² − 1, a negative key.
    """
    if not 0 <= seed < SEED_LIMIT or min(key, default=0) < 0:
        raise ConfigError("Seed out of range", seed, f"0 to {SEED_LIMIT - 1}", "choose another seed")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *key])))


def caption_stream(seed: int, head: int, view: int) -> np.random.Generator:
    """The random numbers of the caption of one view."""
    return random_stream(seed, head, _CAPTION_STREAM, view)
