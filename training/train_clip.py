"""Train the small image-text model, which says how well a picture of a head fits a phrase.

    python training/train_clip.py --data DIR [DIR ...] --out clip.safetensors [--generated N] [--minutes M] [--resume]

Pictures of 128 pixels are enough. Ctrl-C, or a kill, costs at most the minutes since the last checkpoint.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training.clip_training.task import SIZE, ClipTask
from training.evaluation.generator import CHECKPOINT, load_domain_generator
from training.vision import generated
from training.vision import options as command_line
from training.vision.data import Views
from training.vision.generated import with_generated
from training.vision.loop import Plan
from training.vision.machine import Machine

PRESETS = {
    "cpu": Plan(batch=64, rate=1.5e-3, decay=0.05, minutes=60),
    "gpu": Plan(batch=256, rate=2e-3, decay=0.05, minutes=15),
}


def main(arguments: Sequence[str] | None = None) -> int:
    options = command_line.parse(__doc__, arguments, _add_arguments)

    def make_task(views: Views, machine: Machine) -> ClipTask:
        if options.generated:
            views = with_generated(views, load_domain_generator(options.generator or CHECKPOINT), options)
        task = ClipTask(views, machine, options.seed)
        if options.from_reader:
            task.start_from_reader()
        return task

    return command_line.run(options, PRESETS, SIZE, make_task)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    generated.add_arguments(parser)
    parser.add_argument("--from-reader", action="store_true", help="begin with the attribute reader's convolutions")


if __name__ == "__main__":
    sys.exit(main())
