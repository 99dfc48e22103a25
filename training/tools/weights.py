"""Tell how every shipped network was made, from the cards beside the files.

    python -m training.tools.weights [NAME ...]

The lines in this order make them all again: data, readers and parser, generator, image-text model, encoder, masks.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from training.common.console import script
from sat3d.errors import ConfigError
from sat3d.files.network_files import ASSETS
from sat3d.files.reading import read_text
from training.common.settings import Many, Settings

_FENCE = "```"
# Each needs those before it.
_ORDER = (
    "attribute-reader",
    "second-reader",
    "head-parser",
    "synthheads-256",
    "synthheads-clip",
    "synthheads-encoder",
    "synthheads-masks",
    "synthheads-parts",
    "synthheads-expressions",
    "synthcars",
    "synthcars-masks",
    "synthcats",
    "synthcats-masks",
)


@dataclass(frozen=True, kw_only=True)
class Weights(Settings):
    names: Annotated[tyro.conf.Positional[Many[str]], tyro.conf.arg(metavar="NAME …", help_behavior_hint="")] = ()
    """file names without suffix (all)"""


@script(Weights)
def main(settings: Weights) -> int:
    for card in cards(settings.names):
        size = card.with_suffix(".safetensors").stat().st_size
        print(f"# {card.stem} ({size / 2**20:.1f} MiB)\n" + "\n".join(commands(card)) + "\n")
    return 0


def cards(names: Sequence[str]) -> list[Path]:
    """The cards of ``names`` (of all files), those first that others need.

    Raises:
        ConfigError: no such file.
    """
    known = {path.stem: path.with_suffix(".md") for path in ASSETS.glob("*.safetensors")}
    if unknown := [name for name in names if name not in known]:
        raise ConfigError("There is no such network in the package", unknown[0], ", ".join(sorted(known)))
    place = {name: number for number, name in enumerate(_ORDER)}
    return [known[name] for name in sorted(names or known, key=lambda name: (place.get(name, len(place)), name))]


def commands(card: Path) -> Iterator[str]:
    """The lines between the first fences of a card."""
    inside = False
    for line in read_text(card, "the card of a network").splitlines():
        if line.strip() == _FENCE:
            if inside:
                return
            inside = True
        elif inside:
            yield line.strip()


if __name__ == "__main__":
    sys.exit(main())
