"""Train the attribute reader, the small network that says what a head picture shows.

    python training/train_reader.py --data DIR [DIR ...] --out reader.safetensors [--minutes M] [--resume]
    python training/train_reader.py --data DIR [DIR ...] --out second-reader.safetensors --architecture second --seed 2

The second is another network with the same outputs: it judges what was made with the help of the first. Data sets of
several populations go together. Pictures of 256 pixels show most; those of 128 are enough. Ctrl-C, or a kill, costs at
most the minutes since the last checkpoint.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training.common.console import script
from training.common.device import Machine
from training.data.views import Views
from training.networks import options as command_line
from training.networks.reader import SMALLEST_PX, ReaderTask
from training.networks.targets import READERS, reader_config
from training.networks.task import Recipe

PRESETS = {
    "first": {"cpu": Recipe(batch=64, rate=3e-3, minutes=120), "gpu": Recipe(batch=256, rate=4e-3, minutes=15)},
    "second": {"cpu": Recipe(batch=64, rate=1.5e-3, minutes=120), "gpu": Recipe(batch=256, rate=2e-3, minutes=15)},
}


@script(stopped=command_line.STOPPED)
def main(arguments: Sequence[str] | None = None) -> int:
    options = command_line.parse(__doc__, arguments, _add_arguments)
    config = reader_config(options.architecture)

    def make_task(views: Views, machine: Machine) -> ReaderTask:
        return ReaderTask(views, machine, options.seed, config)

    needs = command_line.Needs(config.picture_px, SMALLEST_PX, labels=False)
    return command_line.run(options, PRESETS[options.architecture], needs, make_task)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    which = "which network: first ships as the reader, second is another one, to judge (first)"
    parser.add_argument("--architecture", choices=READERS, default=READERS[0], help=which)


if __name__ == "__main__":
    sys.exit(main())
