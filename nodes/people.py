"""What is for people alone is refused, in words, where a generator draws something else, such as cars."""

from __future__ import annotations

from ..sat3d.domains import shows_people
from ..sat3d.errors import ConfigError
from ..sat3d.generators import StyleGenerator


def check(network: StyleGenerator, task: str, next_step: str) -> None:
    """``task``: to begin a sentence with.

    Raises:
        ConfigError: the generator draws no people.
    """
    if not shows_people(network.domain):
        raise ConfigError(f"{task} is for people", f"a generator of {network.domain}", "a generator of heads or faces",
                          next_step)  # fmt: skip
