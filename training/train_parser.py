"""Train the head parser, the small network that says what each pixel of a head picture is.

    python training/train_parser.py --data DIR [DIR ...] --out parser.safetensors [--minutes M] [--resume]

Pictures need 256 pixels. Ctrl-C, or a kill, costs at most the minutes since the last checkpoint.
"""

import sys
from functools import partial

from training.common.console import script
from training.networks.command import STOPPED, Needs, NetworkSettings, run
from training.networks.parser import SIZE, ParserTask
from training.networks.task import Recipe

PRESETS = {
    "cpu": Recipe(batch=16, rate=3e-3, minutes=60, warmup=0.03),
    "gpu": Recipe(batch=64, rate=4e-3, minutes=12),
}


@script(NetworkSettings, stopped=STOPPED)
def main(settings: NetworkSettings) -> int:
    return run(settings, PRESETS, Needs(SIZE), partial(ParserTask, seed=settings.seed))


if __name__ == "__main__":
    sys.exit(main())
