"""Train the head parser, the small network that says what each pixel of a head picture is.

    python training/train_parser.py --data DIR [DIR ...] --out parser.safetensors [--minutes M] [--resume]

Pictures need 256 pixels. Ctrl-C, or a kill, costs at most the minutes since the last checkpoint.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training.common.console import script
from training.networks import options as command_line
from training.networks.parser import SIZE, ParserTask
from training.networks.task import Recipe

PRESETS = {
    "cpu": Recipe(batch=16, rate=3e-3, minutes=60, warmup=0.03),
    "gpu": Recipe(batch=64, rate=4e-3, minutes=12),
}


@script(stopped=command_line.STOPPED)
def main(arguments: Sequence[str] | None = None) -> int:
    options = command_line.parse(__doc__, arguments)
    return command_line.run(options, PRESETS, command_line.Needs(SIZE), partial(ParserTask, seed=options.seed))


if __name__ == "__main__":
    sys.exit(main())
