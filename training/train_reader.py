"""Train the attribute reader, the small network that says what a head picture shows.

    python training/train_reader.py --data DIR [DIR ...] --out reader.safetensors [--minutes M] [--resume]

Pictures of 128 pixels are enough. Ctrl-C, or a kill, costs at most the minutes since the last checkpoint.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training.console import script
from training.vision import options as command_line
from training.vision.loop import Plan
from training.vision.reader_task import SIZE, ReaderTask

PRESETS = {
    "cpu": Plan(batch=64, rate=3e-3, minutes=40),
    "gpu": Plan(batch=256, rate=4e-3, minutes=12),
}


@script(stopped=command_line.STOPPED)
def main(arguments: Sequence[str] | None = None) -> int:
    options = command_line.parse(__doc__, arguments)
    return command_line.run(options, PRESETS, SIZE, partial(ReaderTask, seed=options.seed))


if __name__ == "__main__":
    sys.exit(main())
