"""Train the small image-text model, which says how well a picture of a head fits a phrase.

    python training/train_clip.py --data DIR [DIR ...] --out clip.safetensors [--generated N] [--minutes M] [--resume]

Pictures of 128 pixels are enough. With --generated, those that a generator makes of rendered heads are mixed in, with
the heads' captions: of their latents, or of what --encoder sees in the renders, where nobody labelled the generator.
Ctrl-C, or a kill, costs at most the minutes since the last checkpoint.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sat3d.errors import ConfigError
from training.common.console import script
from training.common.device import Machine
from training.data.views import Views
from training.networks import generated_views as generated
from training.networks import options as command_line
from training.networks.clip import SIZE, ClipTask
from training.networks.generated_views import with_generated
from training.networks.task import Recipe

PRESETS = {
    "cpu": Recipe(batch=64, rate=1.5e-3, decay=0.05, minutes=60),
    "gpu": Recipe(batch=256, rate=2e-3, decay=0.05, minutes=15),
}


@script(stopped=command_line.STOPPED)
def main(arguments: Sequence[str] | None = None) -> int:
    options = command_line.parse(__doc__, arguments, _add_arguments)
    _check(options)

    def make_task(views: Views, machine: Machine) -> ClipTask:
        task = ClipTask(with_generated(views, options), machine, options.seed)
        task.keep_start = options.keep_start
        if options.from_reader:
            task.start_from_reader()
        return task

    return command_line.run(options, PRESETS, command_line.Needs(SIZE, labels=False), make_task)


def _check(options: argparse.Namespace) -> None:
    """
    Raises:
        ConfigError: a share out of range, or of nothing.
    """
    if not 0 <= options.keep_start < 1:
        raise ConfigError("--keep-start is out of range", options.keep_start, "0 to below 1", "correct it")
    if options.keep_start and not options.start:
        raise ConfigError("--keep-start has nothing to keep", options.keep_start, "--start FILE beside it", "name one")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    generated.add_arguments(parser)
    parser.add_argument("--from-reader", action="store_true", help="begin with the attribute reader's convolutions")
    keep = "the result is this share of the weights of --start and the rest of what was learned (0)"
    parser.add_argument("--keep-start", type=float, default=0.0, metavar="SHARE", help=keep)


if __name__ == "__main__":
    sys.exit(main())
