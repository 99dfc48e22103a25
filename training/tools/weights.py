"""Tell how every shipped network was made, from the cards beside the files.

    python training/tools/weights.py [NAME ...]

The lines in this order make them all again: data, readers and parser, generator, image-text model, encoder, masks.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sat3d.errors import ConfigError
from sat3d.files.reading import read_text
from sat3d.networks.loading import ASSETS
from training.common.console import script

_FENCE = "```"
# Each needs those before it.
_ORDER = (
    "attribute-reader",
    "second-reader",
    "head-parser",
    "synthheads-128",
    "synthheads-clip",
    "synthheads-encoder",
    "synthheads-masks",
)


@script()
def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="file names without suffix (all)")
    for card in cards(parser.parse_args(arguments).names):
        size = card.with_suffix(".safetensors").stat().st_size
        print(f"# {card.stem} ({size / 2**20:.1f} MiB)\n" + "\n".join(commands(card)) + "\n")
    return 0


def cards(names: list[str]) -> list[Path]:
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
